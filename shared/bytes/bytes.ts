import { bytesToUtf8 } from '@noble/ciphers/utils.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { RemoteError } from '../errors.ts';

export const concat = (...parts: Uint8Array[]): Uint8Array => concatBytes(...parts);

export const hex = (bytes: Uint8Array): string => bytesToHex(bytes);

/** Throws `malformed` unless `text` is an even number of lower-case hex digits. */
export const unhex = (text: string): Uint8Array => {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text))
    throw new RemoteError('malformed', 'not lower-case hex');
  return hexToBytes(text);
};

export const text = (value: string): Uint8Array => utf8ToBytes(value);

/** Throws `malformed` on bytes that are not UTF-8. */
export const untext = (bytes: Uint8Array): string => {
  const value = bytesToUtf8(bytes);
  if (!equal(utf8ToBytes(value), bytes)) throw new RemoteError('malformed', 'not UTF-8');
  return value;
};

/** Compares in time that depends on the lengths alone. */
export const equal = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
};
