import { hex } from '#shared/bytes/bytes.ts';
import type { Consensus } from '#shared/directory/consensus.ts';
import { Driver } from '#shared/driver/driver.ts';
import { LocalError, RemoteError, codeOf, type Code } from '#shared/errors.ts';
import type { Handle, Input } from '#shared/node/input.ts';
import { makeNodeKeys } from '#shared/node/keys.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent, TraceEvent } from '#shared/node/output.ts';
import { encodeAddress } from '#shared/rendezvous/address.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { ClientApi, ClientEvent, ClientState, MessageView } from '#web/api.ts';
import { Conversations } from '#web/core/conversation/conversations.ts';
import { MAX_NAME } from '#web/core/conversation/frames.ts';
import type { Session, SessionEvent } from '#web/core/conversation/session.ts';
import type { Host, HostFactory } from '#web/core/host.ts';
import { Invites, previewOf, readInvite } from '#web/core/invites.ts';
import { Network } from '#web/core/network.ts';
import { Profile } from '#web/core/profile.ts';
import { Publisher, lookUp } from '#web/core/publisher.ts';
import { Reach } from '#web/core/reach.ts';
import type { Store } from '#web/core/store/ports.ts';
import { Watch } from '#web/core/watch.ts';

/** An address has this many inboxes, so that one exit's end is no silence. */
const INBOXES = 2;

/** Messages that come close together are acknowledged together. */
const ACK_MS: Millis = 20;

const LOOKUP_TRIES = 5;
const LOOKUP_PAUSE_MS: Millis = 1500;

export type ClientOptions = {
  store: Store;
  host: HostFactory;
  /** Where invite links lead. */
  origin: string;
  headless?: boolean;
  /** Told of every cell on every link, for tests. */
  trace?: (trace: TraceEvent) => void;
};

type Loaded = { profile: Profile; invites: Invites; keys: NodeKeys; host: Host };

/** The client core: one user and one node behind `ClientApi`, in a worker or in Node. */
export class Client implements ClientApi {
  readonly #options: ClientOptions;
  readonly #host: Host;
  readonly #driver: Driver;
  readonly #network: Network;
  readonly #profile: Profile;
  readonly #invites: Invites;
  readonly #publisher: Publisher;
  readonly #watch: Watch;
  readonly #reaches = new Map<string, Reach>();
  readonly #circuits = new Map<Handle, Handle>();
  readonly #acks = new Map<string, () => void>();
  readonly #listeners = new Set<(event: ClientEvent) => void>();
  #conversations: Conversations | undefined;
  #stopped = false;

  private constructor(options: ClientOptions, { profile, invites, keys, host }: Loaded) {
    this.#options = options;
    this.#profile = profile;
    this.#invites = invites;
    this.#host = host;
    const { rng, now } = host.ports;
    const { trace, headless = false } = options;
    const { guards } = profile;
    const role = 'node';
    const node = new Node({ keys, rng, now: now(), role, headless, guards, trace: trace !== undefined });
    const event = (each: NodeEvent): void => this.#onNode(each);
    this.#driver = new Driver(node, { ...host.ports, event, ...(trace && { trace }) });
    this.#network = new Network(() => this.#driver);
    this.#publisher = new Publisher(this.#network, profile, host.ports);
    this.#watch = new Watch({
      node,
      ports: host.ports,
      self: () => (profile.settings.relaying ? keys.id : undefined),
      avoided: () => profile.settings.avoided,
      conversations: () => this.#conversations?.list() ?? [],
      reach: (id) => this.#reaches.get(id),
      circuitOf: (channel) => this.#circuits.get(channel),
      emit: (event) => this.#emit(event),
    });
  }

  /** Loads what the store holds, and joins the network. Rejects with LocalError `storage`. */
  static async open(options: ClientOptions): Promise<Client> {
    let give: (input: Input) => void = () => undefined;
    const host = options.host((input) => give(input));
    const { rng, now } = host.ports;
    const profile = await Profile.load(options.store, rng);
    const invites = await Invites.load(options.store, now());
    const keys = makeNodeKeys(rng);
    const client = new Client(options, { profile, invites, keys, host });
    give = (input) => client.#driver.input(input);
    await client.#begin();
    return client;
  }

  subscribe(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  state(): Promise<ClientState> {
    const { settings, user } = this.#profile;
    return Promise.resolve({
      profile: this.#profileView(),
      settings: { relaying: settings.relaying },
      ...this.#watch.state(),
      conversations: user ? this.#watch.conversations() : [],
    });
  }

  async start({ name }: { name: string }): Promise<void> {
    checkName(name);
    if (this.#profile.user) return;
    await this.#profile.begin(name, this.#host.ports.now());
    await this.#openUser();
    this.#emit({ type: 'profile', profile: this.#profileView() });
  }

  async setName(name: string): Promise<void> {
    checkName(name);
    await this.#profile.set({ name });
    this.#emit({ type: 'profile', profile: this.#profileView() });
    await Promise.all(this.#conversations?.list().map((session) => session.sendProfile(name)) ?? []);
  }

  async setRelaying(on: boolean): Promise<void> {
    await this.#profile.set({ relaying: on });
    this.#network.command({ type: 'relay', on });
    this.#emit({ type: 'settings', settings: { relaying: on } });
    this.#watch.changed();
  }

  createInvite(): ReturnType<ClientApi['createInvite']> {
    const { user, settings } = this.#profile;
    if (!user) return Promise.reject(new LocalError('not-started', 'start first: an invite names you'));
    const { rng, now } = this.#host.ports;
    const own = { address: user.address.public, name: settings.name };
    return this.#invites.create(this.#options.origin, own, rng, now());
  }

  async previewInvite(link: string): ReturnType<ClientApi['previewInvite']> {
    const invite = readInvite(link, this.#host.ports.now());
    if (this.#profile.isSelf(invite.address)) throw new LocalError('bad-invite', 'this invite is your own');
    return Promise.resolve(previewOf(invite));
  }

  async acceptInvite(link: string): Promise<string> {
    const conversations = this.#started();
    await this.previewInvite(link);
    const { address: contact, token, name } = readInvite(link, this.#host.ports.now());
    const known = conversations.get(hex(contact));
    if (known) return known.id;
    const { keyPackage } = await this.#find(contact);
    const ownName = this.#profile.settings.name;
    const session = await conversations.start({ contact, name, token, keyPackage, ownName });
    this.#reach(session);
    return session.id;
  }

  messages(conversation: string): Promise<MessageView[]> {
    const session = this.#session(conversation);
    return Promise.resolve(session.messages().map((message) => this.#watch.explain(message)));
  }

  async send(conversation: string, text: string): Promise<MessageView> {
    const session = this.#session(conversation);
    const message = await session.send(text);
    this.#reaches.get(conversation)?.poke();
    return this.#watch.explain(message);
  }

  async retry(message: string): Promise<void> {
    const session = this.#conversations
      ?.list()
      .find((each) => each.messages().some(({ id }) => id === message));
    if (!session) throw new LocalError('not-found', 'no such message');
    await session.retry(message);
    this.#reaches.get(session.id)?.poke();
  }

  async markRead(conversation: string): Promise<void> {
    await this.#session(conversation).markRead();
  }

  async newCircuit(conversation: string): Promise<void> {
    this.#session(conversation);
    await this.#reaches.get(conversation)?.renew();
  }

  connect(node: string): Promise<void> {
    this.#network.command({ type: 'link', node: node as NodeId });
    return Promise.resolve();
  }

  disconnect(node: string): Promise<void> {
    this.#network.command({ type: 'unlink', node: node as NodeId });
    return Promise.resolve();
  }

  async avoid(node: string, on: boolean): Promise<void> {
    const others = this.#profile.settings.avoided.filter((each) => each !== node);
    const avoided = on ? [...others, node as NodeId] : others;
    await this.#profile.set({ avoided });
    this.#network.command({ type: 'avoid', nodes: avoided });
    this.#watch.nodesChanged();
  }

  stop(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    this.#stopped = true;
    this.#publisher.stop();
    this.#watch.stop();
    for (const reach of this.#reaches.values()) reach.stop();
    for (const cancel of this.#acks.values()) cancel();
    this.#network.command({ type: 'stop' });
    this.#network.stop();
    this.#driver.stop();
    this.#host.stop();
    return Promise.resolve();
  }

  async #begin(): Promise<void> {
    const { settings, user } = this.#profile;
    if (settings.avoided.length > 0) this.#network.command({ type: 'avoid', nodes: settings.avoided });
    this.#network.command({ type: 'relay', on: settings.relaying });
    this.#network.command({ type: 'start' });
    if (user) await this.#openUser();
  }

  async #openUser(): Promise<void> {
    const { user } = this.#profile;
    if (!user || this.#conversations) return;
    const { rng, now } = this.#host.ports;
    this.#conversations = await Conversations.load({
      store: this.#options.store,
      rng,
      now,
      identity: user.identity,
      keyPackages: () => this.#profile.keyPackages,
      redeem: (token) => this.#invites.redeem(token, now()),
      send: (channel, frame) => this.#network.command({ type: 'channel-send', channel, data: frame }),
      emit: (event) => this.#onSession(event),
    });
    for (const session of this.#conversations.list()) this.#reach(session);
    this.#network.command({ type: 'open-inboxes', count: INBOXES });
  }

  #reach(session: Session): Reach {
    const known = this.#reaches.get(session.id);
    if (known) return known;
    const reach = new Reach({
      ports: this.#host.ports,
      network: this.#network,
      first: session.waiting || (this.#profile.id ?? '') < session.id,
      contact: session.contact,
      opened: async ({ channel, circuit }) => {
        this.#circuits.set(channel, circuit);
        this.#watch.bind(channel, session.id);
        await this.#conversations?.opened(session.id, channel);
      },
      changed: () => this.#watch.conversationChanged(),
    });
    this.#reaches.set(session.id, reach);
    return reach;
  }

  async #find(contact: Uint8Array): ReturnType<typeof lookUp> {
    for (let left = LOOKUP_TRIES; ; left--) {
      try {
        return await lookUp(this.#network, contact, this.#host.ports.now());
      } catch (error) {
        if (left > 1) await this.#pause(LOOKUP_PAUSE_MS);
        else throw new RemoteError(codeOf(error), 'your contact could not be found: try again in a moment');
      }
    }
  }

  #pause(delayMs: Millis): Promise<void> {
    return new Promise((done) => this.#host.ports.timer(delayMs, done));
  }

  #onNode(event: NodeEvent): void {
    if (this.#stopped || this.#network.onEvent(event)) return;
    switch (event.type) {
      case 'consensus':
        return this.#onConsensus(event.consensus);
      case 'changed':
      case 'registered':
        return this.#watch.changed();
      case 'guards':
        return void this.#profile.keepGuards(event.guards).catch(() => undefined);
      case 'inboxes':
        return this.#publisher.update(event.inboxes);
      case 'channel-incoming':
        return void this.#circuits.set(event.channel, event.circuit);
      case 'channel-message':
        return void this.#onMessage(event.channel, event.data);
      case 'channel-closed':
        return void this.#onClosed(event.channel, event.code);
      case 'circuit-failed':
        return this.#watch.failed(event);
      case 'alarm':
        return this.#emit({ type: 'notice', text: `alarm:${event.code}` });
      case 'fault':
        // A fault of this program, for whoever looks at the console; it holds no content.
        return void console.error(event.error);
      default:
        return;
    }
  }

  #onConsensus(consensus: Consensus): void {
    this.#watch.consensus = consensus;
    this.#watch.nodesChanged();
  }

  async #onMessage(channel: Handle, data: Uint8Array): Promise<void> {
    try {
      const session = await this.#conversations?.receive(channel, data);
      if (!session) return;
      this.#network.command({ type: 'channel-trust', channel });
      this.#watch.bind(channel, session.id);
      this.#reach(session).joined(channel);
      if (session.acksDue) this.#ackSoon(session);
    } catch (error) {
      if (codeOf(error) === 'internal') console.error(error);
      this.#network.command({ type: 'channel-close', channel, code: codeOf(error) });
    }
  }

  async #onClosed(channel: Handle, code: Code): Promise<void> {
    const conversation = this.#watch.bound(channel);
    this.#circuits.delete(channel);
    this.#watch.unbind(channel);
    for (const reach of this.#reaches.values()) reach.closed(channel);
    await this.#conversations?.closed(channel);
    const session = conversation === undefined ? undefined : this.#conversations?.get(conversation);
    // The contact has no such invite open (any more): trying again would not help.
    if (!session?.waiting || code !== 'bad-invite') return;
    this.#reaches.get(session.id)?.stop();
    await session.fail(code);
  }

  #ackSoon(session: Session): void {
    if (this.#acks.has(session.id)) return;
    const cancel = this.#host.ports.timer(ACK_MS, () => {
      this.#acks.delete(session.id);
      void session.flushAcks();
    });
    this.#acks.set(session.id, cancel);
  }

  #onSession(event: SessionEvent): void {
    if (event.type === 'message')
      this.#emit({ type: 'message', message: this.#watch.explain(event.message) });
    else this.#watch.conversationChanged();
  }

  #started(): Conversations {
    if (!this.#conversations) throw new LocalError('not-started', 'start first');
    return this.#conversations;
  }

  #session(id: string): Session {
    const session = this.#started().get(id);
    if (!session) throw new LocalError('unknown-conversation');
    return session;
  }

  #profileView(): ClientState['profile'] {
    const { user, settings } = this.#profile;
    const address = user ? encodeAddress(user.address.public) : null;
    return { name: settings.name, address, started: user !== undefined };
  }

  #emit(event: ClientEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

const checkName = (name: string): void => {
  if (new TextEncoder().encode(name).length > MAX_NAME)
    throw new LocalError('too-long', 'use a shorter name');
};
