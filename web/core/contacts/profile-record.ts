import { concat, equal, text } from '#shared/bytes/bytes.ts';
import { bytes, encode, struct, type Value } from '#shared/bytes/codec.ts';
import { keyCodec, versioned } from '#shared/bytes/fields.ts';
import { Reader } from '#shared/bytes/reader.ts';
import { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, open, seal } from '#shared/crypto/aead.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { SignKeypair } from '#shared/crypto/sign.ts';
import { BLOB_SIZES } from '#shared/directory/blobs.ts';
import { signRecord, verifyRecord, type SignedRecord } from '#shared/directory/records.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';

export const MAX_PICTURE = 32_768;

const SEALED = text('hourglass profile 1');
/** Of its owner's slots. */
export const PROFILE_SLOT = 0;
const OVERHEAD = AEAD_NONCE_LENGTH + AEAD_TAG_LENGTH;

/** Where somebody's sealed profile stands, and what opens it. */
export const profileRefCodec = struct({ owner: keyCodec, key: keyCodec });
export type ProfileRef = Value<typeof profileRefCodec>;

/**
 * What a sealed profile holds: version (1) ‖ picture (length-prefixed, 2; a JPEG). As a record's blob, of the smallest size that takes it:
 *
 *     nonce (12) ‖ ChaCha20-Poly1305( that ‖ zeros ), over label ‖ owner key (32) ‖ revision (8)
 *
 * The sealing key is random, and goes to contacts inside MLS.
 */
const profileCodec = versioned(1, struct({ picture: bytes(MAX_PICTURE) }));

/** FF D8 FF begins every JPEG. */
const isJpeg = (picture: Uint8Array): boolean =>
  picture[0] === 0xff && picture[1] === 0xd8 && picture[2] === 0xff;

/** What the user chose. Throws LocalError `too-long` or `malformed`. */
export const checkPicture = (picture: Uint8Array): void => {
  if (picture.length > MAX_PICTURE) throw new LocalError('too-long', 'a picture has at most 32 KiB');
  if (!isJpeg(picture)) throw new LocalError('malformed', 'a picture has to be a JPEG');
};

const place = (owner: Uint8Array, revision: number): Uint8Array => {
  const at = new Uint8Array(8);
  new DataView(at.buffer).setBigUint64(0, BigInt(revision));
  return concat(SEALED, owner, at);
};

/** `revision` must be above that of the owner's former record. */
export const sealProfile = (
  rng: Rng,
  owner: SignKeypair,
  key: Uint8Array,
  revision: number,
  picture: Uint8Array,
): SignedRecord => {
  const content = encode(profileCodec, { picture });
  const size = BLOB_SIZES.find((each) => each >= content.length + OVERHEAD);
  if (size === undefined) throw new LocalError('too-long', 'a profile that no blob holds');
  const padded = new Uint8Array(size - OVERHEAD);
  padded.set(content);
  const nonce = rng(AEAD_NONCE_LENGTH);
  const blob = concat(nonce, seal(key, nonce, padded, place(owner.public, revision)));
  return signRecord(owner, { slot: PROFILE_SLOT, revision, blob });
};

/** What erases the owner's profile. */
export const emptyProfile = (owner: SignKeypair, revision: number): SignedRecord =>
  signRecord(owner, { slot: PROFILE_SLOT, revision, blob: new Uint8Array(0) });

/** The picture, or undefined where the owner erased it. Throws `bad-key`, `bad-signature`, `bad-layer`, `malformed`, `oversized` or `bad-version`. */
export const openProfile = ({ owner, key }: ProfileRef, record: SignedRecord): Uint8Array | undefined => {
  if (!equal(record.key, owner) || record.slot !== PROFILE_SLOT) throw new RemoteError('bad-key');
  if (!verifyRecord(record)) throw new RemoteError('bad-signature');
  if (record.blob.length === 0) return undefined;
  const nonce = record.blob.subarray(0, AEAD_NONCE_LENGTH);
  const sealed = record.blob.subarray(AEAD_NONCE_LENGTH);
  const { picture } = profileCodec.read(new Reader(open(key, nonce, sealed, place(owner, record.revision))));
  if (!isJpeg(picture)) throw new RemoteError('malformed', 'no JPEG');
  return picture;
};
