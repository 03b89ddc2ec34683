import { RemoteError } from '#shared/errors.ts';
import type { DhKeypair } from '#shared/crypto/dh.ts';
import { x25519, x25519Public } from './openssl.ts';
import { remembered } from './remembered.ts';

/** shared/crypto/dh.ts once more, by OpenSSL: the same keys, outputs and refusals in a fraction of the time. */
export const DH_LENGTH = 32;

const publicOf = remembered(x25519Public);

export const dhKeypair = (seed: Uint8Array): DhKeypair => ({ secret: seed, public: publicOf(seed).slice() });

export const dh = (secret: Uint8Array, publicKey: Uint8Array): Uint8Array => {
  try {
    return x25519(secret, publicKey);
  } catch {
    throw new RemoteError('bad-key');
  }
};
