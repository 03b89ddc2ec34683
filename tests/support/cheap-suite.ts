import { hash, randomBytes } from 'node:crypto';
import type { CiphersuiteImpl } from 'ts-mls';
import { concat, equal, hex } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { SUITE } from '#web/core/conversation/suite.ts';

/**
 * Everything that MLS asks of cryptography, from hashes alone: it keeps no secret from anybody, but a wrong key, a changed
 * byte or a lost state fails as with the true one. For properties of what stands on MLS, many times over.
 */
const HASH = 32;
const TAG = 16;
const EMPTY = new Uint8Array(0);

const digest = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(hash('sha256', concat(...parts), 'buffer'));
/** A hash of the key before the rest is enough here, and takes a fraction of what Node's HMAC does. */
const mac = (key: Uint8Array, ...parts: Uint8Array[]): Uint8Array =>
  digest(Uint8Array.of(0, key.length), key, ...parts);

const expand = (key: Uint8Array, info: Uint8Array, length: number): Uint8Array => {
  const out = new Uint8Array(length);
  for (let at = 0, i = 0; at < length; at += HASH, i++)
    out.set(mac(key, info, Uint8Array.of(i)).subarray(0, length - at), at);
  return out;
};

class Mismatch extends Error {
  override readonly name = 'CryptoError';
}

const sealed = (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array =>
  concat(plaintext, mac(key, nonce, aad, plaintext).subarray(0, TAG));

const opened = (key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array => {
  const plaintext = ciphertext.subarray(0, -TAG);
  if (!equal(sealed(key, nonce, aad, plaintext), ciphertext))
    throw new Mismatch('wrong key or changed bytes');
  return plaintext.slice();
};

/** Keys pass through MLS as objects of WebCrypto's type, which it only hands back. */
type Key<T extends 'public' | 'private'> = CryptoKey & { type: T };
const asKey = <T extends 'public' | 'private'>(bytes: Uint8Array): Key<T> => bytes as unknown as Key<T>;
const bytesOf = (key: CryptoKey): Uint8Array => key as unknown as Uint8Array;
const publicOf = (secret: Uint8Array): Uint8Array => digest(Uint8Array.of(1), secret);

const keyPair = (privateKey: Uint8Array): { privateKey: Key<'private'>; publicKey: Key<'public'> } => ({
  privateKey: asKey(privateKey),
  publicKey: asKey(publicOf(privateKey)),
});

const hpke: CiphersuiteImpl['hpke'] = {
  open: async (key, enc, ciphertext, info, aad = EMPTY) =>
    opened(digest(publicOf(bytesOf(key)), enc, info), EMPTY, aad, ciphertext),
  seal: async (key, plaintext, info, aad = EMPTY) => {
    const enc = new Uint8Array(randomBytes(HASH));
    return { enc, ct: sealed(digest(bytesOf(key), enc, info), EMPTY, aad, plaintext) };
  },
  importPrivateKey: async (key) => asKey(key),
  importPublicKey: async (key) => asKey(key),
  exportPublicKey: async (key) => bytesOf(key),
  exportPrivateKey: async (key) => bytesOf(key),
  encryptAead: async (key, nonce, aad, plaintext) => sealed(key, nonce, aad ?? EMPTY, plaintext),
  decryptAead: async (key, nonce, aad, ciphertext) => opened(key, nonce, aad ?? EMPTY, ciphertext),
  exportSecret: async (key, context, length, info) => {
    const enc = new Uint8Array(randomBytes(HASH));
    return { enc, secret: expand(digest(bytesOf(key), enc, info), context, length) };
  },
  importSecret: async (key, context, enc, length, info) =>
    expand(digest(publicOf(bytesOf(key)), enc, info), context, length),
  deriveKeyPair: async (ikm) => keyPair(digest(Uint8Array.of(2), ikm)),
  generateKeyPair: async () => keyPair(new Uint8Array(randomBytes(HASH))),
  keyLength: 32,
  nonceLength: 12,
};

/** Identities have true keys; to derive a public one is the only slow thing here. */
const publicKeys = new Map<string, Uint8Array>();
const signingKey = (secret: Uint8Array): Uint8Array => {
  const id = hex(secret);
  const known = publicKeys.get(id) ?? signKeypair(secret).public;
  publicKeys.set(id, known);
  return known;
};

const signature: CiphersuiteImpl['signature'] = {
  sign: async (secret, message) => digest(signingKey(secret), message),
  verify: async (key, message, signed) => equal(digest(key, message), signed),
  keygen: async () => {
    const { secret, public: publicKey } = signKeypair(new Uint8Array(randomBytes(32)));
    return { signKey: secret, publicKey };
  },
};

export const cheapSuite: CiphersuiteImpl = {
  name: SUITE,
  hash: {
    digest: async (data) => digest(data),
    mac: async (key, data) => mac(key, data),
    verifyMac: async (key, tag, data) => equal(mac(key, data), tag),
  },
  hpke,
  signature,
  kdf: {
    extract: async (salt, ikm) => mac(salt, ikm),
    expand: async (key, info, length) => expand(key, info, length),
    size: HASH,
  },
  rng: { randomBytes: (length) => new Uint8Array(randomBytes(length)) },
};
