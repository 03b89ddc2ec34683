import { decode, encode } from '#shared/bytes/codec.ts';
import { requestCodec, responseCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import type { AskPurpose, RequestFor } from '#shared/directory/purposes.ts';
import type { Driver } from '#shared/driver/driver.ts';
import { LocalError, RemoteError, type Code } from '#shared/errors.ts';
import type { Command, Handle, InboxRef } from '#shared/node/input.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import type { NodeId } from '#shared/units.ts';

type Settle = {
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
  building?: ((circuit: Handle) => void) | undefined;
};

/** A request whose cost is work on the circuit that carries it. */
type WorkedRequest<P extends AskPurpose> = {
  /** Of the circuit's binding. */
  challenge: (binding: Uint8Array) => Uint8Array;
  request: (work: number) => RequestFor<P>;
};

/** `exit`: by which node it was asked. */
type Asked = { body: Uint8Array; exit: NodeId | undefined };

/** Asked by whoever tells where the user is to be found, or takes what is theirs. */
const GATED: readonly AskPurpose[] = ['publish', 'ahead', 'mailbox', 'handle'];

export type OpenChannel = { channel: Handle; circuit: Handle };

/** The node's commands that are answered by events, as promises. */
export class Network {
  readonly #driver: () => Driver;
  readonly #waiting = new Map<Handle, Settle>();
  #handle = 0;
  /** Is waited for before contacts are reached, and before what the list above names. */
  permit: () => Promise<void> = () => Promise.resolve();

  constructor(driver: () => Driver) {
    this.#driver = driver;
  }

  command(command: Command): void {
    this.#driver().input({ type: 'command', command });
  }

  /** Rejects with RemoteError: what the directory answered, or `timeout`, `unreachable` and the like. */
  async ask<P extends AskPurpose>(purpose: P, request: RequestFor<P>): Promise<DirectoryResponse> {
    if (GATED.includes(purpose)) await this.permit();
    return read((await this.#asked({ purpose, body: encode(requestCodec, request) })).body);
  }

  /** As `ask`, for a request that is signed over the circuit's binding. */
  async askBound<P extends AskPurpose>(
    purpose: P,
    request: (binding: Uint8Array) => RequestFor<P>,
  ): Promise<DirectoryResponse> {
    if (GATED.includes(purpose)) await this.permit();
    const body = (binding: Uint8Array): Uint8Array => encode(requestCodec, request(binding));
    return read((await this.#asked({ purpose, body })).body);
  }

  /** As `ask`, with as much work as the directory wants for it. */
  async askWithWork<P extends AskPurpose>(
    purpose: P,
    { challenge, request }: WorkedRequest<P>,
  ): Promise<DirectoryResponse> {
    const body = (_: Uint8Array, work: number): Uint8Array => encode(requestCodec, request(work));
    return read((await this.#asked({ purpose, body, challenge })).body);
  }

  /**
   * The answers' bytes over two circuits that end at different exits, for what everybody should be told alike. Rejects with
   * RemoteError `too-small-network` where there are no two.
   */
  async fetchTwice<P extends AskPurpose>(
    purpose: P,
    request: RequestFor<P>,
  ): Promise<[Uint8Array, Uint8Array]> {
    const body = encode(requestCodec, request);
    const first = await this.#asked({ purpose, body });
    if (first.exit === undefined) throw new RemoteError('too-small-network');
    const second = await this.#asked({ purpose, body, exitNot: first.exit });
    return [first.body, second.body];
  }

  /** Rejects with RemoteError once none of the inboxes could be joined. `building` is told of each circuit tried. */
  async connect(inboxes: InboxRef[], building: (circuit: Handle) => void): Promise<OpenChannel> {
    await this.permit();
    return this.#answered((handle) => this.command({ type: 'connect', handle, inboxes }), building);
  }

  /** True when the event answered one of these. */
  onEvent(event: NodeEvent): boolean {
    switch (event.type) {
      case 'answered':
        if ('code' in event.result) this.#fail(event.handle, event.result.code);
        else this.#settle(event.handle, { body: event.result.body, exit: event.exit });
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

  #asked(ask: Omit<Extract<Command, { type: 'ask' }>, 'type' | 'handle'>): Promise<Asked> {
    return this.#answered((handle) => this.command({ type: 'ask', handle, ...ask }));
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

const read = (body: Uint8Array): DirectoryResponse => {
  const response = decode(responseCodec, body);
  if (response.type === 'error') throw new RemoteError(response.code);
  return response;
};
