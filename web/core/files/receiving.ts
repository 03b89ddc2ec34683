import { concat } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import { FILE_WINDOW, PIECE_LENGTH } from '#web/core/files/records.ts';

type Env = {
  size: number;
  /** Stores a piece; called for one after the other, in order. */
  keep(offset: number, piece: Uint8Array): void;
};

/** A file of a contact's on its way here: chunks in order, put together to pieces. */
export class Receiving {
  readonly #env: Env;
  #received: number;
  #kept: number;
  #parts: Uint8Array[] = [];

  /** `kept`: bytes that are in the store. */
  constructor(env: Env, kept: number) {
    this.#env = env;
    this.#received = kept;
    this.#kept = kept;
  }

  /** Bytes in the store. */
  get kept(): number {
    return this.#kept;
  }

  /** That which comes next; the rest was here before, or follows something that got lost with its channel. */
  wants(offset: number): boolean {
    return offset === this.#received;
  }

  /** The next chunk. Throws `credit-exceeded` when its sender does not wait for what is kept. */
  take(data: Uint8Array): void {
    if (this.#received + data.length - this.#kept > FILE_WINDOW) throw new RemoteError('credit-exceeded');
    this.#parts.push(data);
    this.#received += data.length;
    if (this.#received % PIECE_LENGTH !== 0 && this.#received !== this.#env.size) return;
    const piece = concat(...this.#parts);
    this.#parts = [];
    this.#env.keep(this.#received - piece.length, piece);
  }

  /** So much is in the store. */
  wasKept(bytes: number): void {
    this.#kept = bytes;
  }
}
