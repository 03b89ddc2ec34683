import type { Millis } from '#shared/units.ts';

const MINUTE_MS: Millis = 60_000;
/** What was asked does for so long, also if more is asked of others by then. */
const GRACE_MS: Millis = 120_000;

/** How much of something came of about the last minute: each counts for less as time passes. */
export class Rate {
  readonly #free: number;
  /** As of `#countedAt`. */
  #count = 0;
  #countedAt: Millis = -Infinity;

  /** `free`: as many a minute are nothing unusual. */
  constructor(free: number) {
    this.#free = free;
  }

  came(now: Millis): void {
    this.#count = this.#perMinute(now) + 1;
    this.#countedAt = now;
  }

  /** How often what is usual has doubled: 0 from there to twice as much, negative below. */
  doublings(now: Millis): number {
    return Math.floor(Math.log2(this.#perMinute(now) / this.#free));
  }

  #perMinute(now: Millis): number {
    return this.#count * Math.exp(-Math.max(0, now - this.#countedAt) / MINUTE_MS);
  }
}

/** Work that was asked for on a circuit, and when. */
export type Asked = { bits: number; at: Millis };

/** What a circuit has to show that was asked for `asked`, when others are asked for `bits`: the less of the two. */
export const heldTo = (asked: Asked | undefined, bits: number, now: Millis): Asked =>
  asked && now - asked.at <= GRACE_MS
    ? { bits: Math.min(bits, asked.bits), at: asked.at }
    : { bits, at: now };
