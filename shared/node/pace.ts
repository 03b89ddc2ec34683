import { CELL_LENGTH } from '../cell/geometry.ts';
import type { Code } from '../errors.ts';
import { Fifo } from '../link/queues.ts';
import type { Millis } from '../units.ts';
import type { Context } from './context.ts';
import type { Handle } from './input.ts';

/** Cells of one circuit that may wait here: both ways, what its ends may send without a credit. */
export const MOST_HELD = 1024;
/** And of all circuits together, 18 MiB. */
export const MOST_HELD_IN_ALL = 16_384;

/** At this pace what waits is looked at again. */
const TURN_MS: Millis = 50;

/** What passes on one cell; throws RemoteError where that cannot be. */
type Pass = { run: () => void; failed: (code: Code) => void };

/**
 * Holds what is passed on for others to a rate. It is a bucket of cells that fills with time and holds what two turns
 * are worth; circuits whose cells wait are served in turn. Without a rate nothing waits.
 */
export class Pace {
  readonly #context: Context;
  /** By circuit, in the order of their turns. */
  readonly #held = new Map<Handle, Fifo<Pass>>();
  #size = 0;
  /** Cells a millisecond. */
  #rate: number | undefined;
  /** Cells that may pass now. */
  #left = 0;
  #filledAt: Millis;

  constructor(context: Context) {
    this.#context = context;
    this.#filledAt = context.now;
  }

  get size(): number {
    return this.#size;
  }

  /** Undefined: no limit, and what waits passes at once. */
  limit(bytesPerSecond: number | undefined): void {
    this.#fill();
    this.#rate = bytesPerSecond === undefined ? undefined : bytesPerSecond / 1000 / CELL_LENGTH;
    this.#turn();
  }

  /** False, and it is not kept, where too much waits. Throws as `run` does where nothing waits. */
  pass(circuit: Handle, pass: Pass): boolean {
    if (this.#rate === undefined) {
      pass.run();
      return true;
    }
    this.#fill();
    if (this.#size === 0 && this.#left >= 1) {
      this.#left -= 1;
      pass.run();
      return true;
    }
    const queue = this.#held.get(circuit) ?? new Fifo<Pass>();
    if (queue.length >= MOST_HELD || this.#size >= MOST_HELD_IN_ALL) return false;
    this.#held.set(circuit, queue);
    queue.push(pass);
    this.#size += 1;
    this.#later();
    return true;
  }

  /** The circuit is gone. */
  drop(circuit: Handle): void {
    this.#size -= this.#held.get(circuit)?.length ?? 0;
    this.#held.delete(circuit);
  }

  #fill(): void {
    const { now } = this.#context;
    const rate = this.#rate ?? 0;
    this.#left = Math.min(Math.max(1, rate * 2 * TURN_MS), this.#left + (now - this.#filledAt) * rate);
    this.#filledAt = now;
  }

  #turn(): void {
    this.#fill();
    while (this.#size > 0 && (this.#rate === undefined || this.#left >= 1)) {
      this.#left -= 1;
      this.#next();
    }
    if (this.#size > 0) this.#later();
  }

  /** One cell of the circuit whose turn it is, which then goes to the end. */
  #next(): void {
    for (const [circuit, queue] of this.#held) {
      this.#held.delete(circuit);
      const pass = queue.shift();
      if (!pass) continue;
      if (queue.length > 0) this.#held.set(circuit, queue);
      this.#size -= 1;
      this.#context.guard(pass.run, pass.failed);
      return;
    }
    this.#size = 0;
  }

  #later(): void {
    const context = this.#context;
    const wait = (1 - this.#left) / (this.#rate ?? 1);
    if (context.timers.has('pace')) return;
    context.after('pace', Math.max(TURN_MS, Math.ceil(wait)), () => this.#turn());
  }
}
