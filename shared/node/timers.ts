import type { Millis } from '../units.ts';

/** Named deadlines. Setting one anew moves it; those that fall due run in the order of their times. */
export class Timers {
  readonly #due = new Map<string, { at: Millis; run: () => void }>();

  set(name: string, at: Millis, run: () => void): void {
    this.#due.set(name, { at, run });
  }

  get size(): number {
    return this.#due.size;
  }

  has(name: string): boolean {
    return this.#due.has(name);
  }

  clear(name: string): void {
    this.#due.delete(name);
  }

  next(): Millis {
    let next = Infinity;
    for (const { at } of this.#due.values()) if (at < next) next = at;
    return next;
  }

  /** Each runs within `contain`, so that none keeps those after it from running. */
  run(now: Millis, contain: (run: () => void) => void): void {
    const ready = [...this.#due].filter(([, { at }]) => at <= now).sort(([, a], [, b]) => a.at - b.at);
    for (const [name, timer] of ready) {
      // An earlier one may have cleared or moved it.
      if (this.#due.get(name) !== timer) continue;
      this.#due.delete(name);
      contain(timer.run);
    }
  }
}
