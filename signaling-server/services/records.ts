import { concat, equal } from '#shared/bytes/bytes.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import { recordId, verifyRecord } from '#shared/directory/records.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Archive } from '../stores/ports.ts';
import { ok, type Circuit, type RequestOf, type Service } from './context.ts';

/** How long a record stands after it was last written. */
export const RECORD_LIFE_MS: Millis = 180 * 24 * 3_600_000;

/** Holds sealed records, each in a slot of its owner's key. Two slots of one key can't be told to belong together by id. */
export class PutRecord implements Service<'put-record'> {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Throws `bad-signature` or `stale`. The same record sent again is answered as it was at first. */
  async handle(request: RequestOf<'put-record'>, _circuit: Circuit, now: Millis): Promise<typeof ok> {
    if (!verifyRecord(request)) throw new RemoteError('bad-signature');
    const { key, slot, revision, signature } = request;
    const id = recordId(key, slot);
    const blob = concat(Uint8Array.of(slot), request.blob);
    const expires = now + RECORD_LIFE_MS;
    if (await this.#archive.putRecord({ id, key, revision, blob, signature, expires })) return ok;
    const standing = await this.#archive.record(id, now);
    if (standing?.revision === revision && equal(standing.signature, signature)) return ok;
    throw new RemoteError('stale', 'not a higher revision');
  }
}

export class GetRecord implements Service<'get-record'> {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Throws `not-found`. A slot that its owner erased is answered by the record that erased it. */
  async handle(request: RequestOf<'get-record'>, _circuit: Circuit, now: Millis): Promise<DirectoryResponse> {
    const found = await this.#archive.record(request.recordId, now);
    if (!found) throw new RemoteError('not-found');
    const { key, revision, signature, blob } = found;
    // The archive holds the slot in front of the blob.
    const [slot] = blob;
    if (slot === undefined) throw new LocalError('internal', 'a record without its slot');
    return { type: 'record', key, slot, revision, blob: blob.slice(1), signature };
  }
}
