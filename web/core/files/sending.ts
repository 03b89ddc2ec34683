import { codeOf, type Code } from '#shared/errors.ts';
import type { Handle } from '#shared/node/input.ts';
import { CHUNK_LENGTH } from '#web/core/conversation/content.ts';
import { FILE_WINDOW, PIECE_LENGTH } from '#web/core/files/records.ts';

type Env = {
  size: number;
  /** The piece that begins at `offset`. May reject. */
  read(offset: number): Promise<Uint8Array>;
  send(channel: Handle, offset: number, data: Uint8Array): void;
  /** Nothing leaves while this is false; `released` tells that it is so no longer. */
  may(): boolean;
  failed(code: Code): void;
};

/**
 * An own file on its way: chunks in order on the channel on which the receiver asked for it last, no more of them than the
 * window beyond what the receiver has said they keep.
 */
export class Sending {
  readonly #env: Env;
  /** Bytes that the receiver keeps, and the place of what goes next. */
  #acked = 0;
  #next = 0;
  #channel: Handle | undefined;
  #running = false;
  #held = false;
  #piece: { offset: number; data: Uint8Array } | undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Bytes that the receiver has said they keep. */
  get acked(): number {
    return this.#acked;
  }

  /** Something of it is, or will be, under way. */
  get active(): boolean {
    return this.#channel !== undefined && this.#acked < this.#env.size;
  }

  /** The receiver keeps so much, and wants the rest on this channel. Where it goes there already, nothing of it is missing. */
  again(channel: Handle, bytes: number): void {
    if (this.#channel === channel) return this.got(bytes);
    this.#channel = channel;
    this.#acked = bytes;
    this.#next = bytes;
    this.#go();
  }

  /** The receiver keeps so much. */
  got(bytes: number): void {
    this.#acked = Math.max(this.#acked, bytes);
    this.#next = Math.max(this.#next, this.#acked);
    this.#go();
  }

  closed(channel: Handle): void {
    if (this.#channel === channel) this.#channel = undefined;
  }

  /** True when something was held back, and goes on. */
  released(): boolean {
    if (!this.#held || !this.#env.may()) return false;
    this.#go();
    return true;
  }

  stop(): void {
    this.#channel = undefined;
  }

  #go(): void {
    if (!this.#running) void this.#pump();
  }

  async #pump(): Promise<void> {
    this.#running = true;
    try {
      for (;;) {
        const offset = this.#next;
        const end = Math.min(offset + CHUNK_LENGTH, this.#env.size);
        if (this.#channel === undefined || offset >= end || end - this.#acked > FILE_WINDOW) return;
        this.#held = !this.#env.may();
        if (this.#held) return;
        const data = await this.#chunk(offset, end);
        // What came meanwhile may have changed where to go on.
        if (this.#channel === undefined || this.#next !== offset) continue;
        this.#next = end;
        this.#env.send(this.#channel, offset, data);
      }
    } catch (error) {
      this.stop();
      this.#env.failed(codeOf(error));
    } finally {
      this.#running = false;
    }
  }

  async #chunk(offset: number, end: number): Promise<Uint8Array> {
    const start = offset - (offset % PIECE_LENGTH);
    if (this.#piece?.offset !== start) this.#piece = { offset: start, data: await this.#env.read(start) };
    return this.#piece.data.subarray(offset - start, end - start);
  }
}
