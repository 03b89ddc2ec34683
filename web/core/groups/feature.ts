import { hex, unhex } from '#shared/bytes/bytes.ts';
import { LocalError } from '#shared/errors.ts';
import type { Contacts } from '#web/core/contacts/contacts.ts';
import { findContact } from '#web/core/contacts/finding.ts';
import type { Redemption } from '#web/core/contacts/invites.ts';
import type { Envelope } from '#web/core/conversation/content.ts';
import type { Message } from '#web/core/conversation/records.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Feature, FeatureEnv } from '#web/core/feature.ts';
import type { Group, GroupEvent } from '#web/core/groups/group.ts';
import { Groups } from '#web/core/groups/groups.ts';
import { Pairs, type Fellow } from '#web/core/groups/pairs.ts';
import type { Want } from '#web/core/groups/records.ts';
import type { Change } from '#web/core/store/ports.ts';

type Env = Pick<FeatureEnv, 'store' | 'ports' | 'network' | 'profile' | 'user' | 'session' | 'poke'> & {
  contacts: Contacts;
  /** Begins a conversation that no list shows. */
  begin(fellow: Fellow, keyPackage: Uint8Array): Promise<void>;
  /** What other parts make of what somebody said to a group. */
  keep(group: Uint8Array, envelope: Envelope): readonly Change[];
  taken(group: string, envelope: Envelope): void;
  drop(message: Message): readonly Change[];
  emit(event: GroupEvent): void;
};

/** The user's groups, and the conversations that their members need. */
export class GroupFeature implements Feature {
  readonly #env: Env;
  readonly groups: Groups;
  readonly #pairs: Pairs;

  constructor(env: Env) {
    this.#env = env;
    const { store, ports, network, profile, user, contacts, session, keep, taken, drop, emit, begin } = env;
    const { rng, now, timer } = ports;
    this.groups = new Groups({
      ...{ store, rng, now, timer, keep, taken, drop, emit },
      identity: user.identity,
      keyPackages: () => profile.keyPackages,
      ownName: () => profile.settings.name,
      nameOf: (id) => session(id)?.summary.name,
      isContact: (id) => contacts.isContact(id),
      receipts: () => profile.settings.readReceipts,
      tell: (to, content, extra) => this.#tell(to, content, extra),
      membersChanged: () => this.#pairs.look(),
    });
    this.#pairs = new Pairs({
      ...{ ports, network, begin },
      self: hex(user.address.public),
      fellows: () => this.groups.fellows(),
      has: (id) => session(id) !== undefined,
    });
  }

  async load(): Promise<void> {
    await this.groups.load();
    this.#pairs.look();
  }

  begun({ id }: Session): void {
    this.groups.begun(id);
  }

  keep(contact: Uint8Array, envelope: Envelope): readonly Change[] {
    return this.groups.keep(contact, envelope);
  }

  taken(conversation: string, envelope: Envelope): void {
    void this.groups.taken(conversation, envelope);
  }

  stop(): void {
    this.groups.stop();
    this.#pairs.stop();
  }

  /** What lets somebody begin a conversation who is in a group with this user. */
  redeem(contact: Uint8Array): Redemption | undefined {
    return this.groups.hasMember(contact) ? { wanted: false, fellow: true, use: () => [] } : undefined;
  }

  /** As `Groups.create`. */
  create(name: string, others: readonly Want['what'][]): Promise<Group> {
    return this.groups.create(name, others);
  }

  list(): Group[] {
    return this.groups.list();
  }

  /** Throws LocalError `unknown-conversation`. */
  group(id: string): Group {
    const group = this.groups.get(id);
    if (!group) throw new LocalError('unknown-conversation', 'no such group');
    return group;
  }

  /** What it takes to add contacts, by their conversations' ids. Rejects with LocalError `unknown-conversation`, `refused`, and as the look-up does. */
  async adding(contacts: readonly string[]): Promise<Want['what'][]> {
    const { network, ports, session } = this.#env;
    return Promise.all(
      [...new Set(contacts)].map(async (id) => {
        const known = session(id);
        if (!known) throw new LocalError('unknown-conversation');
        if (!this.#env.contacts.isContact(id))
          throw new LocalError('refused', 'only contacts can be added to a group');
        const address = unhex(id);
        const { keyPackage } = await findContact(network, ports, address);
        return { type: 'add', address, name: known.summary.name, keyPackage } as const;
      }),
    );
  }

  #tell(
    to: string,
    content: Parameters<Session['tell']>[0],
    extra: readonly Change[],
  ): Promise<void> | undefined {
    const session = this.#env.session(to);
    return session?.tell(content, extra).then(() => this.#env.poke(to));
  }
}
