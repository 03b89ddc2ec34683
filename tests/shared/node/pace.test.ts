import { beforeEach, describe, expect, it } from 'vitest';
import { CELL_LENGTH } from '#shared/cell/geometry.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { RemoteError } from '#shared/errors.ts';
import { Context } from '#shared/node/context.ts';
import { MOST_HELD, MOST_HELD_IN_ALL, Pace } from '#shared/node/pace.ts';
import type { Millis } from '#shared/units.ts';
import { NOW, seed } from '#tests/support/sample-network.ts';

/** Ten cells a second. */
const RATE = 10 * CELL_LENGTH;

let context: Context;
let pace: Pace;
let passed: number[];
let codes: string[];

beforeEach(() => {
  context = new Context(seededRng(seed('pace')), NOW, false);
  pace = new Pace(context);
  passed = [];
  codes = [];
});

const offer = (circuit: number, count = 1): boolean[] =>
  Array.from({ length: count }, () =>
    pace.pass(circuit, { run: () => void passed.push(circuit), failed: (code) => void codes.push(code) }),
  );

const pass = (spanMs: Millis): void => {
  const end = context.now + spanMs;
  while (context.timers.next() <= end) {
    context.now = context.timers.next();
    context.timers.run(context.now, (run) => run());
  }
  context.now = end;
};

describe('what is passed on for others', () => {
  it('waits for nothing without a rate, and throws as it would have', () => {
    expect(offer(1, 5000).every(Boolean)).toBe(true);
    expect(passed).toHaveLength(5000);
    const run = (): void => {
      throw new RemoteError('malformed');
    };
    expect(() => pace.pass(1, { run, failed: () => undefined })).toThrow(RemoteError);
    expect(context.timers.size).toBe(0);
  });

  it('keeps to the rate over any length of time', () => {
    pace.limit(RATE);
    offer(1, 1000);
    for (const seconds of [10, 50]) {
      const before = passed.length;
      pass(seconds * 1000);
      expect(Math.abs(passed.length - before - 10 * seconds)).toBeLessThanOrEqual(1);
    }
    // Time in which nothing came is not made up for.
    pass(1_000_000);
    passed = [];
    offer(1, 500);
    pass(1000);
    expect(passed.length).toBeLessThanOrEqual(12);
  });

  it('serves circuits in turn, each in its own order', () => {
    pace.limit(RATE);
    offer(1, 100);
    offer(2, 3);
    passed = [];
    pass(650);
    expect(passed).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it('is refused where too much of one circuit waits, or of all', () => {
    pace.limit(RATE);
    // One passed at once, from the bucket.
    const taken = offer(1, MOST_HELD + 10).filter(Boolean).length;
    expect(taken - MOST_HELD).toBeLessThanOrEqual(1);
    expect(offer(2)).toEqual([true]);
    for (let circuit = 3; circuit < 100; circuit++) offer(circuit, MOST_HELD);
    expect(pace.size).toBe(MOST_HELD_IN_ALL);
    pace.drop(1);
    expect(pace.size).toBe(MOST_HELD_IN_ALL - MOST_HELD);
    passed = [];
    pass(30_000);
    expect(passed).not.toContain(1);
  });

  it('goes at once when the rate is taken away', () => {
    pace.limit(RATE);
    offer(1, 500);
    pace.limit(undefined);
    expect(passed).toHaveLength(500);
    expect(pace.size).toBe(0);
  });

  it('fails as what it is, for its own circuit alone', () => {
    pace.limit(RATE);
    offer(1, 1);
    const run = (): void => {
      throw new RemoteError('malformed');
    };
    pace.pass(2, { run, failed: (code) => void codes.push(code) });
    offer(3, 1);
    pass(1000);
    expect(codes).toEqual(['malformed']);
    expect(passed).toEqual([1, 3]);
  });
});
