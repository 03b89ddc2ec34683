import { hex } from '../bytes/bytes.ts';

export const REPLAY_CAPACITY = 4096;

/** Remembers the newest nonces that were taken, as many as `capacity`. */
export class ReplayCache {
  readonly #capacity: number;
  /** A set keeps the order of insertion, so its first is the oldest. */
  readonly #seen = new Set<string>();

  constructor(capacity: number = REPLAY_CAPACITY) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** False when it was taken before. */
  take(nonce: Uint8Array): boolean {
    const name = hex(nonce);
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    if (this.#seen.size > this.#capacity) {
      for (const oldest of this.#seen) {
        this.#seen.delete(oldest);
        break;
      }
    }
    return true;
  }
}
