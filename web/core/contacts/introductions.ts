import { hex } from '#shared/bytes/bytes.ts';
import { LocalError, codeOf } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { InviteView } from '#web/api.ts';
import type { Contacts } from '#web/core/contacts/contacts.ts';
import { findContact } from '#web/core/contacts/finding.ts';
import { findHandle, type HandleKeeper } from '#web/core/contacts/handle.ts';
import {
  decodeInvite,
  readInvite,
  type Invite,
  type InviteOptions,
  type Invites,
} from '#web/core/contacts/invites.ts';
import type { Standing } from '#web/core/contacts/standing.ts';
import type { Conversations } from '#web/core/conversation/conversations.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import type { Profile, User } from '#web/core/profile.ts';
import type { Change } from '#web/core/store/ports.ts';

/** After which a conversation that could not move to its contact's own address is moved again. */
const MOVE_MS: Millis = 30_000;

type Env = {
  ports: Host['ports'];
  network: Network;
  profile: Profile;
  user: User;
  /** Where invite links lead. */
  origin: string;
  conversations: Conversations;
  invites: Invites;
  contacts: Contacts;
  handle: HandleKeeper;
  standing(): Standing;
  /** There is something to say to a contact. */
  begun(session: Session): void;
  /** A conversation goes on in another's place. */
  moved(from: string, to: Session): void;
  /** What the end of a conversation changes in the store. */
  ended(conversation: string): Change[];
};

type Own = { address: Uint8Array; name: string };

/** How people come to know each other: invites given and taken, and handles. */
export class Introductions {
  readonly #env: Env;
  readonly #moving = new Set<string>();
  readonly #waits = new Map<string, () => void>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Throws what `Invites.create` does. */
  invite(options: InviteOptions): Promise<InviteView> {
    const { ports, origin, invites } = this.#env;
    return invites.create(origin, this.#own, options, ports.rng, ports.now());
  }

  /** For one person, to whom this program gives it; the change opens it. */
  inviteOne(): { invite: Uint8Array; change: Change } {
    const { ports, invites } = this.#env;
    return invites.createUnshown(this.#own, ports.rng, ports.now());
  }

  /** Throws what `readInvite` and the look-up throw. */
  async accept(link: string): Promise<Session> {
    return this.#accept(readInvite(link, this.#env.ports.now()));
  }

  /** Asks whoever holds a handle. Throws what `findHandle` and the look-up throw. */
  async ask(name: string): Promise<Session> {
    const { network, ports, handle } = this.#env;
    const invite = await findHandle(network, ports, name);
    if (handle.isOwn(invite.address)) throw new LocalError('bad-invite', 'this handle is your own');
    return this.#accept(invite, name);
  }

  /**
   * Somebody found by their handle let this user in, and this invite leads to their own address. Tried until it is done:
   * they can be found only while they publish.
   */
  async move(id: string, payload: Uint8Array): Promise<void> {
    if (this.#moving.has(id)) return;
    this.#moving.add(id);
    const { ports, conversations, contacts, moved, ended } = this.#env;
    try {
      const invite = decodeInvite(payload, ports.now());
      const to = await this.#acceptance(invite);
      moved(id, await conversations.move(id, to, () => [contacts.forget(id), ...ended(id)]));
    } catch (error) {
      if (codeOf(error) === 'internal') console.error(error);
      const again = (): void => void (conversations.get(id) && this.move(id, payload));
      this.#waits.set(id, ports.timer(MOVE_MS, again));
    }
    this.#moving.delete(id);
  }

  stop(): void {
    for (const cancel of this.#waits.values()) cancel();
  }

  get #own(): Own {
    const { user, profile } = this.#env;
    return { address: user.address.public, name: profile.settings.name };
  }

  async #accept(invite: Invite, handle?: string): Promise<Session> {
    const { conversations, standing, begun } = this.#env;
    const known = conversations.get(hex(invite.address));
    if (known) await standing().want(known);
    if (known && !known.waiting) return known;
    const acceptance = await this.#acceptance(invite);
    const session = await conversations.start({ ...acceptance, ...(handle !== undefined && { handle }) });
    for (const { id, mine, state } of session.messages())
      if (mine && state === 'failed') await session.retry(id);
    begun(session);
    return session;
  }

  async #acceptance({
    address: contact,
    token,
    name,
  }: Invite): Promise<Parameters<Conversations['start']>[0]> {
    const { network, ports } = this.#env;
    const { keyPackage } = await findContact(network, ports, contact);
    return { contact, name, token, keyPackage, ownName: this.#own.name };
  }
}
