import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { RemoteError } from '../errors.ts';

/** ML-KEM-768 (FIPS 203): lengths in bytes. The shared secret has 32. */
export const KEM_PUBLIC_LENGTH = 1184;
export const KEM_CIPHERTEXT_LENGTH = 1088;
export const KEM_SEED_LENGTH = 64;
export const KEM_ENCAPSULATION_SEED_LENGTH = 32;

/** X-Wing (draft-connolly-cfrg-xwing-kem): X25519 and ML-KEM-768 as one KEM. The secret key is its 32-byte seed. */
export const XWING_PUBLIC_LENGTH = 1216;
export const XWING_CIPHERTEXT_LENGTH = 1120;
export const XWING_ENCAPSULATION_SEED_LENGTH = 64;

export type KemKeypair = { readonly secret: Uint8Array; readonly public: Uint8Array };
export type Encapsulation = { readonly ciphertext: Uint8Array; readonly secret: Uint8Array };

/** `seed` (64) = d ‖ z of FIPS 203. */
export const kemKeypair = (seed: Uint8Array): KemKeypair => {
  const { secretKey, publicKey } = ml_kem768.keygen(seed);
  return { secret: secretKey, public: publicKey };
};

/** Throws `bad-key` for a key of another length or with a coefficient that is not reduced (FIPS 203, section 7.2). */
export const kemEncapsulate = (publicKey: Uint8Array, seed: Uint8Array): Encapsulation =>
  refusing(() => {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, seed);
    return { ciphertext: cipherText, secret: sharedSecret };
  });

/** Throws `bad-key` for another length; a forged ciphertext gives an unpredictable secret (implicit rejection). */
export const kemDecapsulate = (ciphertext: Uint8Array, secretKey: Uint8Array): Uint8Array =>
  refusing(() => ml_kem768.decapsulate(ciphertext, secretKey));

export const xwingKeypair = (seed: Uint8Array): KemKeypair => {
  const { secretKey, publicKey } = ml_kem768_x25519.keygen(seed);
  return { secret: secretKey, public: publicKey };
};

/** As `kemEncapsulate`; `seed` has 64 bytes. */
export const xwingEncapsulate = (publicKey: Uint8Array, seed: Uint8Array): Encapsulation =>
  refusing(() => {
    const { cipherText, sharedSecret } = ml_kem768_x25519.encapsulate(publicKey, seed);
    return { ciphertext: cipherText, secret: sharedSecret };
  });

/** As `kemDecapsulate`. */
export const xwingDecapsulate = (ciphertext: Uint8Array, secretKey: Uint8Array): Uint8Array =>
  refusing(() => ml_kem768_x25519.decapsulate(ciphertext, secretKey));

const refusing = <T>(work: () => T): T => {
  try {
    return work();
  } catch {
    throw new RemoteError('bad-key');
  }
};
