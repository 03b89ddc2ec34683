import { bn254_Fr } from '@noble/curves/bn254.js';
import { concat, hex, text, unhex } from '../bytes/bytes.ts';
import { fixed, mapped, type Codec } from '../bytes/codec.ts';
import { sha256 } from '../crypto/kdf.ts';
import { LocalError, RemoteError } from '../errors.ts';

/** The scalar field of BN254, in which the statement is written. An element is a bigint below the order. */
export const FIELD_ORDER = bn254_Fr.ORDER;

export const FIELD_LENGTH = 32;

export const isField = (value: bigint): boolean => value >= 0n && value < FIELD_ORDER;

export const integerOf = (bytes: Uint8Array): bigint => (bytes.length === 0 ? 0n : BigInt(`0x${hex(bytes)}`));

/** 32 bytes, big-endian. */
export const fieldBytes = (value: bigint): Uint8Array => {
  if (!isField(value)) throw new LocalError('internal', 'not an element of the field');
  return unhex(value.toString(16).padStart(2 * FIELD_LENGTH, '0'));
};

/** 32 bytes, big-endian; a number that is not below the order is `malformed`, so each element has one layout. */
export const field: Codec<bigint> = mapped(
  fixed(FIELD_LENGTH),
  (bytes) => {
    const value = integerOf(bytes);
    if (!isField(value)) throw new RemoteError('malformed', 'not below the order of the field');
    return value;
  },
  fieldBytes,
);

/** Bytes of a hash that fit below the order whatever they are. */
const HASHED_LENGTH = 31;

/**
 * The first 31 bytes of SHA-256( label ‖ 0 ‖ parts ), big-endian. Parts of varying length need a length or a separator
 * of their own.
 */
export const hashToField = (label: string, ...parts: Uint8Array[]): bigint =>
  integerOf(sha256(concat(text(label), new Uint8Array(1), ...parts)).subarray(0, HASHED_LENGTH));
