import {
  bool,
  bytes,
  decode,
  encode,
  fixed,
  struct,
  text,
  u64,
  union,
  type Value,
} from '#shared/bytes/codec.ts';
import { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH } from '#shared/crypto/aead.ts';
import { CHUNK_LENGTH, FILE_ID_LENGTH, MAX_NAME } from '#web/core/conversation/content.ts';
import { GROUP_ID_LENGTH } from '#web/core/conversation/mls.ts';

/**
 * What passes on a channel to a contact, one frame a message:
 *
 *     welcome = 1 ‖ group id (16) ‖ invite token (16) ‖ name of the sender ‖ MLS welcome
 *     item    = 2 ‖ group id (16) ‖ seq (8) ‖ MLS ciphertext, whose authenticated data is seq
 *     ack     = 3 ‖ group id (16) ‖ epoch (8) ‖ nonce (12) ‖ ChaCha20-Poly1305(items taken in order so far (8))
 *     chunk   = 4 ‖ group id (16) ‖ file id (16) ‖ offset (8) ‖ ChaCha20-Poly1305(16,384 bytes of the file, or what is left of it)
 *     got     = 5 ‖ group id (16) ‖ file id (16) ‖ bytes of the file kept so far (8) ‖ again (1) ‖ tag (16)
 *
 * An ack's key is exported from its epoch, one per direction; its associated data are group id ‖ epoch. A group id is
 * known to the two members only. Of a larger file the receiver says by `got` what they have; `again` asks for
 * what follows, on the channel that it came on. Its keys are described in `web/core/files/sealing.ts`. Other frames than these
 * two begin what a channel is for.
 */
export const TOKEN_LENGTH = 16;
/** The token of a welcome that goes on with a contact whom the receiver has already. */
export const AGAIN = new Uint8Array(TOKEN_LENGTH);
/** The token of a welcome to who is in a group with the sender. */
export const FELLOW = new Uint8Array(TOKEN_LENGTH).fill(0xff);
const MAX_WELCOME = 32_768;
const MAX_CIPHERTEXT = 32_768;
const ACK_LENGTH = 24;

const groupId = fixed(GROUP_ID_LENGTH);
const fileId = fixed(FILE_ID_LENGTH);

export const frameCodec = union({
  welcome: [
    1,
    struct({ groupId, token: fixed(TOKEN_LENGTH), name: text(MAX_NAME), welcome: bytes(MAX_WELCOME) }),
  ],
  item: [2, struct({ groupId, seq: u64, ciphertext: bytes(MAX_CIPHERTEXT) })],
  ack: [3, struct({ groupId, epoch: u64, nonce: fixed(AEAD_NONCE_LENGTH), sealed: fixed(ACK_LENGTH) })],
  chunk: [4, struct({ groupId, file: fileId, offset: u64, sealed: bytes(CHUNK_LENGTH + AEAD_TAG_LENGTH) })],
  got: [5, struct({ groupId, file: fileId, bytes: u64, again: bool, tag: fixed(AEAD_TAG_LENGTH) })],
});
export type Frame = Value<typeof frameCodec>;
export type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>;
export type FileFrame = FrameOf<'chunk' | 'got'>;

/** Throws `malformed` or `oversized`. */
export const decodeFrame = (frame: Uint8Array): Frame => decode(frameCodec, frame);
export const encodeFrame = (frame: Frame): Uint8Array => encode(frameCodec, frame);
