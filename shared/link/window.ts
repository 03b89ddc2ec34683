import { CELL_LENGTH } from '../cell/geometry.ts';
import type { Millis } from '../units.ts';

/** Bytes of unacknowledged cells: what a link starts with, and the bounds. */
export const WINDOW_START = 32 * 1024;
export const WINDOW_FLOOR = 16 * 1024;
export const WINDOW_CEILING = 1024 * 1024;

/** Vegas's alpha and beta in bytes: with less than the first queued on the path the window grows, above the second it shrinks. */
const QUEUE_LOW = 16 * 1024;
const QUEUE_HIGH = 32 * 1024;

/** What timers and event loops add to a round trip; it is not taken for a queue. */
const JITTER_MS = 2;

/** The minimum round trip is forgotten after one to two of these, for paths change. */
const BASE_SPAN_MS = 10_000;

/** In the first of these the path empties, in the second an empty path is measured. */
const YIELD_ROUNDS = 2;

/** So many measurements in a row that show a queue end the start, before its round does. */
const START_CROWDED = 3;

/** After this long without anything in flight, the path must be felt out anew. */
const IDLE_MS = 1_000;

/**
 * A delay-based window of unacknowledged bytes after TCP Vegas (Brakmo and Peterson, 1995, section 3.2). Once a
 * round trip the bytes that wait on the path are estimated as
 *
 *     queued = peak in flight · (round trip − minimum) / round trip
 *
 * and the window keeps them between `QUEUE_LOW` and `QUEUE_HIGH`. The least round trip of a round is used, for one
 * message is a burst that queues behind itself. It starts by growing half as fast as what is acknowledged, until a
 * queue shows. Differences from Vegas: losses do not exist here (SCTP below mends them, which shows as delay), and
 * each time that the minimum is renewed, the window gives way for one round, lest a standing queue of its own pass
 * for the path's minimum.
 */
export class Window {
  #bytes = WINDOW_START;
  #starting = true;
  /** Minima of the span that runs and of the one before. */
  #base: number | undefined;
  #baseBefore: number | undefined;
  #baseSince: Millis;
  /** Rounds for which it still gives way, and the window to go back to after them. */
  #yielding = 0;
  #restoring = false;
  #restore = 0;
  #smoothed: number | undefined;
  #crowded = 0;
  #roundEnds = 0;
  #roundLeast = Infinity;
  #roundPeak = 0;
  #full = false;
  #lastBusy: Millis;

  constructor(now: Millis) {
    this.#baseSince = now;
    this.#lastBusy = now;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get rttMs(): number | null {
    return this.#smoothed ?? null;
  }

  /** Called before cells go out, with the number of cells that are in flight already. */
  begin(cellsInFlight: number, now: Millis): void {
    if (cellsInFlight === 0 && now - this.#lastBusy > IDLE_MS) {
      this.#bytes = Math.min(this.#bytes, WINDOW_START);
      this.#starting = true;
      this.#yielding = 0;
      this.#restoring = false;
    }
    this.#lastBusy = now;
  }

  /** `held`: cells wait that the window does not let pass. */
  sent(cellsInFlight: number, held: boolean): void {
    this.#roundPeak = Math.max(this.#roundPeak, cellsInFlight * CELL_LENGTH);
    this.#full ||= held;
  }

  /** A round trip that was measured. */
  measured(rttMs: number, now: Millis): void {
    this.#smoothed = this.#smoothed === undefined ? rttMs : this.#smoothed + (rttMs - this.#smoothed) / 8;
    this.#roundLeast = Math.min(this.#roundLeast, rttMs);
    this.#base = Math.min(this.#base ?? Infinity, rttMs);
    this.#crowded = this.#queued(rttMs) > QUEUE_LOW ? this.#crowded + 1 : 0;
    if (this.#crowded >= START_CROWDED) this.#starting = false;
    if (now - this.#baseSince < BASE_SPAN_MS) return;
    this.#baseBefore = this.#base;
    this.#base = undefined;
    this.#baseSince = now;
    if (this.#full && !this.#starting) this.#yield();
  }

  /** `cells` more are acknowledged, `acknowledged` of the `sent` so far. */
  acknowledged(cells: number, acknowledged: number, sent: number, now: Millis): void {
    this.#lastBusy = now;
    const bytes = cells * CELL_LENGTH;
    if (this.#restoring) this.#grow(bytes, this.#restore);
    else if (this.#starting && this.#full) this.#grow(bytes / 2, WINDOW_CEILING);
    if (acknowledged >= this.#roundEnds) this.#endRound(sent);
  }

  #endRound(sent: number): void {
    const queued = this.#queued(this.#roundLeast);
    if (this.#yielding > 0) {
      this.#yielding -= 1;
      this.#restoring = this.#yielding === 0;
    } else if (queued > QUEUE_HIGH) {
      this.#set(Math.max(this.#bytes / 2, this.#bytes - (queued - QUEUE_LOW) / 2));
      this.#starting = false;
    } else if (queued > QUEUE_LOW) {
      this.#starting = false;
    } else if (this.#full && !this.#starting) {
      this.#set(this.#bytes + Math.max(2 * CELL_LENGTH, this.#bytes / 16));
    }
    this.#roundEnds = sent;
    this.#roundLeast = Infinity;
    this.#roundPeak = 0;
    this.#full = false;
  }

  #queued(rttMs: number): number {
    if (rttMs === Infinity) return 0;
    const base = Math.min(this.#base ?? Infinity, this.#baseBefore ?? Infinity);
    return (this.#roundPeak * Math.max(0, rttMs - base - JITTER_MS)) / rttMs;
  }

  #yield(): void {
    this.#restore = this.#bytes;
    this.#yielding = YIELD_ROUNDS;
    this.#restoring = false;
    this.#set(this.#bytes - 2 * QUEUE_HIGH);
  }

  #grow(bytes: number, most: number): void {
    this.#set(Math.max(this.#bytes, Math.min(most, this.#bytes + bytes)));
    if (this.#bytes >= most) this.#restoring = false;
  }

  #set(bytes: number): void {
    this.#bytes = Math.min(WINDOW_CEILING, Math.max(WINDOW_FLOOR, Math.floor(bytes)));
  }
}
