import { hex } from '#shared/bytes/bytes.ts';
import type { InboxRef } from '#shared/node/input.ts';

/** An address has this many inboxes, so that one exit's end is no silence; that of a handle can wait. */
export const OWN_INBOXES = 2;
export const HANDLE_INBOXES = 1;

/** Tags that are remembered: an inbox may be away for a while and come back. */
const MOST_TAGS = 64;

/**
 * Which inboxes serve the user's address, and which that of their handle: never the same, and none changes sides. Who
 * reads both descriptors finds nothing in them that is in both.
 */
export class InboxShares {
  readonly #sides = new Map<string, 'own' | 'handle'>();

  /** The sides of all that are open now. `handle`: there is one. */
  share(inboxes: readonly InboxRef[], handle: boolean): { own: InboxRef[]; handle: InboxRef[] } {
    const of = (side: 'own' | 'handle'): InboxRef[] =>
      inboxes.filter(({ tag }) => this.#sides.get(hex(tag)) === side);
    for (const { tag } of inboxes) {
      if (this.#sides.has(hex(tag))) continue;
      this.#sides.set(hex(tag), !handle || of('own').length < OWN_INBOXES ? 'own' : 'handle');
      const [oldest] = this.#sides.keys();
      if (this.#sides.size > MOST_TAGS && oldest !== undefined) this.#sides.delete(oldest);
    }
    return { own: of('own'), handle: handle ? of('handle') : [] };
  }
}
