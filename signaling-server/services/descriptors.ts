import { equal } from '#shared/bytes/bytes.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import { RemoteError } from '#shared/errors.ts';
import { checkPublished, descriptorId, PERIOD_MS } from '#shared/rendezvous/contact.ts';
import type { Millis } from '#shared/units.ts';
import type { Archive } from '../stores/ports.ts';
import { ok, type Circuit, type RequestOf, type Service } from './context.ts';

/** A descriptor is served in its own period and in the one after it. */
const PERIODS_SERVED = 2;

/** Holds sealed contact descriptors. Whose they are and what they say the directory can't tell. */
export class Publish implements Service<'publish'> {
  readonly #archive: Archive;
  readonly #most: number;
  /** As of the last count; between two counts the rate limits bound what is added. */
  #full = false;

  constructor(archive: Archive, most: number) {
    this.#archive = archive;
    this.#most = most;
  }

  /** Throws `bad-signature`, `stale` or `too-many`. The same publication sent again is answered as it was at first. */
  async handle(request: RequestOf<'publish'>, _circuit: Circuit, now: Millis): Promise<typeof ok> {
    checkPublished(request, now);
    const { blindedKey, period, revision, blob, signature } = request;
    const id = descriptorId(blindedKey, period);
    const expires = (period + PERIODS_SERVED) * PERIOD_MS;
    if (this.#full && !(await this.#archive.descriptor(id, now)))
      throw new RemoteError('too-many', 'descriptors');
    const stored = await this.#archive.putDescriptor({
      id,
      blindedKey,
      period,
      revision,
      blob,
      signature,
      expires,
    });
    if (stored) return ok;
    const standing = await this.#archive.descriptor(id, now);
    if (standing?.revision === revision && equal(standing.signature, signature)) return ok;
    throw new RemoteError('stale', 'not a higher revision');
  }

  async count(): Promise<void> {
    this.#full = (await this.#archive.descriptorCount()) >= this.#most;
  }
}

export class Lookup implements Service<'lookup'> {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Throws `not-found`. */
  async handle(request: RequestOf<'lookup'>, _circuit: Circuit, now: Millis): Promise<DirectoryResponse> {
    const found = await this.#archive.descriptor(request.descriptorId, now);
    if (!found) throw new RemoteError('not-found');
    const { blindedKey, period, revision, blob, signature } = found;
    return { type: 'descriptor', blindedKey, period, revision, blob, signature };
  }
}
