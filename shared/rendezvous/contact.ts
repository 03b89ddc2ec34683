import { concat, equal, text } from '../bytes/bytes.ts';
import {
  bytes,
  encode,
  fixed,
  list,
  mapped,
  optional,
  struct,
  u32,
  u64,
  type Codec,
  type Value,
} from '../bytes/codec.ts';
import { CONTACT_BLOB_LENGTH, hashCodec, keyCodec, nodeIdCodec, versioned } from '../bytes/fields.ts';
import { Reader } from '../bytes/reader.ts';
import { AEAD_KEY_LENGTH, AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, open, seal } from '../crypto/aead.ts';
import {
  blindingFactor,
  blindKeypair,
  blindPublicKey,
  PERIOD_LENGTH_MINUTES,
  signBlinded,
} from '../crypto/blind.ts';
import { hkdf, sha256 } from '../crypto/kdf.ts';
import { XWING_PUBLIC_LENGTH } from '../crypto/kem.ts';
import type { Rng } from '../crypto/rng.ts';
import { verify } from '../crypto/sign.ts';
import { LocalError, RemoteError } from '../errors.ts';
import type { Millis, NodeId } from '../units.ts';
import { inboxId, TAG_LENGTH } from './inbox.ts';

const SIGNED = 'hourglass contact descriptor 1';
const SEALED = text('hourglass contact blob 1');
const NAMED = text('hourglass contact descriptor id 1');

export const MAX_INBOXES = 4;
export const MAX_KEY_PACKAGE_BYTES = 8192;
const SALT_LENGTH = 32;
const ROOM = CONTACT_BLOB_LENGTH - SALT_LENGTH - AEAD_TAG_LENGTH;
/** A descriptor may be published so many periods ahead, so that whoever is away for as long can still be found. */
export const PERIODS_AHEAD = 7;
/** One period, ms. */
export const PERIOD_MS: Millis = PERIOD_LENGTH_MINUTES * 60_000;

/** Where a user can be met. */
export type Inbox = {
  exit: NodeId;
  tag: Uint8Array;
  /** X25519: the handshake's key at the last hop. */
  onionKey: Uint8Array;
  /** The handshake's identity at the last hop; it follows from `onionKey` and is not sent. */
  id: Uint8Array;
};

const inboxCodec: Codec<Inbox> = mapped(
  struct({ exit: nodeIdCodec, tag: fixed(TAG_LENGTH), onionKey: keyCodec }),
  (inbox) => ({ ...inbox, id: inboxId(inbox.onionKey) }),
  (inbox) => inbox,
);

/** Where somebody takes what is for them while they are away: the mailbox's id, and the X-Wing key to seal it for. */
export const mailboxCodec = struct({ mailbox: hashCodec, key: fixed(XWING_PUBLIC_LENGTH) });
export type Mailbox = Value<typeof mailboxCodec>;

/**
 * What the holders of an address learn of its owner. One of a period in which the owner was not there yet has no inboxes:
 *
 *     version (1) ‖ count (2) ‖ inboxes: exit (32) ‖ tag (16) ‖ onion key (32) ‖ MLS key package (2 + n)
 *     ‖ present (1) [‖ mailbox for first contact, of this period: id (32) ‖ X-Wing key (1,216)]
 */
const contactCodec = versioned(
  2,
  struct({
    inboxes: list(inboxCodec, MAX_INBOXES),
    keyPackage: bytes(MAX_KEY_PACKAGE_BYTES),
    mailbox: optional(mailboxCodec),
  }),
);
export type ContactDescriptor = Value<typeof contactCodec>;

/**
 * A contact descriptor as the directory holds it, for one period:
 *
 *     blob (16,384) = salt (32) ‖ AEAD( contact descriptor ‖ zeros )
 *     key (32) ‖ nonce (12) = HKDF( A ‖ A' ‖ period (4) ‖ revision (8); salt; label )
 *
 * The signature is the blinded key's, over A' ‖ period ‖ revision ‖ SHA-256(blob).
 */
export type Published = {
  blindedKey: Uint8Array;
  period: number;
  revision: number;
  blob: Uint8Array;
  signature: Uint8Array;
};

/** Days since 1970: in each an address goes by another blinded key. */
export const periodOf = (now: Millis): number => Math.floor(now / PERIOD_MS);

/** A': what the address goes by in `period`. Throws `bad-key`. */
export const blindedAddress = (publicKey: Uint8Array, period: number): Uint8Array =>
  blindPublicKey(publicKey, blindingFactor(publicKey, period));

/** SHA-256( label ‖ A' ‖ period ): what the descriptor is looked up by. */
export const descriptorId = (blindedKey: Uint8Array, period: number): Uint8Array =>
  sha256(NAMED, blindedKey, encode(u32, period));

const parts = ({ blindedKey, period, revision, blob }: Omit<Published, 'signature'>): Uint8Array[] => [
  blindedKey,
  encode(u32, period),
  encode(u64, revision),
  sha256(blob),
];

type Place = { blindedKey: Uint8Array; period: number; revision: number };

const blobKey = (
  publicKey: Uint8Array,
  place: Place,
  salt: Uint8Array,
): { key: Uint8Array; nonce: Uint8Array } => {
  const secret = concat(publicKey, place.blindedKey, encode(u32, place.period), encode(u64, place.revision));
  const reader = new Reader(hkdf(secret, SEALED, AEAD_KEY_LENGTH + AEAD_NONCE_LENGTH, salt));
  return { key: reader.take(AEAD_KEY_LENGTH), nonce: reader.take(AEAD_NONCE_LENGTH) };
};

/** `revision` must be above that of any earlier descriptor of the period. */
export const sealContact = (
  rng: Rng,
  identity: { public: Uint8Array; secretSeed: Uint8Array },
  period: number,
  revision: number,
  descriptor: ContactDescriptor,
): Published => {
  const blinded = blindKeypair(identity.secretSeed, blindingFactor(identity.public, period));
  const place = { blindedKey: blinded.public, period, revision };
  const content = encode(contactCodec, descriptor);
  if (content.length > ROOM)
    throw new LocalError('too-long', 'a contact descriptor that its blob cannot hold');
  const padded = new Uint8Array(ROOM);
  padded.set(content);
  const salt = rng(SALT_LENGTH);
  const { key, nonce } = blobKey(identity.public, place, salt);
  const unsigned = { ...place, blob: concat(salt, seal(key, nonce, padded)) };
  return { ...unsigned, signature: signBlinded(SIGNED, blinded, ...parts(unsigned)) };
};

/**
 * What anyone can check: it may be of the period before this one, and up to `ahead` periods early. Throws `malformed`,
 * `stale` or `bad-signature`.
 */
export const checkPublished = (published: Published, now: Millis, ahead = PERIODS_AHEAD): void => {
  if (published.blob.length !== CONTACT_BLOB_LENGTH)
    throw new RemoteError('malformed', 'not of the blob`s length');
  const early = published.period - periodOf(now);
  if (early < -1 || early > ahead) throw new RemoteError('stale');
  if (!verify(SIGNED, published.blindedKey, published.signature, ...parts(published))) {
    throw new RemoteError('bad-signature');
  }
};

/**
 * For who holds the address, of this period or one beside it: `publicKey` is the address's. Throws as `checkPublished` does, `bad-key` (another
 * address), `bad-layer`, `malformed` or `bad-version`.
 */
export const openContact = (publicKey: Uint8Array, published: Published, now: Millis): ContactDescriptor => {
  checkPublished(published, now, 1);
  if (!equal(published.blindedKey, blindedAddress(publicKey, published.period)))
    throw new RemoteError('bad-key');
  const salt = published.blob.subarray(0, SALT_LENGTH);
  const { key, nonce } = blobKey(publicKey, published, salt);
  const reader = new Reader(open(key, nonce, published.blob.subarray(SALT_LENGTH)));
  const descriptor = contactCodec.read(reader);
  if (reader.rest().some((byte) => byte !== 0))
    throw new RemoteError('malformed', 'padding that is not zero');
  return descriptor;
};
