import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { text } from '../bytes/bytes.ts';

/** Ed25519 (RFC 8032): lengths in bytes. */
export const SIGN_PUBLIC_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;

export type SignKeypair = { readonly secret: Uint8Array; readonly public: Uint8Array };

/** The secret key is its 32-byte seed. */
export const signKeypair = (seed: Uint8Array): SignKeypair => ({
  secret: seed,
  public: ed25519.getPublicKey(seed),
});

/**
 * What every signature here covers: 64 bytes, so that no two lists of parts and no two labels sign alike.
 *
 *     SHA-512( length of the label (4) ‖ label ‖ for each part: length (4) ‖ part )
 */
export const signedDigest = (label: string, parts: readonly Uint8Array[]): Uint8Array => {
  const hash = sha512.create();
  for (const part of [text(label), ...parts]) {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, part.length);
    hash.update(length).update(part);
  }
  return hash.digest();
};

/** 64 bytes. Each use has a label of its own. */
export const sign = (label: string, secret: Uint8Array, ...parts: Uint8Array[]): Uint8Array =>
  ed25519.sign(signedDigest(label, parts), secret);

/** Strict: canonical encodings and no key of small order. Bad input of any kind is `false`. */
export const verify = (
  label: string,
  publicKey: Uint8Array,
  signature: Uint8Array,
  ...parts: Uint8Array[]
): boolean => {
  if (publicKey.length !== SIGN_PUBLIC_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  try {
    return ed25519.verify(signature, signedDigest(label, parts), publicKey, { zip215: false });
  } catch {
    return false;
  }
};
