import { CELL_LENGTH } from '../cell/geometry.ts';
import type { Millis } from '../units.ts';

/** What was counted in the present span and in the whole one before is the measure. */
const SPAN_MS: Millis = 60_000;

type Count = { sent: number; received: number };

const none = (): Count => ({ sent: 0, received: 0 });

/**
 * Counts the cells that are cover: DROPs, PADDINGs, and echoes out and back. Each is charged to the other direction too, for
 * the neighbour's acknowledgement is a cell as well; where that acknowledges several at once the true cost is less.
 */
export class CoverMeter {
  #before = none();
  #present = none();
  #since: Millis | undefined;
  #hasBefore = false;

  sent(now: Millis): void {
    this.#turn(now);
    this.#present.sent += 1;
  }

  received(now: Millis): void {
    this.#turn(now);
    this.#present.received += 1;
  }

  /** Bytes a second. */
  cost(now: Millis): { up: number; down: number } {
    this.#turn(now);
    const spanMs = (this.#hasBefore ? SPAN_MS : 0) + now - (this.#since ?? now);
    const cells = this.#before.sent + this.#before.received + this.#present.sent + this.#present.received;
    // Over less than a second a rate says nothing.
    const rate = (cells * CELL_LENGTH * 1000) / Math.max(1000, spanMs);
    return { up: rate, down: rate };
  }

  #turn(now: Millis): void {
    this.#since ??= now;
    const spans = Math.floor((now - this.#since) / SPAN_MS);
    if (spans === 0) return;
    this.#before = spans === 1 ? this.#present : none();
    this.#present = none();
    this.#hasBefore = true;
    this.#since += spans * SPAN_MS;
  }
}
