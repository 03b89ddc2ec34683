import type { Clock } from '#server/clock.ts';
import type { Millis } from '#shared/units.ts';
import { pendingCrypto } from './counted-crypto.ts';

type Alarm = { at: Millis; task: () => void };

/** Time that passes only when a test lets it. */
export class VirtualClock implements Clock {
  #now: Millis;
  readonly #alarms = new Set<Alarm>();

  constructor(now: Millis = 1_800_000_000_000) {
    this.#now = now;
  }

  readonly now = (): Millis => this.#now;

  readonly after = (delayMs: Millis, task: () => void): (() => void) => {
    const alarm = { at: this.#now + delayMs, task };
    this.#alarms.add(alarm);
    return () => {
      this.#alarms.delete(alarm);
    };
  };

  get alarms(): number {
    return this.#alarms.size;
  }

  /** Lets time pass, and after each alarm whatever was started by it come to rest. */
  async pass(spanMs: Millis): Promise<void> {
    const end = this.#now + spanMs;
    await settled();
    for (;;) {
      const next = this.#first();
      if (!next || next.at > end) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.task();
      await settled();
    }
    this.#now = end;
  }

  /** Of those due at one time the one that was set first. */
  #first(): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.#alarms) if (!first || alarm.at < first.at) first = alarm;
    return first;
  }
}

/**
 * All promises that need nothing but each other are through after a turn of the event loop. What WebCrypto works out on
 * another thread takes as many turns as it takes, where it is counted.
 */
const settled = async (): Promise<void> => {
  do await new Promise<void>((done) => setImmediate(done));
  while (pendingCrypto() > 0);
};
