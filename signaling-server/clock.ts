import type { Millis } from '#shared/units.ts';

/** Time and timers as a parameter, so that a test can turn the hands. */
export type Clock = {
  now(): Millis;
  /** Runs `task` once, `delayMs` from now, unless the returned function is called before. */
  after(delayMs: Millis, task: () => void): () => void;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
