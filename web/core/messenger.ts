import { equal, hex } from '#shared/bytes/bytes.ts';
import { LocalError } from '#shared/errors.ts';
import type { Handle } from '#shared/node/input.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import type { ClientEvent } from '#web/api.ts';
import { Conversations } from '#web/core/conversation/conversations.ts';
import type { Envelope } from '#web/core/conversation/content.ts';
import { FELLOW, type FileFrame } from '#web/core/conversation/frames.ts';
import type { Message } from '#web/core/conversation/records.ts';
import type { Session, SessionEvent } from '#web/core/conversation/session.ts';
import { Reestablish } from '#web/core/conversation/reestablish.ts';
import type { Talk } from '#web/core/conversation/talk.ts';
import { Unsent } from '#web/core/conversation/unsent.ts';
import type { Feature, FeatureEnv } from '#web/core/feature.ts';
import { Files } from '#web/core/files/files.ts';
import { GroupFeature } from '#web/core/groups/feature.ts';
import { FirstBoxes, ofHandle } from '#web/core/mail/first-boxes.ts';
import { MailFeature } from '#web/core/mail/mail.ts';
import type { Host } from '#web/core/host.ts';
import { Contacts } from '#web/core/contacts/contacts.ts';
import { Doors } from '#web/core/contacts/doors.ts';
import { HandleKeeper } from '#web/core/contacts/handle.ts';
import { Introductions } from '#web/core/contacts/introductions.ts';
import { Invites } from '#web/core/contacts/invites.ts';
import { Profiles } from '#web/core/contacts/profiles.ts';
import { Standing } from '#web/core/contacts/standing.ts';
import type { Network } from '#web/core/network.ts';
import type { Profile, User } from '#web/core/profile.ts';
import { Publisher, type Pay } from '#web/core/publisher.ts';
import type { Reach } from '#web/core/reach.ts';
import type { Change, Store } from '#web/core/store/ports.ts';
import { Ways, type Served } from '#web/core/ways.ts';

type Env = {
  store: Store;
  ports: Host['ports'];
  network: Network;
  pay: Pay;
  profile: Profile;
  /** Where invite links lead. */
  origin: string;
  /** A channel is known to serve a conversation, over one of this client's circuits. */
  bound(channel: Handle, conversation: string): void;
  changed(): void;
  emit(event: SessionEvent): void;
  tell(event: ClientEvent): void;
};

/** Makes the features, the same in each client. */
const featuresOf = (env: FeatureEnv): Feature[] => [new Reestablish(env)];

/** What a user with an address does: receives at inboxes, invites, and holds conversations over channels. */
export class Messenger {
  readonly #env: Env;
  readonly invites: Invites;
  readonly contacts: Contacts;
  readonly profiles: Profiles;
  readonly standing: Standing;
  readonly handle: HandleKeeper;
  readonly introductions: Introductions;
  readonly #doors: Doors;
  readonly #ways: Ways;
  readonly #conversations: Conversations;
  readonly #features: Feature[];
  readonly files: Files;
  readonly mail: MailFeature;
  readonly unsent: Unsent;
  readonly groups: GroupFeature;

  private constructor(
    env: Env,
    user: User,
    { invites, contacts, handle }: { invites: Invites; contacts: Contacts; handle: HandleKeeper },
    conversations: Conversations,
    boxes: Pick<FeatureEnv, 'firstBoxes' | 'handleBoxes'>,
  ) {
    this.#env = env;
    this.invites = invites;
    this.contacts = contacts;
    this.handle = handle;
    this.#conversations = conversations;
    const { pay, profile, ports, network } = env;
    const { firstBoxes } = boxes;
    const publisher = new Publisher({ pay, profile, user, ports, firstBoxes });
    const open = (count: number): void => network.command({ type: 'open-inboxes', count });
    this.#doors = new Doors({ publisher, handle, open });
    this.#ways = this.#waysOf();
    this.introductions = this.#introductionsOf(user);
    const featureEnv = { ...this.#featureEnv(user), ...boxes };
    this.mail = new MailFeature(featureEnv);
    this.files = Files.over(featureEnv, (id) => this.groups.groups.get(id));
    this.unsent = new Unsent(featureEnv);
    this.groups = this.#groupsOf(featureEnv);
    this.profiles = new Profiles({ ...featureEnv, contacts });
    this.standing = new Standing({
      ...{ ...featureEnv, contacts, profiles: this.profiles },
      open: (session) => void this.#ways.open(session),
      shut: (conversation) => void this.#ways.shut(conversation),
      erase: (conversation, extra) => this.#erase(conversation, extra),
      inviteOne: () => this.introductions.inviteOne(),
      move: (conversation, invite) => void this.introductions.move(conversation, invite),
    });
    this.#features = [
      this.files,
      this.mail,
      this.groups,
      this.unsent,
      this.profiles,
      this.standing,
      ...featuresOf(featureEnv),
    ];
  }

  async #begin(): Promise<void> {
    for (const each of this.#features) await each.load?.();
    for (const session of this.#conversations.list()) this.#ways.begun(session);
    for (const group of this.groups.list()) this.files.begun(group);
    this.#doors.begin();
  }

  /** Rejects with LocalError `storage`. */
  static async open(env: Env, user: User): Promise<Messenger> {
    const { store, ports, network, profile } = env;
    const { rng, now } = ports;
    const invites = await Invites.load(store, now());
    const contacts = await Contacts.load(store);
    const firstBoxes = await FirstBoxes.load(store, rng);
    const handleBoxes = await FirstBoxes.load(store, rng, ofHandle);
    const made: { messenger?: Messenger } = {};
    const handle = await HandleKeeper.load({
      ...{ store, ports, network, pay: env.pay, boxes: handleBoxes },
      changed: () => made.messenger?.onHandle(),
    });
    const conversations = await Conversations.load({
      store,
      rng,
      now,
      identity: user.identity,
      keyPackages: () => profile.keyPackages,
      contacts,
      holds: (conversation) => contacts.holds(conversation),
      redeem: (token, alias, contact) => {
        if (alias) return handle.redeem(token);
        return equal(token, FELLOW) ? made.messenger?.groups.redeem(contact) : invites.redeem(token, now());
      },
      alias: () => handle.alias,
      send: (channel, frame) => network.command({ type: 'channel-send', channel, data: frame }),
      timer: ports.timer,
      keep: (contact, envelope) => made.messenger?.keep(contact, envelope) ?? [],
      drop: (message) => made.messenger?.drop(message) ?? [],
      receipts: () => profile.settings.readReceipts,
      emit: (event) => made.messenger?.onSession(event),
      file: (conversation, channel, frame) => made.messenger?.onFile(conversation, channel, frame),
    });
    const boxes = { firstBoxes, handleBoxes };
    made.messenger = new Messenger(env, user, { invites, contacts, handle }, conversations, boxes);
    await made.messenger.#begin();
    return made.messenger;
  }

  sessions(): Session[] {
    return this.#conversations.list();
  }

  /** Throws LocalError `unknown-conversation`. */
  session(id: string): Session {
    const session = this.#conversations.get(id);
    if (!session) throw new LocalError('unknown-conversation');
    return session;
  }

  /** Conversations of every kind. */
  talks(): Talk[] {
    return [...this.sessions(), ...this.groups.list()];
  }

  /** By conversation id. Throws LocalError `unknown-conversation`. */
  talk(id: string): Talk {
    const talk = this.talks().find((each) => each.id === id);
    if (!talk) throw new LocalError('unknown-conversation');
    return talk;
  }

  reach(id: string): Reach | undefined {
    return this.#ways.reach(id);
  }

  /** The conversations that a circuit of this client's serves, or soon will. */
  servedBy(circuit: Handle): Served[] {
    return this.#ways.servedBy(circuit);
  }

  /** There is a handle, or none any more. */
  onHandle(): void {
    this.#doors.update();
    this.#env.changed();
  }

  /** What the features make of what a contact said. */
  keep(contact: Uint8Array, envelope: Envelope): Change[] {
    if (!this.#heeds(hex(contact), envelope)) return [];
    return this.#features.flatMap((each) => each.keep?.(contact, envelope) ?? []);
  }

  /** Who waits to be let in makes no groups with this user in them. */
  #heeds(conversation: string, { content }: Envelope): boolean {
    return content.type !== 'group' || this.contacts.holds(conversation) !== 'everything';
  }

  /** What the features remove with a message that had a file. */
  drop(message: Message): Change[] {
    return this.#features.flatMap((each) => each.drop?.(message) ?? []);
  }

  onSession(event: SessionEvent): void {
    if (event.type === 'taken' && this.#heeds(event.conversation, event.envelope))
      for (const each of this.#features) each.taken?.(event.conversation, event.envelope);
    for (const each of this.#features) each.told?.(event);
    this.#env.emit(event);
  }

  /** Throws what a feature throws at it. */
  onFile(conversation: string, channel: Handle, frame: FileFrame): void {
    for (const each of this.#features) each.frame?.(conversation, channel, frame);
  }

  onNode(event: NodeEvent): void {
    if (event.type === 'inboxes') this.#doors.update(event.inboxes);
    else if (event.type === 'channel-incoming') this.#ways.incoming(event.channel, event.circuit);
    else if (event.type === 'channel-message') void this.#ways.message(event.channel, event.data);
    else if (event.type === 'channel-closed') void this.#ways.closed(event.channel, event.code);
    else if (event.type === 'mail') for (const each of this.#features) each.mail?.(event.mailbox);
  }

  /** Takes back what the directory keeps for this user, as far as it can be: for when there is no user any more. Rejects with RemoteError. */
  async withdraw(): Promise<void> {
    const features = this.#features.map((each) => each.withdraw?.());
    await Promise.all([this.#doors.withdraw(), ...features]);
  }

  stop(): void {
    for (const each of this.#features) each.stop?.();
    this.introductions.stop();
    this.#doors.stop();
    this.#conversations.stop();
    this.#ways.stop();
  }

  #featureEnv(user: User): Omit<FeatureEnv, 'firstBoxes' | 'handleBoxes'> {
    const { store, ports, network, pay, profile, changed, tell } = this.#env;
    return {
      ...{ store, ports, network, pay, profile, user, changed, tell },
      receive: (frame) => this.#ways.mail(frame),
      sessions: () => this.sessions(),
      session: (id) => this.#conversations.get(id),
      holds: (id) => this.contacts.holds(id),
      restart: (id, keyPackage) => this.#conversations.restart(id, keyPackage, profile.settings.name),
      poke: (id) => this.#ways.reach(id)?.poke(),
    };
  }

  #waysOf(): Ways {
    const { ports, network, profile, bound, changed } = this.#env;
    return new Ways({
      ...{ ports, network, conversations: this.#conversations, bound, changed },
      features: () => this.#features,
      self: () => profile.id ?? '',
      holds: (id) => this.contacts.holds(id),
      blocked: (id) => this.contacts.blocked(id),
    });
  }

  #groupsOf(env: FeatureEnv): GroupFeature {
    const ownName = (): string => env.profile.settings.name;
    return new GroupFeature({
      ...{ ...env, contacts: this.contacts },
      begin: async ({ address: contact, name }, keyPackage) => {
        const fellow = { contact, name, token: FELLOW, keyPackage, ownName: ownName(), fellow: true };
        this.#ways.begun(await this.#conversations.start(fellow));
      },
      keep: (group, envelope) => this.files.keep(group, envelope),
      taken: (group, envelope) => this.files.taken(group, envelope),
      drop: (message) => this.drop(message),
      emit: (event) => {
        this.files.told(event);
        this.#env.emit(event);
      },
    });
  }

  #introductionsOf(user: User): Introductions {
    const { ports, network, profile, origin, changed } = this.#env;
    const { invites, contacts, handle } = this;
    return new Introductions({
      ...{ ports, network, profile, user, origin, invites, contacts, handle },
      conversations: this.#conversations,
      standing: () => this.standing,
      begun: (session) => this.#ways.begun(session)?.poke(),
      moved: (from, to) => {
        this.#ways.shut(from);
        this.#ways.open(to);
        changed();
      },
      ended: (id) => this.#ended(id),
    });
  }

  #ended(id: string): Change[] {
    return this.#features.flatMap((each) => each.ended?.(id) ?? []);
  }

  async #erase(id: string, extra: () => readonly Change[]): Promise<void> {
    await this.#conversations.remove(id, () => [...extra(), ...this.#ended(id)]);
  }
}
