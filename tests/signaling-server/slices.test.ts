import { describe, expect, it } from 'vitest';
import { LocalError } from '#shared/errors.ts';
import { Slices } from '#server/services/slices.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

describe('long work', () => {
  it('pauses when a slice of it took too long, and others come between', async () => {
    let now = 0;
    const seen: string[] = [];
    const tasks: (() => void)[] = [];
    const slices = new Slices({
      now: () => now,
      after(_, task) {
        tasks.push(task);
        return () => undefined;
      },
    });
    const work = function* (): Generator<void, string> {
      for (let step = 0; step < 7; step++) {
        seen.push(String(step));
        now += 3;
        yield;
      }
      return 'done';
    };
    const result = slices.run(work());
    expect(seen).toEqual(['0', '1', '2']);
    seen.push('other');
    tasks.shift()?.();
    await Promise.resolve();
    expect(seen).toEqual(['0', '1', '2', 'other', '3', '4', '5']);
    tasks.shift()?.();
    expect(await result).toBe('done');
  });

  it('ends when it is stopped, also in a pause', async () => {
    const clock = new VirtualClock();
    let now = 0;
    const slices = new Slices({ now: () => (now += 5), after: clock.after });
    const endless = function* (): Generator<void, never> {
      for (;;) yield;
    };
    const result = slices.run(endless());
    slices.stop();
    await expect(result).rejects.toBeInstanceOf(LocalError);
    expect(clock.alarms).toBe(0);
  });
});
