import type { Millis } from '#shared/units.ts';

/** Timers may not be set further ahead than some engines count. */
const MOST_MS: Millis = 86_400_000;

export type Timers = {
  now: () => Millis;
  /** Calls `task` once after the delay; the result prevents it. */
  timer: (delayMs: Millis, task: () => void) => () => void;
};

/** Calls `task` when the next of some things comes to its end. */
export class Expiry {
  readonly #timers: Timers;
  readonly #task: () => void;
  #at: Millis | undefined;
  #cancel: (() => void) | undefined;

  constructor(timers: Timers, task: () => void) {
    this.#timers = timers;
    this.#task = task;
  }

  /** The next end, in the place of the one before; undefined: nothing ends. */
  set(at: Millis | undefined): void {
    if (at === this.#at) return;
    this.stop();
    this.#at = at;
    if (at !== undefined) this.#wait(at);
  }

  stop(): void {
    this.#cancel?.();
    this.#at = undefined;
  }

  #wait(at: Millis): void {
    const left = Math.max(0, at - this.#timers.now());
    this.#cancel = this.#timers.timer(Math.min(left, MOST_MS), () => {
      if (this.#timers.now() < at) return this.#wait(at);
      this.#at = undefined;
      this.#task();
    });
  }
}
