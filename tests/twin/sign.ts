/* eslint no-restricted-imports: off -- Vitest knows a module by the name that was asked for: as #shared/crypto it would be the twin. */
import { sign as opensslSign, verify as opensslVerify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { signedDigest, verify as ownVerify, type SignKeypair } from '../../shared/crypto/sign.ts';
import { ed25519Public, ed25519PublicOf, ed25519Secret } from './openssl.ts';
import { remembered } from './remembered.ts';

export { SIGN_PUBLIC_LENGTH, SIGNATURE_LENGTH, signedDigest } from '../../shared/crypto/sign.ts';

/** shared/crypto/sign.ts once more, by OpenSSL: the same keys, signatures and verdicts in a fraction of the time. */
const secretKey = remembered(ed25519Secret);
const publicOf = remembered(ed25519PublicOf);
const publicKey = remembered(ed25519Public);

export const signKeypair = (seed: Uint8Array): SignKeypair => ({
  secret: seed,
  public: publicOf(seed).slice(),
});

export const sign = (label: string, secret: Uint8Array, ...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(opensslSign(null, signedDigest(label, parts), secretKey(secret)));

/** Whether a key is of those that OpenSSL may judge: reduced, and not of small order. */
const strict = remembered((key) => {
  try {
    return !ed25519.Point.fromBytes(key, false).isSmallOrder();
  } catch {
    return false;
  }
});

const opensslTakes = (digest: Uint8Array, key: Uint8Array, signature: Uint8Array): boolean => {
  try {
    return opensslVerify(null, digest, publicKey(key), signature);
  } catch {
    return false;
  }
};

/**
 * OpenSSL's equation has no cofactor, so that what it takes our own takes too if the key is good; what it does not take,
 * our own has to judge.
 */
export const verify = (
  label: string,
  key: Uint8Array,
  signature: Uint8Array,
  ...parts: Uint8Array[]
): boolean =>
  (strict(key) && opensslTakes(signedDigest(label, parts), key, signature)) ||
  ownVerify(label, key, signature, ...parts);
