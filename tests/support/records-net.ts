import { hex } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import {
  HANDLE_LIFE_MS,
  recordId,
  verifyHandle,
  verifyRecord,
  type SignedHandle,
  type SignedRecord,
} from '#shared/directory/records.ts';
import { RemoteError, type Code } from '#shared/errors.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

/** What a directory does with records and handles, and a clock, for parts that ask it. */
export class RecordsNet {
  readonly clock = new VirtualClock();
  readonly asked: DirectoryRequest['type'][] = [];
  readonly records = new Map<string, SignedRecord>();
  readonly handles = new Map<string, SignedHandle>();
  /** With what everything is refused. */
  fault: Code | undefined;

  get network(): Network {
    return { ask: (_: string, request: DirectoryRequest) => this.#ask(request) } as unknown as Network;
  }

  portsOf(seed: number): Host['ports'] {
    const rng = seededRng(new Uint8Array(32).fill(seed));
    const timer = (delayMs: number, task: () => void): (() => void) => this.clock.after(delayMs, task);
    return { rng, now: this.clock.now, timer } as unknown as Host['ports'];
  }

  async #ask(request: DirectoryRequest): Promise<DirectoryResponse> {
    this.asked.push(request.type);
    await Promise.resolve();
    if (this.fault) throw new RemoteError(this.fault);
    switch (request.type) {
      case 'put-record':
        return this.#putRecord(request);
      case 'get-record':
        return { ...this.#found(this.records.get(hex(request.recordId))), type: 'record' };
      case 'put-handle':
        return this.#putHandle(request);
      case 'get-handle':
        return { ...this.#found(this.#handle(request.name)), type: 'handle' };
      case 'publish':
        return { type: 'ok' };
      default:
        throw new RemoteError('unexpected');
    }
  }

  #putRecord(record: SignedRecord): DirectoryResponse {
    const id = hex(recordId(record.key, record.slot));
    if (!verifyRecord(record)) throw new RemoteError('bad-signature');
    if ((this.records.get(id)?.revision ?? -1) >= record.revision) throw new RemoteError('stale');
    this.records.set(id, record);
    return { type: 'ok' };
  }

  #putHandle(handle: SignedHandle): DirectoryResponse {
    const standing = this.#handle(handle.name);
    if (!verifyHandle(handle)) throw new RemoteError('bad-signature');
    if (standing && hex(standing.key) !== hex(handle.key)) throw new RemoteError('refused');
    if (standing && standing.revision >= handle.revision) throw new RemoteError('stale');
    this.handles.set(handle.name, handle);
    return { type: 'ok' };
  }

  #handle(name: string): SignedHandle | undefined {
    const found = this.handles.get(name);
    return found && found.revision + HANDLE_LIFE_MS > this.clock.now() ? found : undefined;
  }

  #found<T>(value: T | undefined): T {
    if (!value) throw new RemoteError('not-found');
    return value;
  }
}
