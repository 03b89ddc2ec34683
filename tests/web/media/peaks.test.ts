import fc from 'fast-check';
import { expect, it } from 'vitest';
import { levelOf, PEAKS, peaksOf } from '#web/media/peaks.ts';
import { runs } from '#tests/support/runs.ts';

const sine = (length: number, height: number): number[] =>
  Array.from({ length }, (_, i) => height * Math.sin(i / 3));

it('a note that grows louder has peaks that grow', () => {
  const samples = Float32Array.from([0, 0.25, 0.5, 1].flatMap((height) => sine(3000, height)));
  const [silent, low, middle, loud] = peaksOf(samples, 4);
  expect([silent, loud]).toEqual([0, 255]);
  expect(low).toBeCloseTo(64, -1);
  expect(middle).toBeCloseTo(128, -1);
});

it('any note has at most 64 peaks, each a byte', () => {
  fc.assert(
    fc.property(fc.float32Array({ min: -1, max: 1, noNaN: true, maxLength: 300 }), (samples) => {
      const peaks = peaksOf(samples);
      expect(peaks).toHaveLength(Math.min(PEAKS, samples.length));
      for (const peak of peaks) expect(Number.isInteger(peak) && peak >= 0 && peak <= 255).toBe(true);
      expect(levelOf(samples)).toBeLessThanOrEqual(1);
    }),
    runs(100),
  );
});
