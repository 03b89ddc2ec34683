import { LocalError } from '../errors.ts';

const FIRST_ROOM = 256;

/** Writes big-endian fields. A value that its field cannot hold is `internal`. */
export class Writer {
  #bytes = new Uint8Array(FIRST_ROOM);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  u8(value: number): this {
    const at = this.#advance(1, value, 0xff);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#advance(2, value, 0xffff);
    this.#view.setUint16(at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.#advance(4, value, 0xffffffff);
    this.#view.setUint32(at, value);
    return this;
  }

  u64(value: number): this {
    const at = this.#advance(8, value, Number.MAX_SAFE_INTEGER);
    this.#view.setUint32(at, Math.floor(value / 2 ** 32));
    this.#view.setUint32(at + 4, value % 2 ** 32);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#advance(value.length, 0, 0);
    this.#bytes.set(value, at);
    return this;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #advance(length: number, value: number, most: number): number {
    if (!Number.isInteger(value) || value < 0 || value > most)
      throw new LocalError('internal', 'a field out of range');
    const at = this.#length;
    this.#length = at + length;
    if (this.#length > this.#bytes.length) this.#grow();
    return at;
  }

  #grow(): void {
    const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
