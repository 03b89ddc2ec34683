import { bn254 } from '@noble/curves/bn254.js';
import { PROOF_LENGTH } from '#shared/contribution/statement.ts';

/**
 * A Groth16 proof over BN254: A (64) ‖ B (128) ‖ C (64), each point uncompressed as x ‖ y, each number 32 bytes
 * big-endian and below p, the coordinates of B as c0 ‖ c1. Each proof has one such layout; infinity has none.
 */
export type Coordinates = {
  readonly a: readonly [bigint, bigint];
  readonly b: readonly [readonly [bigint, bigint], readonly [bigint, bigint]];
  readonly c: readonly [bigint, bigint];
};

const { Fp } = bn254.fields;
const NUMBERS = PROOF_LENGTH / Fp.BYTES;

/** Throws a RangeError for a coordinate that is not reduced. */
export const encodeProof = ({ a, b, c }: Coordinates): Uint8Array => {
  const numbers = [...a, ...b[0], ...b[1], ...c];
  const bytes = new Uint8Array(PROOF_LENGTH);
  numbers.forEach((number, at) => {
    if (!Fp.isValid(number)) throw new RangeError('a coordinate that is not reduced');
    bytes.set(Fp.toBytes(number), at * Fp.BYTES);
  });
  return bytes;
};

/** Undefined for another length or a number that is not below p. Says nothing of whether the points are on the curve. */
export const decodeProof = (bytes: Uint8Array): Coordinates | undefined => {
  if (!(bytes instanceof Uint8Array) || bytes.length !== PROOF_LENGTH) return undefined;
  const numbers = Array.from({ length: NUMBERS }, (_, at) => numberAt(bytes, at * Fp.BYTES));
  if (!numbers.every((number) => Fp.isValid(number))) return undefined;
  const [ax, ay, bx0, bx1, by0, by1, cx, cy] = numbers as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  return {
    a: [ax, ay],
    b: [
      [bx0, bx1],
      [by0, by1],
    ],
    c: [cx, cy],
  };
};

const numberAt = (bytes: Uint8Array, from: number): bigint => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, Fp.BYTES);
  let number = 0n;
  for (let at = 0; at < Fp.BYTES; at += 8) number = (number << 64n) | view.getBigUint64(at);
  return number;
};
