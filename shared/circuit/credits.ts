import { RemoteError } from '../errors.ts';

/** Cells that one side of a circuit, or of a trusted channel, may have under way in one direction. */
export const WINDOW = 512;

/** Cells that a new bridge carries in one direction before the receiver has granted more. */
export const FIRST_WINDOW = 32;

/**
 * The sender's count: what may still be sent. A grant comes in a CREDIT message:
 *
 *     CREDIT data = cells (2: 1..512)
 */
export class SendCredit {
  #left: number;

  constructor(first: number) {
    this.#left = first;
  }

  get left(): number {
    return this.#left;
  }

  take(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  /** Throws `credit-exceeded` on a grant that an honest receiver has no reason for. */
  grant(cells: number): void {
    if (cells === 0 || this.#left + cells > WINDOW)
      throw new RemoteError('credit-exceeded', 'a grant over the window');
    this.#left += cells;
  }
}

/** The receiver's count: what the other side may still send, and when to let it send more. */
export class ReceiveCredit {
  #allowed: number;
  #window: number;

  constructor(first: number) {
    this.#allowed = first;
    this.#window = first;
  }

  /** Counts one cell in. Returns how many to grant now: none, or what restores the window once half is used. */
  receive(): number {
    if (this.#allowed === 0) throw new RemoteError('credit-exceeded');
    this.#allowed -= 1;
    return this.#allowed <= this.#window / 2 ? this.#restore() : 0;
  }

  /** Opens the window wide; returns the grant that says so. */
  widen(): number {
    this.#window = WINDOW;
    return this.#restore();
  }

  #restore(): number {
    const cells = this.#window - this.#allowed;
    this.#allowed = this.#window;
    return cells;
  }
}
