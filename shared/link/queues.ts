import type { CircuitId } from '../units.ts';

/** First in, first out at constant cost: what was taken is cut off in blocks. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head >= 64 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** One circuit's queue: a link of the ring of those that have cells. */
type Ring = { circuit: CircuitId; cells: Fifo<Uint8Array>; next: Ring; previous: Ring };

/** Encoded cells, a queue for each circuit, taken in turn (round robin over the circuits that have any). */
export class CellQueues {
  readonly #cap: number;
  readonly #queues = new Map<CircuitId, Ring>();
  #turn: Ring | undefined;
  #length = 0;

  /** `cap`: cells that one circuit may have here. */
  constructor(cap: number) {
    this.#cap = cap;
  }

  get length(): number {
    return this.#length;
  }

  queued(circuit: CircuitId): number {
    return this.#queues.get(circuit)?.cells.length ?? 0;
  }

  /** False, and nothing is kept, when that circuit's queue is full. */
  push(circuit: CircuitId, cell: Uint8Array): boolean {
    const queue = this.#queues.get(circuit) ?? this.#enter(circuit);
    if (queue.cells.length >= this.#cap) return false;
    queue.cells.push(cell);
    this.#length += 1;
    return true;
  }

  /** The next cell of the circuit whose turn it is. */
  shift(): Uint8Array | undefined {
    const queue = this.#turn;
    if (!queue) return undefined;
    const cell = queue.cells.shift();
    this.#turn = queue.next;
    this.#length -= 1;
    if (queue.cells.length === 0) this.#leave(queue);
    return cell;
  }

  drop(circuit: CircuitId): void {
    const queue = this.#queues.get(circuit);
    if (!queue) return;
    this.#length -= queue.cells.length;
    this.#leave(queue);
  }

  /** A newcomer comes last: just before the one whose turn it is. */
  #enter(circuit: CircuitId): Ring {
    const queue = { circuit, cells: new Fifo<Uint8Array>() } as Ring;
    queue.next = this.#turn ?? queue;
    queue.previous = this.#turn?.previous ?? queue;
    queue.previous.next = queue;
    queue.next.previous = queue;
    this.#turn ??= queue;
    this.#queues.set(circuit, queue);
    return queue;
  }

  #leave(queue: Ring): void {
    this.#queues.delete(queue.circuit);
    if (queue.next === queue) {
      this.#turn = undefined;
      return;
    }
    queue.previous.next = queue.next;
    queue.next.previous = queue.previous;
    if (this.#turn === queue) this.#turn = queue.next;
  }
}
