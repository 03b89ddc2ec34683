import { hex } from '#shared/bytes/bytes.ts';
import { LocalError, RemoteError, codeOf, type Code } from '#shared/errors.ts';
import type { Handle } from '#shared/node/input.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import type { Millis } from '#shared/units.ts';
import type { InviteView } from '#web/api.ts';
import { Conversations } from '#web/core/conversation/conversations.ts';
import type { Session, SessionEvent } from '#web/core/conversation/session.ts';
import type { Host } from '#web/core/host.ts';
import { Invites, readInvite } from '#web/core/invites.ts';
import type { Network } from '#web/core/network.ts';
import type { Profile, User } from '#web/core/profile.ts';
import { Publisher, lookUp, type Pay } from '#web/core/publisher.ts';
import { Reach } from '#web/core/reach.ts';
import type { Store } from '#web/core/store/ports.ts';

/** An address has this many inboxes, so that one exit's end is no silence. */
const INBOXES = 2;

/** Messages that come close together are acknowledged together. */
const ACK_MS: Millis = 20;

const LOOKUP_TRIES = 5;
const LOOKUP_PAUSE_MS: Millis = 1500;

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
};

/** A conversation that a circuit serves. `since` is undefined while that is on its way to the contact. */
export type Served = { conversation: string; since: Millis | undefined };

type Channel = { circuit: Handle; conversation?: string; since?: Millis };

/** What a user with an address does: receives at inboxes, invites, and holds conversations over channels. */
export class Messenger {
  readonly #env: Env;
  readonly #invites: Invites;
  readonly #publisher: Publisher;
  readonly #conversations: Conversations;
  readonly #reaches = new Map<string, Reach>();
  /** Which of this client's circuits carries a channel, and whose it is once that is known. */
  readonly #channels = new Map<Handle, Channel>();
  /** The circuit that is on its way to a contact, by conversation. */
  readonly #building = new Map<string, Handle>();
  readonly #acks = new Map<string, () => void>();

  private constructor(env: Env, user: User, invites: Invites, conversations: Conversations) {
    this.#env = env;
    this.#invites = invites;
    this.#conversations = conversations;
    this.#publisher = new Publisher(env.pay, env.profile, user, env.ports);
    for (const session of conversations.list()) this.#reach(session);
    env.network.command({ type: 'open-inboxes', count: INBOXES });
  }

  /** Rejects with LocalError `storage`. */
  static async open(env: Env, user: User): Promise<Messenger> {
    const { store, ports, network, profile } = env;
    const { rng, now } = ports;
    const invites = await Invites.load(store, now());
    const conversations = await Conversations.load({
      store,
      rng,
      now,
      identity: user.identity,
      keyPackages: () => profile.keyPackages,
      redeem: (token) => invites.redeem(token, now()),
      send: (channel, frame) => network.command({ type: 'channel-send', channel, data: frame }),
      keep: () => [],
      emit: env.emit,
    });
    return new Messenger(env, user, invites, conversations);
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

  reach(id: string): Reach | undefined {
    return this.#reaches.get(id);
  }

  /** The conversations that a circuit of this client's serves, or soon will. */
  servedBy(circuit: Handle): Served[] {
    const served = new Map<string, Millis | undefined>();
    for (const [conversation, building] of this.#building) {
      if (building === circuit) served.set(conversation, undefined);
    }
    for (const channel of this.#channels.values()) {
      if (channel.circuit === circuit && channel.conversation !== undefined) {
        served.set(channel.conversation, channel.since);
      }
    }
    return [...served].map(([conversation, since]) => ({ conversation, since }));
  }

  invite(user: User, name: string): Promise<InviteView> {
    const { rng, now } = this.#env.ports;
    return this.#invites.create(this.#env.origin, { address: user.address.public, name }, rng, now());
  }

  /** Throws what `readInvite` and the look-up throw. */
  async accept(link: string): Promise<Session> {
    const { address: contact, token, name } = readInvite(link, this.#env.ports.now());
    const known = this.#conversations.get(hex(contact));
    if (known && !known.waiting) return known;
    const { keyPackage } = await this.#find(contact);
    const ownName = this.#env.profile.settings.name;
    const session = await this.#conversations.start({ contact, name, token, keyPackage, ownName });
    for (const { id, mine, state } of session.messages())
      if (mine && state === 'failed') await session.retry(id);
    this.#reach(session).poke();
    return session;
  }

  onNode(event: NodeEvent): void {
    if (event.type === 'inboxes') this.#publisher.update(event.inboxes);
    else if (event.type === 'channel-incoming') this.#channels.set(event.channel, { circuit: event.circuit });
    else if (event.type === 'channel-message') void this.#onMessage(event.channel, event.data);
    else if (event.type === 'channel-closed') void this.#onClosed(event.channel, event.code);
  }

  stop(): void {
    this.#publisher.stop();
    for (const reach of this.#reaches.values()) reach.stop();
    for (const cancel of this.#acks.values()) cancel();
  }

  #reach(session: Session): Reach {
    const known = this.#reaches.get(session.id);
    if (known) return known;
    const reach = new Reach({
      ports: this.#env.ports,
      network: this.#env.network,
      first: session.waiting || (this.#env.profile.id ?? '') < session.id,
      contact: session.contact,
      building: (circuit) => {
        this.#building.set(session.id, circuit);
        this.#env.changed();
      },
      opened: async ({ channel, circuit }) => {
        this.#building.delete(session.id);
        this.#channels.set(channel, { circuit });
        this.#bind(channel, session.id);
        await this.#conversations.opened(session.id, channel);
      },
      changed: () => this.#env.changed(),
    });
    this.#reaches.set(session.id, reach);
    return reach;
  }

  #bind(channel: Handle, conversation: string): void {
    const known = this.#channels.get(channel);
    if (!known || known.conversation === conversation) return;
    known.conversation = conversation;
    known.since = this.#env.ports.now();
    this.#env.bound(channel, conversation);
  }

  async #find(contact: Uint8Array): ReturnType<typeof lookUp> {
    const { network, ports } = this.#env;
    for (let left = LOOKUP_TRIES; ; left--) {
      try {
        return await lookUp(network, contact, ports.now());
      } catch (error) {
        if (left === 1) {
          throw new RemoteError(codeOf(error), 'your contact could not be found: try again in a moment');
        }
        await new Promise<void>((done) => ports.timer(LOOKUP_PAUSE_MS, done));
      }
    }
  }

  async #onMessage(channel: Handle, data: Uint8Array): Promise<void> {
    const { network } = this.#env;
    try {
      const session = await this.#conversations.receive(channel, data);
      if (!this.#channels.has(channel)) return;
      network.command({ type: 'channel-trust', channel });
      this.#bind(channel, session.id);
      this.#reach(session).joined(channel);
      if (session.acksDue) this.#ackSoon(session);
    } catch (error) {
      if (codeOf(error) === 'internal') console.error(error);
      network.command({ type: 'channel-close', channel, code: codeOf(error) });
    }
  }

  async #onClosed(channel: Handle, code: Code): Promise<void> {
    const { conversation } = this.#channels.get(channel) ?? {};
    this.#channels.delete(channel);
    this.#env.changed();
    for (const reach of this.#reaches.values()) reach.closed(channel);
    await this.#conversations.closed(channel);
    const session = conversation === undefined ? undefined : this.#conversations.get(conversation);
    // The contact has no such invite open (any more): trying again would not help.
    if (!session?.waiting || code !== 'bad-invite') return;
    this.#reaches.get(session.id)?.rest();
    await session.fail(code);
  }

  #ackSoon(session: Session): void {
    if (this.#acks.has(session.id)) return;
    const cancel = this.#env.ports.timer(ACK_MS, () => {
      this.#acks.delete(session.id);
      void session.flushAcks();
    });
    this.#acks.set(session.id, cancel);
  }
}
