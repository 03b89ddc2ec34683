import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, text } from '../bytes/bytes.ts';
import { RemoteError } from '../errors.ts';
import { AEAD_KEY_LENGTH, AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, open, seal } from './aead.ts';
import {
  XWING_CIPHERTEXT_LENGTH,
  XWING_ENCAPSULATION_SEED_LENGTH,
  xwingDecapsulate,
  xwingEncapsulate,
} from './kem.ts';
import type { Rng } from './rng.ts';

/**
 * HPKE (RFC 9180) in base mode, for one message: X-Wing, HKDF-SHA-512 and ChaCha20-Poly1305, as in the suite of MLS. What is
 * sealed is
 *
 *     X-Wing ciphertext (1,120) ‖ ciphertext ‖ tag (16)
 */
export const HPKE_OVERHEAD = XWING_CIPHERTEXT_LENGTH + AEAD_TAG_LENGTH;

/** "HPKE" ‖ KEM (2) ‖ KDF (2) ‖ AEAD (2), by the numbers of IANA's registry. */
const SUITE_ID = concat(text('HPKE'), Uint8Array.of(0x64, 0x7a, 0x00, 0x03, 0x00, 0x03));
const VERSION = text('HPKE-v1');
const NONE: Uint8Array = new Uint8Array(0);
const MODE_BASE = Uint8Array.of(0);

const labeledExtract = (salt: Uint8Array, label: string, secret: Uint8Array): Uint8Array =>
  extract(sha512, concat(VERSION, SUITE_ID, text(label), secret), salt);

const labeledExpand = (key: Uint8Array, label: string, info: Uint8Array, length: number): Uint8Array =>
  expand(
    sha512,
    key,
    concat(Uint8Array.of(length >> 8, length & 255), VERSION, SUITE_ID, text(label), info),
    length,
  );

/** RFC 9180, section 5.1, without a pre-shared key; the nonce is that of the first message. */
const keySchedule = (shared: Uint8Array, info: Uint8Array): { key: Uint8Array; nonce: Uint8Array } => {
  const context = concat(
    MODE_BASE,
    labeledExtract(NONE, 'psk_id_hash', NONE),
    labeledExtract(NONE, 'info_hash', info),
  );
  const secret = labeledExtract(shared, 'secret', NONE);
  return {
    key: labeledExpand(secret, 'key', context, AEAD_KEY_LENGTH),
    nonce: labeledExpand(secret, 'base_nonce', context, AEAD_NONCE_LENGTH),
  };
};

/** Both are bound to the message, and `info` to its key besides. */
export type HpkeBinding = { info: Uint8Array; ad: Uint8Array };

/** For who holds the secret half of `publicKey` (1,216). Throws `bad-key`. */
export const hpkeSeal = (
  rng: Rng,
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  { info, ad }: HpkeBinding,
): Uint8Array => {
  const { ciphertext, secret } = xwingEncapsulate(publicKey, rng(XWING_ENCAPSULATION_SEED_LENGTH));
  const { key, nonce } = keySchedule(secret, info);
  return concat(ciphertext, seal(key, nonce, plaintext, ad));
};

/** Throws `malformed` for what is too short, `bad-layer` for what was not sealed to this key, so, and whole. */
export const hpkeOpen = (
  secretKey: Uint8Array,
  sealed: Uint8Array,
  { info, ad }: HpkeBinding,
): Uint8Array => {
  if (sealed.length < HPKE_OVERHEAD) throw new RemoteError('malformed', 'too short to be sealed');
  const shared = xwingDecapsulate(sealed.subarray(0, XWING_CIPHERTEXT_LENGTH), secretKey);
  const { key, nonce } = keySchedule(shared, info);
  return open(key, nonce, sealed.subarray(XWING_CIPHERTEXT_LENGTH), ad);
};
