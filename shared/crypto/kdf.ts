import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

/** SHA-256 of the parts joined: 32 bytes. Parts of varying length need a length or a separator of their own. */
export const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** SHA-256 of what is too long to be held at once: `update` with each part, then `digest`. */
export const sha256OfParts = (): { update(part: Uint8Array): void; digest(): Uint8Array } =>
  nobleSha256.create();

/** HKDF-SHA-256 (RFC 5869): extract with `salt` (32 zero bytes when absent), expand to `length` bytes, at most 8,160. */
export const hkdf = (secret: Uint8Array, info: Uint8Array, length: number, salt?: Uint8Array): Uint8Array =>
  nobleHkdf(nobleSha256, secret, salt, info, length);
