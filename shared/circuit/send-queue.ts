import type { SendCredit } from './credits.ts';

/** Messages that wait for credit, in order. */
export class SendQueue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(items: T[]): void {
    for (const item of items) this.#items.push(item);
  }

  /** Sends what the credit allows. */
  pump(credit: SendCredit, send: (item: T) => void): void {
    while (this.length > 0 && credit.take()) {
      const item = this.#items[this.#head] as T;
      this.#head += 1;
      send(item);
    }
    if (this.#head > 1024 || this.length === 0) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}
