/** What a stack does when it cannot take a call is an exception; for a carrier it is nothing, or the end. */
export const quietly = (action: () => void): boolean => {
  try {
    action();
    return true;
  } catch {
    return false;
  }
};

/** A carrier ends once; `closed` is told in a task of its own, so never from inside one's own call. */
export class Ending {
  readonly #release: () => void;
  readonly #closed: () => void;
  #ended = false;

  constructor(release: () => void, closed: () => void) {
    this.#release = release;
    this.#closed = closed;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** By one's own `close`: nobody is told. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
  }

  /** By the other side or the path. */
  lost(): void {
    if (this.#ended) return;
    this.close();
    queueMicrotask(this.#closed);
  }
}

/** The bytes of a message event, or undefined for what is not binary. */
export const bytesOf = (data: unknown): Uint8Array | undefined => {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return undefined;
};
