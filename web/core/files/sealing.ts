import { concat, text } from '#shared/bytes/bytes.ts';
import { bool, encode, u64 } from '#shared/bytes/codec.ts';
import { AEAD_KEY_LENGTH, counterNonce, open, seal } from '#shared/crypto/aead.ts';
import { hkdf } from '#shared/crypto/kdf.ts';
import { RemoteError } from '#shared/errors.ts';
import { CHUNK_LENGTH, type FileOffer } from '#web/core/conversation/content.ts';
import type { FrameOf } from '#web/core/conversation/frames.ts';

/**
 * How the parts of a larger file are sealed, which pass beside MLS. From the key of the offer:
 *
 *     chunk key = HKDF-SHA-256(key, "hourglass file chunk 1")      got key = HKDF-SHA-256(key, "hourglass file got 1")
 *     sealed    = ChaCha20-Poly1305(chunk key, nonce offset, AD file id, bytes of the file from offset on)
 *     tag       = ChaCha20-Poly1305(got key, nonce 2 · bytes + again, AD file id ‖ bytes (8) ‖ again (1), nothing)
 *
 * A chunk begins at a multiple of 16,384 and has 16,384 bytes, or all that are left; so a nonce meets one plaintext only,
 * however often it is sent.
 */
const CHUNK_LABEL = text('hourglass file chunk 1');
const GOT_LABEL = text('hourglass file got 1');
const NOTHING = new Uint8Array(0);

export type FileKeys = { file: Uint8Array; size: number; chunk: Uint8Array; got: Uint8Array };

export const fileKeys = ({ file, size, key }: FileOffer): FileKeys => ({
  file,
  size,
  chunk: hkdf(key, CHUNK_LABEL, AEAD_KEY_LENGTH),
  got: hkdf(key, GOT_LABEL, AEAD_KEY_LENGTH),
});

/** Bytes of the chunk at `offset`. */
const chunkLength = (size: number, offset: number): number => Math.min(CHUNK_LENGTH, size - offset);

export const sealChunk = (
  { file, chunk }: FileKeys,
  groupId: Uint8Array,
  offset: number,
  data: Uint8Array,
): FrameOf<'chunk'> => ({
  ...{ type: 'chunk', groupId, file, offset },
  sealed: seal(chunk, counterNonce(offset), data, file),
});

/** Throws `malformed` for what no chunk of this file is, and `bad-layer`. */
export const openChunk = (
  { file, size, chunk }: FileKeys,
  { offset, sealed }: FrameOf<'chunk'>,
): Uint8Array => {
  if (offset % CHUNK_LENGTH !== 0 || offset >= size)
    throw new RemoteError('malformed', 'no place of a chunk');
  const data = open(chunk, counterNonce(offset), sealed, file);
  if (data.length !== chunkLength(size, offset))
    throw new RemoteError('malformed', 'a chunk of another length');
  return data;
};

const gotParts = (
  file: Uint8Array,
  bytes: number,
  again: boolean,
): { nonce: Uint8Array; ad: Uint8Array } => ({
  nonce: counterNonce(2 * bytes + Number(again)),
  ad: concat(file, encode(u64, bytes), encode(bool, again)),
});

export const sealGot = (
  { file, got }: FileKeys,
  groupId: Uint8Array,
  bytes: number,
  again: boolean,
): FrameOf<'got'> => {
  const { nonce, ad } = gotParts(file, bytes, again);
  return { type: 'got', groupId, file, bytes, again, tag: seal(got, nonce, NOTHING, ad) };
};

/** Throws `malformed` for what can't be kept of this file, and `bad-layer`. */
export const checkGot = ({ file, size, got }: FileKeys, { bytes, again, tag }: FrameOf<'got'>): void => {
  const whole = bytes === size || (bytes < size && bytes % CHUNK_LENGTH === 0);
  if (!whole) throw new RemoteError('malformed', 'not a number of bytes that are kept');
  const { nonce, ad } = gotParts(file, bytes, again);
  open(got, nonce, tag, ad);
};
