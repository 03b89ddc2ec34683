import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildTimeout,
  CAP_TIMEOUT_MS,
  FLOOR_TIMEOUT_MS,
  noteBuild,
  START_TIMEOUT_MS,
  type BuildTimes,
} from '#shared/path/timeout.ts';
import { runs } from '#tests/support/runs.ts';

const learned = (...times: number[]): BuildTimes => times.reduce<BuildTimes>(noteBuild, []);

describe('the build timeout', () => {
  it('starts at eight seconds and is learned from five builds', () => {
    expect(buildTimeout([])).toBe(START_TIMEOUT_MS);
    expect(buildTimeout(learned(900, 900, 900, 900))).toBe(START_TIMEOUT_MS);
    expect(buildTimeout(learned(900, 900, 900, 900, 900))).toBe(1350);
  });

  it('is the 80th percentile and half as much again', () => {
    expect(buildTimeout(learned(1000, 2000, 3000, 4000, 9000))).toBe(6000);
    expect(buildTimeout(learned(...Array.from({ length: 10 }, (_, i) => (i + 1) * 1000)))).toBe(12_000);
  });

  it('forgets all but the last fifty', () => {
    const slow = Array.from({ length: 50 }, () => 10_000);
    const quick = Array.from({ length: 50 }, () => 1_000);
    expect(buildTimeout(learned(...slow, ...quick))).toBe(1_500);
    expect(learned(...slow, ...quick)).toHaveLength(50);
  });

  it('stays within its bounds', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10 ** 6), { maxLength: 80 }), (times) => {
        const timeout = buildTimeout(learned(...times));
        expect(timeout).toBeGreaterThanOrEqual(FLOOR_TIMEOUT_MS);
        expect(timeout).toBeLessThanOrEqual(CAP_TIMEOUT_MS);
      }),
      runs(100),
    );
  });
});
