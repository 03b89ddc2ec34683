import { chacha20 } from '@noble/ciphers/chacha.js';
import { LocalError } from '../errors.ts';

/** The one source of chance: `length` bytes that nobody can foresee. Every consumer takes it as a parameter. */
export type Rng = (length: number) => Uint8Array;

const BLOCK_LENGTH = 1024;

/** A reproducible stream for tests and simulation: the ChaCha20 keystream (RFC 8439) of a 32-byte seed, its nonce counting blocks of 1 KiB. */
export const seededRng = (seed: Uint8Array): Rng => {
  const nonce = new Uint8Array(12);
  const counter = new DataView(nonce.buffer);
  const key = seed.slice();
  let blocks = 0;
  let block = new Uint8Array(0);
  let used = 0;
  const refill = (): void => {
    counter.setUint32(0, blocks % 2 ** 32);
    counter.setUint32(4, Math.floor(blocks / 2 ** 32));
    block = chacha20(key, nonce, new Uint8Array(BLOCK_LENGTH)) as Uint8Array<ArrayBuffer>;
    blocks += 1;
    used = 0;
  };
  return (length) => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length;) {
      if (used === block.length) refill();
      const part = block.subarray(used, used + length - at);
      out.set(part, at);
      at += part.length;
      used += part.length;
    }
    return out;
  };
};

const POOL_LENGTH = 16 * 1024;
/** What is longer is drawn by itself. */
const LONGEST_POOLED = POOL_LENGTH / 8;

/**
 * The same source, asked less often: every cell's padding is a draw, and a call of the system costs more than its
 * bytes do. What was handed out is wiped from the pool, so that no key outlives its owner there.
 */
export const pooledRng = (source: Rng): Rng => {
  let pool: Uint8Array = new Uint8Array(0);
  let used = 0;
  return (length) => {
    if (length > LONGEST_POOLED) return source(length);
    if (used + length > pool.length) {
      pool = source(POOL_LENGTH);
      used = 0;
    }
    const end = used + length;
    const out = pool.slice(used, end);
    pool.fill(0, used, end);
    used = end;
    return out;
  };
};

const WORD = 2 ** 32;
/** The most values that six bytes tell apart. */
const MOST_VALUES = 2 ** 48;

/** An integer in [0, n), each as likely: draws beyond the last whole multiple of n are thrown away. */
export const uniform = (rng: Rng, n: number): number => {
  if (!Number.isInteger(n) || n < 1 || n > MOST_VALUES)
    throw new LocalError('internal', 'a range out of bounds');
  const bytes = n <= WORD ? 4 : 6;
  const range = 2 ** (8 * bytes);
  const limit = range - (range % n);
  for (;;) {
    const value = rng(bytes).reduce((sum, byte) => sum * 256 + byte, 0);
    if (value < limit) return value % n;
  }
};

/** An integer in [from, to], both ends included. */
export const uniformBetween = (rng: Rng, from: number, to: number): number =>
  from + uniform(rng, Math.floor(to - from) + 1);

/** Whether something happens that does so with this probability. */
export const chance = (rng: Rng, probability: number): boolean => uniform(rng, WORD) < probability * WORD;

/** The time until the next event of a Poisson process, where it is `mean` on average. */
export const exponential = (rng: Rng, mean: number): number => -mean * Math.log1p(-uniform(rng, WORD) / WORD);

/** One of `list`, which must not be empty. */
export const pick = <T>(rng: Rng, list: readonly T[]): T => list[uniform(rng, list.length)] as T;

/** A new array in random order (Fisher and Yates). */
export const shuffle = <T>(rng: Rng, list: readonly T[]): T[] => {
  const out = [...list];
  for (let last = out.length - 1; last > 0; last--) {
    const other = uniform(rng, last + 1);
    const held = out[last] as T;
    out[last] = out[other] as T;
    out[other] = held;
  }
  return out;
};
