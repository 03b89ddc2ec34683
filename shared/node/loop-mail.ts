import { equal } from '../bytes/bytes.ts';
import type { Millis } from '../units.ts';
import type { Side } from './loop-script.ts';

/** What takes longer from one end of a loop to the other is late. */
export const LATE_MS: Millis = 2_000;
/** And what takes longer than this is lost. */
export const LOST_MS: Millis = 4 * LATE_MS;

type Sent = { data: Uint8Array; at: Millis; text: boolean };

/** What was sent between the ends of one loop, and has to come out in that order. */
export class LoopMail {
  readonly #under: Record<Side, Sent[]> = { caller: [], owner: [] };
  #late = false;

  /** Some message took too long. */
  get late(): boolean {
    return this.#late;
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return this.#under.caller.length + this.#under.owner.length === 0;
  }

  sent(from: Side, sent: Sent): void {
    this.#under[from].push(sent);
  }

  /** What the one end sent came out at the other. `bad`: not what was sent; else whether it was a text. */
  came(from: Side, data: Uint8Array, now: Millis): 'text' | 'acknowledgement' | 'bad' {
    const sent = this.#under[from].shift();
    if (!sent || !equal(sent.data, data)) return 'bad';
    if (now - sent.at > LATE_MS) this.#late = true;
    return sent.text ? 'text' : 'acknowledgement';
  }
}
