import { hex } from '#shared/bytes/bytes.ts';
import { decode, encode, list } from '#shared/bytes/codec.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { mailboxCodec, type Mailbox } from '#shared/rendezvous/contact.ts';
import type { Millis } from '#shared/units.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Change, Store } from '#web/core/store/ports.ts';
import { boxOf, keptBoxCodec, makeBox, type KeptBox } from './box.ts';

/** A conversation's mailbox is another after this long; the one before it is read until then. */
export const RENEW_MS: Millis = 30 * 86_400_000;
/** The one in use, and the one before it. */
const MOST_KEPT = 2;
const OWN = 'own/';
const THEIRS = 'theirs/';

const ownCodec = list(keptBoxCodec, MOST_KEPT);

/** The two mailboxes of each conversation: where this user takes what the contact leaves, and the contact's. */
export class PairBoxes {
  readonly #rng: Rng;
  /** By conversation, the newest first. */
  readonly #own = new Map<string, KeptBox[]>();
  readonly #theirs = new Map<string, Mailbox>();

  private constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Rejects with LocalError `storage`. */
  static async load(store: Store, rng: Rng): Promise<PairBoxes> {
    const boxes = new PairBoxes(rng);
    for (const [key, value] of await store.all('mailboxes')) {
      if (key.startsWith(OWN)) boxes.#own.set(key.slice(OWN.length), decode(ownCodec, value));
      if (key.startsWith(THEIRS)) boxes.#theirs.set(key.slice(THEIRS.length), decode(mailboxCodec, value));
    }
    return boxes;
  }

  own(conversation: string): readonly KeptBox[] {
    return this.#own.get(conversation) ?? [];
  }

  theirs(conversation: string): Mailbox | undefined {
    return this.#theirs.get(conversation);
  }

  /**
   * Makes one where there is none that is young enough, and tells the contact. What came from a copy may be older than what the
   * contact knows, and is renewed too. Rejects as `Session.tell` does.
   */
  async renew(session: Session, now: Millis): Promise<void> {
    const known = this.own(session.id);
    if (known[0] && now - known[0].madeAt < RENEW_MS && !session.stale) return;
    const boxes = [makeBox(this.#rng, now), ...known].slice(0, MOST_KEPT);
    const [newest] = boxes as [KeptBox];
    const value = encode(ownCodec, boxes);
    await session.tell({ type: 'mailbox', ...boxOf(newest).public }, [
      { table: 'mailboxes', key: `${OWN}${session.id}`, value },
    ]);
    this.#own.set(session.id, boxes);
  }

  /** What keeps the mailbox that a contact told of. */
  change(contact: Uint8Array, mailbox: Mailbox): Change {
    return { table: 'mailboxes', key: `${THEIRS}${hex(contact)}`, value: encode(mailboxCodec, mailbox) };
  }

  /** That is written. */
  told(conversation: string, { mailbox, key }: Mailbox): void {
    this.#theirs.set(conversation, { mailbox, key });
  }

  /** What the conversation's end changes. */
  forget(conversation: string): Change[] {
    this.#own.delete(conversation);
    this.#theirs.delete(conversation);
    return [OWN, THEIRS].map((prefix) => ({
      ...({ table: 'mailboxes' } as const),
      ...{ key: `${prefix}${conversation}`, value: undefined },
    }));
  }
}
