import type { RawData, WebSocket } from 'ws';
import { hex } from '#shared/bytes/bytes.ts';
import { SEALED_CELL_LENGTH } from '#shared/cell/geometry.ts';
import { byteOfCode, type Code } from '#shared/errors.ts';
import { MEETING_LENGTH } from '#shared/signal/pass.ts';
import type { Millis } from '#shared/units.ts';
import type { Clock } from './clock.ts';

/** Who came first waits so long for the other; nobody has longer to say whom they come for. */
const WAIT_MS: Millis = 15_000;

/** An end that sends nothing for so long is gone: links ping every three seconds. */
const SILENT_MS: Millis = 30_000;
const LOOK_MS: Millis = 5_000;

/** Above so many bytes on their way to one end nothing is read from the other; below half of it, it is again. */
const PAUSE_BYTES = 64 * 1024;
/** What was read before the pause took hold comes on top. An end with more than this is given up. */
const MOST_BYTES = 512 * 1024;

/** Codes of a WebSocket's close that are an application's own begin here (RFC 6455, section 7.4.2). */
const CLOSE_CODES = 4000;

type End = {
  readonly socket: WebSocket;
  meeting: string | undefined;
  other: End | undefined;
  /** Came before the other end did. */
  early: Buffer[];
  since: Millis;
  heardAt: Millis;
};

export type PassagesOptions = {
  /** Links at one time. */
  most: number;
  clock: Clock;
  refused(code: Code): void;
};

/**
 * Links between nodes that cannot have WebRTC: what one WebSocket brings goes to the other that named the same meeting, one sealed
 * cell after the other and unread. One link a WebSocket; nothing of who meets whom is kept or said anywhere.
 */
export class Passages {
  readonly #options: PassagesOptions;
  readonly #ends = new Map<WebSocket, End>();
  readonly #waiting = new Map<string, End>();
  #cancelLook: (() => void) | undefined;

  constructor(options: PassagesOptions) {
    this.#options = options;
  }

  /** No further end is taken. */
  get full(): boolean {
    return this.#ends.size >= 2 * this.#options.most;
  }

  /** Links on which both ends are there. */
  get count(): number {
    return (this.#ends.size - this.#alone().length) / 2;
  }

  /** Bytes on their way. */
  get held(): number {
    return [...this.#ends.keys()].reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0);
  }

  take(socket: WebSocket): void {
    const now = this.#options.clock.now();
    const end: End = { socket, meeting: undefined, other: undefined, early: [], since: now, heardAt: now };
    this.#ends.set(socket, end);
    socket.on('message', (data: RawData, isBinary) => {
      if (isBinary && Buffer.isBuffer(data)) this.#onMessage(end, data);
      else this.#end(end, 'malformed');
    });
    // An error is always followed by 'close'.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end(end, 'link-lost'));
    this.#lookLater();
  }

  close(): void {
    this.#cancelLook?.();
    for (const { socket } of this.#ends.values()) socket.terminate();
    this.#ends.clear();
    this.#waiting.clear();
  }

  #onMessage(end: End, data: Buffer): void {
    if (this.#ends.get(end.socket) !== end) return;
    end.heardAt = this.#options.clock.now();
    if (end.meeting === undefined) return this.#meet(end, data);
    if (data.length !== SEALED_CELL_LENGTH) return this.#end(end, 'malformed');
    if (end.other) return this.#pass(end, end.other, data);
    end.early.push(data);
    end.socket.pause();
    if (end.early.length * SEALED_CELL_LENGTH > MOST_BYTES) this.#end(end, 'queue-full');
  }

  #meet(end: End, name: Buffer): void {
    if (name.length !== MEETING_LENGTH) return this.#end(end, 'malformed');
    const meeting = hex(name);
    end.meeting = meeting;
    const other = this.#waiting.get(meeting);
    if (!other) return void this.#waiting.set(meeting, end);
    this.#waiting.delete(meeting);
    [end.other, other.other] = [other, end];
    other.heardAt = end.heardAt;
    for (const data of other.early.splice(0)) this.#pass(other, end, data);
    other.socket.resume();
  }

  #pass(from: End, to: End, data: Buffer): void {
    to.socket.send(data, () => {
      if (from.socket.isPaused && to.socket.bufferedAmount < PAUSE_BYTES / 2) from.socket.resume();
    });
    if (to.socket.bufferedAmount > MOST_BYTES) this.#end(to, 'queue-full');
    else if (to.socket.bufferedAmount > PAUSE_BYTES) from.socket.pause();
  }

  /** And the other end with it. */
  #end(end: End, code: Code): void {
    if (!this.#ends.delete(end.socket)) return;
    if (end.meeting !== undefined && this.#waiting.get(end.meeting) === end)
      this.#waiting.delete(end.meeting);
    if (code !== 'link-lost') this.#options.refused(code);
    // What is paused hears no close.
    end.socket.resume();
    end.socket.close(CLOSE_CODES + byteOfCode(code), code);
    if (end.other) this.#end(end.other, 'link-lost');
  }

  #alone(): End[] {
    return [...this.#ends.values()].filter(({ other }) => !other);
  }

  #lookLater(): void {
    this.#cancelLook ??= this.#options.clock.after(LOOK_MS, () => {
      this.#cancelLook = undefined;
      this.#look();
      if (this.#ends.size > 0) this.#lookLater();
    });
  }

  #look(): void {
    const now = this.#options.clock.now();
    for (const end of [...this.#ends.values()]) {
      if (now - (end.other ? end.heardAt : end.since) > (end.other ? SILENT_MS : WAIT_MS))
        this.#end(end, 'timeout');
    }
  }
}
