import type { Millis } from '../units.ts';
import { Schedule } from './schedule.ts';

/** Named deadlines. Setting one anew moves it; those that fall due run in the order of their times. */
export class Timers {
  readonly #runs = new Map<string, () => void>();
  readonly #schedule = new Schedule<string>();

  set(name: string, at: Millis, run: () => void): void {
    this.#runs.set(name, run);
    this.#schedule.set(name, at);
  }

  get size(): number {
    return this.#runs.size;
  }

  has(name: string): boolean {
    return this.#runs.has(name);
  }

  /** When it is due; undefined where it is not set. */
  due(name: string): Millis | undefined {
    return this.#schedule.at(name);
  }

  clear(name: string): void {
    if (this.#runs.delete(name)) this.#schedule.delete(name);
  }

  next(): Millis {
    return this.#schedule.next;
  }

  /** Each runs within `contain`, so that none keeps those after it from running. */
  run(now: Millis, contain: (run: () => void) => void): void {
    if (this.#schedule.next > now) return;
    const due = this.#schedule.take(now).map((name) => [name, this.#runs.get(name)] as const);
    for (const [name, run] of due) {
      // An earlier one may have cleared or moved it.
      if (!run || this.#runs.get(name) !== run) continue;
      this.#runs.delete(name);
      contain(run);
    }
  }
}
