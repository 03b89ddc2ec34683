import { BACKLOG_CEILING, BUFFER_CEILING } from '#shared/link/carrier.ts';
import { Fifo } from '#shared/link/queues.ts';

/** The send side of a stack that has a buffer of its own: a data channel or a WebSocket. */
export type Stack = {
  ready(): boolean;
  buffered(): number;
  send(message: Uint8Array): void;
};

/** Holds messages back until the stack is open and its own buffer stays under `BUFFER_CEILING` with the next one. */
export class Outbox {
  readonly #stack: Stack;
  #waiting = new Fifo<Uint8Array>();
  #bytes = 0;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  /** False when more than `BACKLOG_CEILING` waits: the other side takes nothing any more. */
  push(message: Uint8Array): boolean {
    this.#waiting.push(message);
    this.#bytes += message.length;
    this.pump();
    return this.#bytes <= BACKLOG_CEILING;
  }

  /** May throw what the stack's `send` throws, but not in a state that `ready` excludes. */
  pump(): void {
    while (this.#waiting.first && this.#stack.ready()) {
      const buffered = this.#stack.buffered();
      if (buffered > 0 && buffered + this.#waiting.first.length > BUFFER_CEILING) return;
      const message = this.#waiting.shift() as Uint8Array;
      this.#bytes -= message.length;
      this.#stack.send(message);
    }
  }

  clear(): void {
    this.#waiting = new Fifo();
    this.#bytes = 0;
  }
}
