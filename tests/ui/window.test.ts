import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  atEnd,
  back,
  forward,
  including,
  MOST,
  shifted,
  spanOf,
  STEP,
  type Window,
} from '#web/ui/view/window.ts';
import { runs } from '#tests/support/runs.ts';

const length = fc.integer({ min: 1, max: 20_000 });
type Step = { kind: 'back' } | { kind: 'forward' } | { kind: 'to'; at: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ kind: 'back' as const }),
  fc.constant({ kind: 'forward' as const }),
  fc.record({ kind: fc.constant('to' as const), at: fc.double({ min: 0, max: 0.9999, noNaN: true }) }),
);
const moved = (window: Window, by: Step, all: number): Window =>
  by.kind === 'back'
    ? back(window, all)
    : by.kind === 'forward'
      ? forward(window, all)
      : including(window, Math.floor(by.at * all), all);

describe('the part of a long list that is drawn', () => {
  it('is never longer than it may be, and never empty, however one moves', () => {
    fc.assert(
      fc.property(length, fc.array(step, { maxLength: 40 }), (all, steps) => {
        let window = atEnd;
        for (const each of steps) {
          window = moved(window, each, all);
          const { from, to } = spanOf(window, all);
          expect(to - from).toBeLessThanOrEqual(MOST);
          expect(to - from).toBeGreaterThan(0);
          expect(from).toBeGreaterThanOrEqual(0);
          expect(to).toBeLessThanOrEqual(all);
          if (each.kind === 'to') {
            const place = Math.floor(each.at * all);
            expect(place).toBeGreaterThanOrEqual(from);
            expect(place).toBeLessThan(to);
          }
        }
      }),
      runs(200),
    );
  });

  it('keeps what is in sight at its edge when it steps, and reaches both ends', () => {
    const all = 10_000;
    let window = atEnd;
    for (let steps = 0; spanOf(window, all).from > 0; steps++) {
      const before = spanOf(window, all);
      window = back(window, all);
      expect(spanOf(window, all).to).toBeGreaterThan(before.from + STEP - 1);
      expect(steps).toBeLessThan(all / STEP);
    }
    while (window.to !== null) {
      const before = spanOf(window, all);
      window = forward(window, all);
      expect(spanOf(window, all).from).toBeLessThan(before.to - STEP + 1);
    }
    expect(spanOf(window, all).to).toBe(all);
  });

  it('follows the end while it is there, and nothing that comes moves it while it is not', () => {
    expect(spanOf(atEnd, 1000)).toEqual({ from: 1000 - STEP, to: 1000 });
    expect(spanOf(atEnd, 1001)).toEqual({ from: 1001 - STEP, to: 1001 });
    let window = atEnd;
    for (let i = 0; i < MOST / STEP + 1; i++) window = back(window, 1000);
    expect(spanOf(window, 1000)).toEqual(spanOf(window, 1001));
    expect(spanOf(back(atEnd, 1000), 1001)).toEqual({ from: 1000 - 2 * STEP, to: 1001 });
  });

  it('stays on its lines when others come before them', () => {
    expect(shifted(atEnd, 500)).toEqual(atEnd);
    const window = including(atEnd, 100, 1000);
    const { from, to } = spanOf(window, 1000);
    expect(spanOf(shifted(window, 500), 1500)).toEqual({ from: from + 500, to: to + 500 });
  });
});
