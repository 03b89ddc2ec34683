/** What reaches a machine: at once, late, or not before it is let in. Whatever happens, in the order in which it came. */
export class Intake<T> {
  readonly #take: (one: T) => void;
  readonly #late: T[] = [];
  #frozen = false;
  #lagMs = 0;
  #ended = false;

  constructor(take: (one: T) => void) {
    this.#take = take;
  }

  put(one: T): void {
    if (!this.#frozen && this.#lagMs === 0 && this.#late.length === 0) return this.#take(one);
    this.#late.push(one);
    if (!this.#frozen) setTimeout(() => this.#next(), this.#lagMs);
  }

  /** Frozen: nothing gets through, and all that waited does once it is not. */
  freeze(on: boolean): void {
    this.#frozen = on;
    if (!on) while (this.#late.length > 0) this.#next();
  }

  /** From here on all of it comes so much later. */
  lag(ms: number): void {
    this.#lagMs = ms;
  }

  end(): void {
    this.#ended = true;
    this.#late.length = 0;
  }

  #next(): void {
    if (this.#frozen || this.#ended) return;
    const one = this.#late.shift();
    if (one !== undefined) this.#take(one);
  }
}
