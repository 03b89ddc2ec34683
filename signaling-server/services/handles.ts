import { equal } from '#shared/bytes/bytes.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import { HANDLE_LIFE_MS, verifyHandle } from '#shared/directory/records.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Archive } from '../stores/ports.ts';
import { ok, type Circuit, type RequestOf, type Service } from './context.ts';

/** How far ahead an owner's clock may be. */
const SKEW_MS: Millis = 10 * 60_000;

/** Holds names, each for the key that took it first, as long as that key renews it. */
export class PutHandle implements Service<'put-handle'> {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /**
   * Throws `bad-signature`, `stale` or `refused` (it is another's). The same one sent again is answered as it was at
   * first, and lengthens nothing.
   */
  async handle(request: RequestOf<'put-handle'>, _circuit: Circuit, now: Millis): Promise<typeof ok> {
    if (!verifyHandle(request)) throw new RemoteError('bad-signature');
    const { name, key, revision, content, signature } = request;
    // By what its owner signed: nobody else can make an old record of his stand again.
    const expires = revision + HANDLE_LIFE_MS;
    if (expires <= now || revision > now + SKEW_MS) throw new RemoteError('stale', 'of another time');
    if (await this.#archive.putHandle({ name, key, revision, content, signature, expires }, now)) return ok;
    const standing = await this.#archive.handle(name, now);
    if (standing && !equal(standing.key, key)) throw new RemoteError('refused', 'it is taken');
    if (standing?.revision === revision && equal(standing.signature, signature)) return ok;
    throw new RemoteError('stale', 'not a higher revision');
  }
}

export class GetHandle implements Service<'get-handle'> {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Throws `not-found`. */
  async handle(request: RequestOf<'get-handle'>, _circuit: Circuit, now: Millis): Promise<DirectoryResponse> {
    const found = await this.#archive.handle(request.name, now);
    if (!found) throw new RemoteError('not-found');
    const { name, key, revision, content, signature } = found;
    return { type: 'handle', name, key, revision, content, signature };
  }
}
