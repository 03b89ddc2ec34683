import { LocalError, RemoteError } from '../errors.ts';
import { concat } from './bytes.ts';

/**
 * The one way in which a message longer than a cell travels:
 *
 *     fragment = remaining (4: bytes of the message from here on, this fragment's included) ‖ bytes
 *
 * Each fragment but the last is not empty, and `remaining` falls by just what the one before carried.
 */
export const FRAGMENT_HEADER = 4;

/** `room`: bytes of one fragment with its header. A message of no bytes is one fragment. */
export const fragment = (message: Uint8Array, room: number): Uint8Array[] => {
  const step = room - FRAGMENT_HEADER;
  if (step <= 0) throw new LocalError('internal', 'no room for a fragment');
  const fragments: Uint8Array[] = [];
  let offset = 0;
  do {
    const part = message.subarray(offset, offset + step);
    const out = new Uint8Array(FRAGMENT_HEADER + part.length);
    new DataView(out.buffer).setUint32(0, message.length - offset);
    out.set(part, FRAGMENT_HEADER);
    fragments.push(out);
    offset += part.length;
  } while (offset < message.length);
  return fragments;
};

/** Puts one message at a time together. It holds only bytes that came, whatever length was announced. */
export class Assembler {
  readonly #max: number;
  #parts: Uint8Array[] = [];
  #remaining: number | undefined;

  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  get busy(): boolean {
    return this.#remaining !== undefined;
  }

  /** The whole message with its last fragment. Throws `malformed` or `oversized`. */
  push(part: Uint8Array): Uint8Array | undefined {
    if (part.length < FRAGMENT_HEADER) throw new RemoteError('malformed', 'a fragment without a header');
    const remaining = new DataView(part.buffer, part.byteOffset).getUint32(0);
    const data = part.slice(FRAGMENT_HEADER);
    if (this.#remaining === undefined) {
      if (remaining > this.#max)
        throw new RemoteError('oversized', `a message of over ${String(this.#max)} bytes`);
    } else if (remaining !== this.#remaining) {
      throw new RemoteError('malformed', 'a fragment out of order');
    }
    if (data.length > remaining || (data.length === 0 && remaining > 0)) {
      throw new RemoteError('malformed', 'a fragment of the wrong length');
    }
    this.#parts.push(data);
    this.#remaining = remaining - data.length;
    if (this.#remaining > 0) return undefined;
    const whole = concat(...this.#parts);
    this.#parts = [];
    this.#remaining = undefined;
    return whole;
  }
}
