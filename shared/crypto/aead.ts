import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { RemoteError } from '../errors.ts';

/** ChaCha20-Poly1305 (RFC 8439). */
export const AEAD_KEY_LENGTH = 32;
export const AEAD_NONCE_LENGTH = 12;
export const AEAD_TAG_LENGTH = 16;

/** For a key that seals one message only. */
export const ZERO_NONCE: Uint8Array = new Uint8Array(AEAD_NONCE_LENGTH);

/** ciphertext ‖ tag (16). A key and nonce must never meet twice. */
export const seal = (
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  ad?: Uint8Array,
): Uint8Array => chacha20poly1305(key, nonce, ad).encrypt(plaintext);

/** The plaintext. Throws `bad-layer` when the tag fails or is missing. */
export const open = (
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  ad?: Uint8Array,
): Uint8Array => {
  try {
    return chacha20poly1305(key, nonce, ad).decrypt(ciphertext);
  } catch {
    throw new RemoteError('bad-layer');
  }
};

/** `count` as a 96-bit big-endian number; exact up to 2^53 − 1. */
export const counterNonce = (count: number): Uint8Array => {
  const nonce = new Uint8Array(AEAD_NONCE_LENGTH);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, Math.floor(count / 2 ** 32));
  view.setUint32(8, count % 2 ** 32);
  return nonce;
};
