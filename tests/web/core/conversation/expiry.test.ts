import { expect, it } from 'vitest';
import { Expiry } from '#web/core/conversation/expiry.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const DAY = 86_400_000;

const waiting = (): { clock: VirtualClock; start: number; ended: number[]; expiry: Expiry } => {
  const clock = new VirtualClock();
  const start = clock.now();
  const ended: number[] = [];
  const timers = { now: clock.now, timer: clock.after };
  return { clock, start, ended, expiry: new Expiry(timers, () => ended.push(clock.now() - start)) };
};

it('what ends does so at its time, be that hours or months away, and once', async () => {
  for (const span of [1, 3_600_000, 40 * DAY + 7]) {
    const { clock, start, ended, expiry } = waiting();
    expiry.set(start + span);
    await clock.pass(span - 1);
    expect(ended).toEqual([]);
    await clock.pass(span);
    expect(ended).toEqual([span]);
    expect(clock.alarms).toBe(0);
  }
});

it('a new end takes the place of the one before, and none ends it', async () => {
  const { clock, start, ended, expiry } = waiting();
  expiry.set(start + 100);
  expiry.set(start + 50);
  await clock.pass(70);
  expect(ended).toEqual([50]);
  expiry.set(start + 100);
  expiry.set(undefined);
  await clock.pass(100);
  expiry.set(start + 300);
  expiry.stop();
  await clock.pass(500);
  expect(ended).toEqual([50]);
});

it('what has ended already ends at once', async () => {
  const { clock, start, ended, expiry } = waiting();
  expiry.set(start - 5);
  await clock.pass(0);
  expect(ended).toEqual([0]);
});
