import { encode, u64 } from '../bytes/codec.ts';
import { sha256 } from './kdf.ts';

/** More work than a tab can do while anyone waits for it: none asks for more, and none begins it. */
export const MOST_WORK_BITS = 28;

/** Of work on this challenge, the first number from `from` on that shows so many bits. */
export type WorkTask = { challenge: Uint8Array; bits: number; from: number };

/**
 * Leading zero bits of SHA-256( challenge ‖ work (8) ). A challenge begins with the label of its use and names what
 * the work is for, so that it is worth nothing elsewhere.
 */
export const workBits = (challenge: Uint8Array, work: number): number => {
  const hash = sha256(challenge, encode(u64, work));
  const whole = hash.findIndex((byte) => byte !== 0);
  return whole < 0 ? hash.length * 8 : whole * 8 + Math.clz32(hash[whole] ?? 0) - 24;
};

/** Tries `count` numbers from `from` on: the first that shows `bits`, or where to go on. */
export const searchWork = (
  challenge: Uint8Array,
  bits: number,
  from: number,
  count: number,
): { work: number } | { next: number } => {
  for (let work = from; work < from + count; work++) {
    if (workBits(challenge, work) >= bits) return { work };
  }
  return { next: from + count };
};
