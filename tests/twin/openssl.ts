import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  type KeyObject,
} from 'node:crypto';
import { remembered } from './remembered.ts';

/**
 * The primitives once more, from OpenSSL through node:crypto, which shares no code with those that the protocol uses.
 * Raw keys are wrapped into the DER that OpenSSL reads.
 */
const plain = (bytes: ArrayBuffer | Buffer): Uint8Array => new Uint8Array(bytes);
const wrap = (prefixHex: string, raw: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(prefixHex, 'hex'), raw]);

const privateKey = (prefixHex: string, raw: Uint8Array): KeyObject =>
  createPrivateKey({ key: wrap(prefixHex, raw), format: 'der', type: 'pkcs8' });
const publicKey = (prefixHex: string, raw: Uint8Array): KeyObject =>
  createPublicKey({ key: wrap(prefixHex, raw), format: 'der', type: 'spki' });
const rawPublic = (secret: KeyObject, prefixLength: number): Uint8Array =>
  plain(
    createPublicKey(secret as never)
      .export({ format: 'der', type: 'spki' })
      .subarray(prefixLength),
  );

/** RFC 8410. */
const X25519_SECRET = '302e020100300506032b656e04220420';
const X25519_PUBLIC = '302a300506032b656e032100';
const ED25519_SECRET = '302e020100300506032b657004220420';
export const ED25519_PUBLIC = '302a300506032b6570032100';
/** RFC 9935, the private key as its 64-byte seed. */
const MLKEM_SECRET = '3054020100300b060960864801650304040204428040';
const MLKEM_PUBLIC = '308204b2300b0609608648016503040402038204a100';

export const ed25519Public = (raw: Uint8Array): KeyObject => publicKey(ED25519_PUBLIC, raw);

export const ed25519Secret = (seed: Uint8Array): KeyObject => privateKey(ED25519_SECRET, seed);
export const ed25519PublicOf = (seed: Uint8Array): Uint8Array => rawPublic(ed25519Secret(seed), 12);

/** To read a key takes OpenSSL as long as to use it. */
const x25519Secret = remembered((secret) => privateKey(X25519_SECRET, secret));
const x25519Theirs = remembered((theirs) => publicKey(X25519_PUBLIC, theirs));
const mlkemSecret = remembered((seed) => privateKey(MLKEM_SECRET, seed));

export const x25519Public = (secret: Uint8Array): Uint8Array => rawPublic(x25519Secret(secret), 12);

export const x25519 = (secret: Uint8Array, theirs: Uint8Array): Uint8Array =>
  plain(diffieHellman({ privateKey: x25519Secret(secret), publicKey: x25519Theirs(theirs) }));

export const mlkemPublic = (seed: Uint8Array): Uint8Array => rawPublic(mlkemSecret(seed), 22);

/** With OpenSSL's own randomness. */
export const mlkemEncapsulate = (theirs: Uint8Array): { ciphertext: Uint8Array; secret: Uint8Array } => {
  const { ciphertext, sharedKey } = encapsulate(publicKey(MLKEM_PUBLIC, theirs));
  return { ciphertext: plain(ciphertext), secret: plain(sharedKey) };
};

export const mlkemDecapsulate = (ciphertext: Uint8Array, seed: Uint8Array): Uint8Array =>
  plain(decapsulate(mlkemSecret(seed), ciphertext));

/** RFC 5869 by hand from HMAC, for node:crypto's own takes no `info` beyond 1,024 bytes. */
export const hkdfSha256 = (
  secret: Uint8Array,
  info: Uint8Array,
  length: number,
  salt: Uint8Array = new Uint8Array(32),
): Uint8Array => {
  const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer =>
    createHmac('sha256', key).update(Buffer.concat(parts)).digest();
  const extracted = hmac(salt, secret);
  let block = Buffer.alloc(0);
  let out = Buffer.alloc(0);
  for (let i = 1; out.length < length; i++) {
    block = hmac(extracted, block, info, new Uint8Array([i])) as typeof block;
    out = Buffer.concat([out, block]);
  }
  return plain(out.subarray(0, length));
};

export const aeadSeal = (
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  ad: Uint8Array,
): Uint8Array => {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  cipher.setAAD(ad, { plaintextLength: plaintext.length });
  return plain(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
};

/** undefined when the tag fails. */
export const aeadOpen = (
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  ad: Uint8Array,
): Uint8Array | undefined => {
  if (sealed.length < 16) return undefined;
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  decipher.setAAD(ad, { plaintextLength: sealed.length - 16 });
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    return plain(Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]));
  } catch {
    return undefined;
  }
};
