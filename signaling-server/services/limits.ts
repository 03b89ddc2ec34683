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

/** What one circuit may do, most of it by the minute, and what one process takes on. */
export type Limits = {
  /** Requests other than the three below. */
  requests: number;
  /** Signals sent, which do not count as requests. */
  signals: number;
  /** Messages put into mailboxes, which do not count as requests. */
  deposits: number;
  /** What an auditor asks, which does not count as requests. */
  audits: number;
  /** Proofs of contribution that are checked; one that was checked before costs nothing. */
  proofs: number;
  /** Signals and wake-ups that strangers may have pushed to it; further ones are dropped, or they would fill its queue. */
  pushes: number;
  /** Requests of one circuit under way at once. */
  pending: number;
  /** Requests of all circuits under way at once, and how many more may wait; of those the oldest are shed. */
  total: number;
  waiting: number;
  /** New nodes a minute that come in without work. */
  newcomers: number;
  /** Batches of tokens for work, a minute, before more work is asked for. */
  batches: number;
  /** The most work that is asked of a node, or for tokens, in bits; 0 asks for none. */
  workBits: number;
};

export const defaultLimits: Limits = {
  requests: 60,
  signals: 120,
  deposits: 60,
  audits: 600,
  proofs: 6,
  pushes: 240,
  pending: 8,
  total: 256,
  waiting: 512,
  newcomers: 120,
  batches: 60,
  workBits: 24,
};

/** Mailboxes for which one circuit is woken. */
export const MOST_MAILBOXES = 32;
