import { equal, hex } from '#shared/bytes/bytes.ts';
import { LocalError } from '#shared/errors.ts';
import type { SafetyNumber } from '#web/api.ts';
import type { Contact, Contacts } from '#web/core/contacts/contacts.ts';
import type { Profiles } from '#web/core/contacts/profiles.ts';
import { matchesCode, safetyNumber } from '#web/core/contacts/safety.ts';
import type { Envelope } from '#web/core/conversation/content.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Feature, FeatureEnv } from '#web/core/feature.ts';
import type { User } from '#web/core/profile.ts';
import type { Change } from '#web/core/store/ports.ts';

type Env = Pick<FeatureEnv, 'changed'> & {
  contacts: Contacts;
  profiles: Profiles;
  /** A conversation goes on: a way to the contact is kept open. */
  open(session: Session): void;
  /** No way to the contact is kept, and those that are open end. */
  shut(conversation: string): void;
  user: User;
  /** An invite for one person to the user's own address, and the change that opens it. */
  inviteOne(): { invite: Uint8Array; change: Change };
  /** The conversation goes to where this invite leads. */
  move(conversation: string, invite: Uint8Array): void;
  /** The conversation is no more; the changes are written with that. */
  erase(conversation: string, extra: () => readonly Change[]): Promise<void>;
};

/** How the user stands with each contact: who is let in, who is blocked, and whose keys were compared. */
export class Standing implements Feature {
  readonly #env: Env;
  readonly #greeting = new Set<string>();

  constructor(env: Env) {
    this.#env = env;
  }

  begun(session: Session): void {
    this.#greet(session);
    this.#env.profiles.begun(session);
    this.#moveOn(session.id);
  }

  keep(contact: Uint8Array, { content }: Envelope): readonly Change[] {
    if (content.type !== 'accepted') return [];
    const { contacts } = this.#env;
    const id = hex(contact);
    // Only who was found by a handle has another address to lead to.
    const moves = contacts.get(id)?.handle === undefined ? undefined : content.invite;
    return [contacts.change(id, { wants: true, moves })];
  }

  taken(conversation: string, { content }: Envelope): void {
    if (content.type !== 'accepted') return;
    this.#env.changed();
    this.#moveOn(conversation);
  }

  /** Throws LocalError `not-found` where nobody waits for it. Refusing erases what they wrote, and blocks them. */
  async answer(session: Session, accept: boolean): Promise<void> {
    const { contacts, erase, shut } = this.#env;
    const { id } = session;
    if (contacts.state(id) !== 'invited') throw new LocalError('not-found', 'nobody waits for this answer');
    if (accept) return this.#change(session, { wanted: true, blocked: false });
    shut(id);
    await erase(id, () => [contacts.change(id, { blocked: true })]);
  }

  /** The user takes them as a contact, in whatever way that came about. */
  async want(session: Session): Promise<void> {
    const { wanted = true, blocked = false } = this.#env.contacts.get(session.id) ?? {};
    if (!wanted || blocked) await this.#change(session, { wanted: true, blocked: false });
  }

  async block(session: Session, on: boolean): Promise<void> {
    const { contacts, profiles, shut } = this.#env;
    const { blocked, edition = 0 } = contacts.get(session.id) ?? {};
    if (blocked === on) return;
    await this.#change(session, { blocked: on });
    if (!on) return;
    shut(session.id);
    if (edition > 0) await profiles.moveAway();
  }

  safetyNumber({ parties: { own, other } }: Session): SafetyNumber {
    return safetyNumber(own, other);
  }

  /** Throws what `matchesCode` does. */
  async compare(session: Session, code: string): Promise<boolean> {
    const { own, other } = session.parties;
    const matches = matchesCode(own, other, code);
    if (matches) await this.setVerified(session, true);
    return matches;
  }

  /** Who compared numbers compared those of the key that is in use now. */
  async setVerified(session: Session, on: boolean): Promise<void> {
    const { key } = session.parties.other;
    await this.#change(session, on ? { verified: true, key, shown: undefined } : { verified: false });
  }

  async acknowledge(session: Session): Promise<void> {
    const { shown: key } = this.#env.contacts.get(session.id) ?? {};
    if (key) await this.#change(session, { key, shown: undefined, verified: false });
  }

  /** What was held back and is no longer leaves. */
  async #change(session: Session, fields: Partial<Contact>): Promise<void> {
    const { contacts, open, changed } = this.#env;
    await session.also(() => [contacts.change(session.id, fields)]);
    changed();
    if (contacts.holds(session.id) === 'everything') return;
    open(session);
    this.begun(session);
    await session.released();
  }

  #moveOn(conversation: string): void {
    const { moves } = this.#env.contacts.get(conversation) ?? {};
    if (moves) this.#env.move(conversation, moves);
  }

  /** Whoever came to this user hears, once, that they are let in. */
  #greet(session: Session): void {
    const { contacts } = this.#env;
    const { wanted, told, blocked } = contacts.get(session.id) ?? {};
    if (!wanted || told || blocked || this.#greeting.has(session.id)) return;
    this.#greeting.add(session.id);
    const asked = !equal(session.parties.own.address, this.#env.user.address.public);
    const { invite, change } = asked ? this.#env.inviteOne() : { invite: undefined, change: undefined };
    void session
      .tell({ type: 'accepted', invite }, () => [
        contacts.change(session.id, { told: true }),
        ...(change ? [change] : []),
      ])
      .catch(() => undefined)
      .finally(() => this.#greeting.delete(session.id));
  }
}
