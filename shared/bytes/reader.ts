import { RemoteError } from '../errors.ts';

/** Reads big-endian fields off bytes that a stranger sent. Every overrun is `malformed`. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  /** Above 2^53 − 1 a number is no longer exact, so that is refused. */
  u64(): number {
    const at = this.#advance(8);
    const value = this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4);
    if (!Number.isSafeInteger(value)) throw new RemoteError('malformed', 'a number above 2^53 - 1');
    return value;
  }

  /** A copy, so that what is kept does not hold on to the message. */
  take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.slice(at, at + length);
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  end(): void {
    if (this.remaining !== 0) throw new RemoteError('malformed', 'bytes after the end');
  }

  #advance(length: number): number {
    const at = this.#offset;
    if (length > this.#bytes.length - at) throw new RemoteError('malformed', 'too few bytes');
    this.#offset = at + length;
    return at;
  }
}
