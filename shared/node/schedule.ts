import type { Millis } from '../units.ts';

type Entry<K> = { readonly key: K; at: Millis; order: number; index: number };

/** Keys by their times: a binary heap whose entries can be moved. Of equal times the one set first comes first. */
export class Schedule<K> {
  readonly #entries = new Map<K, Entry<K>>();
  readonly #heap: Entry<K>[] = [];
  #order = 0;

  /** Infinity when nothing is set. */
  get next(): Millis {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Undefined for a key that is not set. */
  at(key: K): Millis | undefined {
    return this.#entries.get(key)?.at;
  }

  /** Sets or moves a key. */
  set(key: K, at: Millis): void {
    const known = this.#entries.get(key);
    const entry = known ?? { key, at, order: 0, index: this.#heap.length };
    entry.at = at;
    entry.order = this.#order++;
    if (!known) {
      this.#entries.set(key, entry);
      this.#heap.push(entry);
    }
    this.#settle(entry);
  }

  delete(key: K): void {
    const entry = this.#entries.get(key);
    if (entry) this.#remove(entry);
  }

  /** Takes out those whose time has come, in order. */
  take(now: Millis): K[] {
    const due: K[] = [];
    for (let first = this.#heap[0]; first && first.at <= now; first = this.#heap[0]) {
      this.#remove(first);
      due.push(first.key);
    }
    return due;
  }

  #remove(entry: Entry<K>): void {
    this.#entries.delete(entry.key);
    const last = this.#heap.pop();
    if (!last || last === entry) return;
    this.#put(last, entry.index);
    this.#settle(last);
  }

  /** Moves an entry up or down to where it belongs. */
  #settle(entry: Entry<K>): void {
    for (let parent = this.#above(entry); parent && isBefore(entry, parent); parent = this.#above(entry))
      this.#swap(entry, parent);
    for (let child = this.#below(entry); child && isBefore(child, entry); child = this.#below(entry))
      this.#swap(entry, child);
  }

  #above({ index }: Entry<K>): Entry<K> | undefined {
    return index === 0 ? undefined : this.#heap[(index - 1) >> 1];
  }

  /** The earlier one of an entry's children. */
  #below({ index }: Entry<K>): Entry<K> | undefined {
    const left = this.#heap[2 * index + 1];
    const right = this.#heap[2 * index + 2];
    return left && right && isBefore(right, left) ? right : left;
  }

  #swap(a: Entry<K>, b: Entry<K>): void {
    const { index } = a;
    this.#put(a, b.index);
    this.#put(b, index);
  }

  #put(entry: Entry<K>, index: number): void {
    entry.index = index;
    this.#heap[index] = entry;
  }
}

const isBefore = <K>(a: Entry<K>, b: Entry<K>): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);
