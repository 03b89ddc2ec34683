import { decode } from '#shared/bytes/codec.ts';
import { CLOSED_ROOT_LENGTH } from '#shared/contribution/closed.ts';
import { field } from '#shared/contribution/field.ts';
import type { Millis } from '#shared/units.ts';
import type { Archive } from '../stores/ports.ts';
import { closedId } from './audit-documents.ts';

/** More than proofs are taken of at one time. */
const MOST_KNOWN = 4;

/** The roots of epochs whose scores are fixed. An epoch has one for ever, so that each is read once. */
export class Roots {
  readonly #archive: Archive;
  readonly #known = new Map<number, bigint>();

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Undefined while the epoch's scores are not fixed. */
  async of(epoch: number, now: Millis): Promise<bigint | undefined> {
    const known = this.#known.get(epoch);
    if (known !== undefined) return known;
    const document = await this.#archive.document(closedId(epoch), now);
    if (!document) return undefined;
    const root = decode(field, document.bytes.subarray(0, CLOSED_ROOT_LENGTH));
    this.#known.set(epoch, root);
    for (const oldest of this.#known.keys()) if (this.#known.size > MOST_KNOWN) this.#known.delete(oldest);
    return root;
  }
}
