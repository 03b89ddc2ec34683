import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { text } from '#shared/bytes/bytes.ts';
import { searchWork, workBits } from '#shared/directory/work.ts';
import { nodeIdBytes } from '#shared/units.ts';
import { idOf, seed } from '#tests/support/sample-network.ts';

const place = { binding: seed('binding'), node: idOf('ada') };

/** The digits of the hash, counted by hand. */
const zeros = (work: number): number => {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(BigInt(work));
  const hash = createHash('sha256').update(text('hourglass admission work 1')).update(place.binding);
  const digits = [...hash.update(nodeIdBytes(place.node)).update(number).digest()];
  return digits
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .indexOf('1');
};

describe('work', () => {
  it('is counted in leading zero bits', () => {
    const works = Array.from({ length: 2_000 }, (_, work) => work);
    expect(works.map((work) => workBits(place, work))).toEqual(works.map(zeros));
    expect(Math.max(...works.map(zeros))).toBeGreaterThan(8);
  });

  it('is found where it is, in pieces as well as at once', () => {
    const whole = searchWork(place, 12, 0, 100_000);
    if (!('work' in whole)) throw new Error('not found');
    expect(zeros(whole.work)).toBeGreaterThanOrEqual(12);
    let piece: ReturnType<typeof searchWork> = { next: 0 };
    while ('next' in piece) piece = searchWork(place, 12, piece.next, 100);
    expect(piece).toEqual(whole);
    expect(searchWork(place, 12, 0, whole.work)).toEqual({ next: whole.work });
    expect(searchWork(place, 12, whole.work + 1, 1)).not.toEqual(whole);
  });

  it('is worth nothing on another circuit, or for another node', () => {
    const found = searchWork(place, 16, 0, 2_000_000);
    if (!('work' in found)) throw new Error('not found');
    expect(workBits({ ...place, binding: seed('another circuit') }, found.work)).toBeLessThan(16);
    expect(workBits({ ...place, node: idOf('bob') }, found.work)).toBeLessThan(16);
  });
});
