import { encode } from '#shared/bytes/codec.ts';
import { decode } from '#shared/bytes/codec.ts';
import {
  requestCodec,
  responseCodec,
  type DirectoryRequest,
  type DirectoryResponse,
} from '#shared/directory/messages.ts';
import type { Driver } from '#shared/driver/driver.ts';
import { LocalError, RemoteError, type Code } from '#shared/errors.ts';
import type { Command, Handle, InboxRef } from '#shared/node/input.ts';
import type { NodeEvent } from '#shared/node/output.ts';

type Settle = {
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
  building?: ((circuit: Handle) => void) | undefined;
};

export type OpenChannel = { channel: Handle; circuit: Handle };

/** The node's commands that are answered by events, as promises. */
export class Network {
  readonly #driver: () => Driver;
  readonly #waiting = new Map<Handle, Settle>();
  #handle = 0;

  constructor(driver: () => Driver) {
    this.#driver = driver;
  }

  command(command: Command): void {
    this.#driver().input({ type: 'command', command });
  }

  /** Rejects with RemoteError: what the directory answered, or `timeout`, `unreachable` and the like. */
  async ask(purpose: 'publish' | 'lookup', request: DirectoryRequest): Promise<DirectoryResponse> {
    const body = await this.#answered<Uint8Array>((handle) => {
      this.command({ type: 'ask', handle, purpose, body: encode(requestCodec, request) });
    });
    const response = decode(responseCodec, body);
    if (response.type === 'error') throw new RemoteError(response.code);
    return response;
  }

  /** Rejects with RemoteError once none of the inboxes could be joined. `building` is told of each circuit tried. */
  connect(inboxes: InboxRef[], building: (circuit: Handle) => void): Promise<OpenChannel> {
    return this.#answered((handle) => this.command({ type: 'connect', handle, inboxes }), building);
  }

  /** True when the event answered one of these. */
  onEvent(event: NodeEvent): boolean {
    switch (event.type) {
      case 'answered':
        if ('code' in event.result) this.#fail(event.handle, event.result.code);
        else this.#settle(event.handle, event.result.body);
        return true;
      case 'channel-building':
        this.#waiting.get(event.handle)?.building?.(event.circuit);
        return true;
      case 'channel-open':
        this.#settle(event.handle, { channel: event.channel, circuit: event.circuit });
        return true;
      case 'channel-failed':
        this.#fail(event.handle, event.code);
        return true;
      default:
        return false;
    }
  }

  stop(): void {
    for (const { reject } of this.#waiting.values()) reject(new LocalError('finished'));
    this.#waiting.clear();
  }

  #answered<T>(begin: (handle: Handle) => void, building?: Settle['building']): Promise<T> {
    this.#handle += 1;
    const handle = this.#handle;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(handle, { resolve, reject, building });
      begin(handle);
    });
  }

  #settle(handle: Handle, value: unknown): void {
    this.#waiting.get(handle)?.resolve(value as never);
    this.#waiting.delete(handle);
  }

  #fail(handle: Handle, code: Code): void {
    this.#waiting.get(handle)?.reject(new RemoteError(code));
    this.#waiting.delete(handle);
  }
}
