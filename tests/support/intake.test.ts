import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Intake } from '#tests/support/intake.ts';

let came: number[];
let intake: Intake<number>;

beforeEach(() => {
  vi.useFakeTimers();
  came = [];
  intake = new Intake((one) => came.push(one));
});
afterEach(() => void vi.useRealTimers());

it('lets all through at once, until something is in the way', () => {
  intake.put(1);
  expect(came).toEqual([1]);
});

it('keeps the order where what comes late meets what does not', () => {
  intake.lag(100);
  intake.put(1);
  intake.put(2);
  vi.advanceTimersByTime(99);
  expect(came).toEqual([]);
  intake.lag(0);
  intake.put(3);
  vi.runAllTimers();
  expect(came).toEqual([1, 2, 3]);
});

it('holds all of it while it is frozen, what was late too', () => {
  intake.lag(100);
  intake.put(1);
  intake.freeze(true);
  intake.put(2);
  vi.runAllTimers();
  expect(came).toEqual([]);
  intake.freeze(false);
  intake.lag(0);
  intake.put(3);
  expect(came).toEqual([1, 2, 3]);
});

it('lets nothing through once it has ended', () => {
  intake.lag(100);
  intake.put(1);
  intake.end();
  vi.runAllTimers();
  expect(came).toEqual([]);
});
