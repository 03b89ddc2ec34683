import { x25519 } from '@noble/curves/ed25519.js';
import { RemoteError } from '../errors.ts';

/** X25519 (RFC 7748): keys and outputs of 32 bytes. */
export const DH_LENGTH = 32;

export type DhKeypair = { readonly secret: Uint8Array; readonly public: Uint8Array };

export const dhKeypair = (seed: Uint8Array): DhKeypair => ({
  secret: seed,
  public: x25519.getPublicKey(seed),
});

/** Throws `bad-key` for a public key of another length, or one whose output is all zero (RFC 7748, section 6.1). */
export const dh = (secret: Uint8Array, publicKey: Uint8Array): Uint8Array => {
  try {
    return x25519.getSharedSecret(secret, publicKey);
  } catch {
    throw new RemoteError('bad-key');
  }
};
