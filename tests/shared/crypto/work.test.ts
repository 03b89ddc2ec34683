import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { searchWork, workBits } from '#shared/crypto/work.ts';
import { seed } from '#tests/support/sample-network.ts';

const challenge = seed('challenge');

/** The digits of the hash, counted by hand. */
const zeros = (work: number): number => {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(work));
  const digits = [...createHash('sha256').update(challenge).update(number).digest()];
  return digits
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .indexOf('1');
};

describe('work', () => {
  it('is counted in leading zero bits', () => {
    const works = Array.from({ length: 2_000 }, (_, work) => work);
    expect(works.map((work) => workBits(challenge, work))).toEqual(works.map(zeros));
    expect(Math.max(...works.map(zeros))).toBeGreaterThan(8);
  });

  it('is found where it is, in pieces as well as at once', () => {
    const whole = searchWork(challenge, 12, 0, 100_000);
    if (!('work' in whole)) throw new Error('not found');
    expect(zeros(whole.work)).toBeGreaterThanOrEqual(12);
    let piece: ReturnType<typeof searchWork> = { next: 0 };
    while ('next' in piece) piece = searchWork(challenge, 12, piece.next, 100);
    expect(piece).toEqual(whole);
    expect(searchWork(challenge, 12, 0, whole.work)).toEqual({ next: whole.work });
    expect(searchWork(challenge, 12, whole.work + 1, 1)).not.toEqual(whole);
  });
});
