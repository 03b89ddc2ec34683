import type { Millis } from '#shared/units.ts';

const MINUTE_MS = 60_000;

/** A token bucket: as many at once as `perMinute`, and as many a minute in the long run. */
export class Bucket {
  readonly #perMinute: number;
  #tokens: number;
  #filledAt: Millis;

  constructor(perMinute: number, now: Millis) {
    this.#perMinute = perMinute;
    this.#tokens = perMinute;
    this.#filledAt = now;
  }

  /** False when it is empty. */
  take(now: Millis): boolean {
    const filled = (Math.max(0, now - this.#filledAt) / MINUTE_MS) * this.#perMinute;
    this.#tokens = Math.min(this.#perMinute, this.#tokens + filled);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** What one circuit may do in a minute. */
export type Limits = {
  requests: number;
  /** Signals sent, which do not count as requests. */
  signals: number;
  /** Signals that strangers may have pushed to it; further ones are dropped, or they would fill its queue. */
  pushes: number;
  /** Requests of one circuit under way at once. */
  pending: number;
};

export const defaultLimits: Limits = { requests: 60, signals: 120, pushes: 240, pending: 8 };
