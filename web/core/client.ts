import { Driver, type Ports } from '#shared/driver/driver.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { Input } from '#shared/node/input.ts';
import { makeNodeKeys, withNodeKey } from '#shared/node/keys.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent, TraceEvent } from '#shared/node/output.ts';
import { encodeAddress } from '#shared/rendezvous/address.ts';
import { nodeId, type NodeId } from '#shared/units.ts';
import { unhex } from '#shared/bytes/bytes.ts';
import type { ClientApi, ClientEvent, ClientState, MessageView } from '#web/api.ts';
import { Contribution } from '#web/core/contribution/contribution.ts';
import { MAX_NAME } from '#web/core/conversation/content.ts';
import type { SessionEvent } from '#web/core/conversation/session.ts';
import type { Host, HostFactory } from '#web/core/host.ts';
import { previewOf, readInvite } from '#web/core/invites.ts';
import { Messenger } from '#web/core/messenger.ts';
import { Network } from '#web/core/network.ts';
import { Profile, SESSION_MARK_MS } from '#web/core/profile.ts';
import type { ProverWorker } from '#web/core/prover.ts';
import type { Store } from '#web/core/store/ports.ts';
import { Watch } from '#web/core/watch.ts';

export type ClientOptions = {
  store: Store;
  host: HostFactory;
  /** Where invite links lead. */
  origin: string;
  headless?: boolean;
  /** Starts what makes one proof of contribution; without it this client proves nothing. */
  prover?: () => ProverWorker;
  /** Told of every cell on every link, for tests. */
  trace?: (trace: TraceEvent) => void;
};

type Loaded = { profile: Profile; keys: NodeKeys; host: Host; records: [string, Uint8Array][] };

/** The client core: one user and one node behind `ClientApi`, in a worker or in Node. */
export class Client implements ClientApi {
  readonly #options: ClientOptions;
  readonly #host: Host;
  readonly #driver: Driver;
  readonly #network: Network;
  readonly #profile: Profile;
  readonly #watch: Watch;
  readonly #contribution: Contribution;
  readonly #listeners = new Set<(event: ClientEvent) => void>();
  #messenger: Messenger | undefined;
  #cancelMark: (() => void) | undefined;
  #stopped = false;

  private constructor(options: ClientOptions, { profile, keys, host, records }: Loaded) {
    this.#options = options;
    this.#profile = profile;
    this.#host = host;
    const { rng, now } = host.ports;
    const { trace, headless = false } = options;
    const { guards } = profile;
    const role = 'node';
    const node = new Node({ keys, rng, now: now(), role, headless, guards, trace: trace !== undefined });
    const event = (each: NodeEvent): void => this.#onNode(each);
    const ticket: Ports['ticket'] = (job, exit, tag) => this.#ticket(job, exit, tag);
    this.#driver = new Driver(node, { ...host.ports, event, ticket, ...(trace && { trace }) });
    this.#network = new Network(() => this.#driver);
    this.#contribution = new Contribution({
      ...{ records, store: options.store, ports: host.ports, network: this.#network, prover: options.prover },
      node: keys.id,
      relaying: () => profile.settings.relaying,
      carried: () => ({ now: node.carried, total: node.carriedInAll }),
      changed: () => this.#watch.changed(),
    });
    this.#watch = new Watch({
      node,
      ports: host.ports,
      self: () => (profile.settings.relaying ? keys.id : undefined),
      avoided: () => profile.settings.avoided,
      messenger: () => this.#messenger,
      helping: () => this.#contribution.view(),
      emit: (each) => this.#emit(each),
    });
  }

  /** Loads what the store holds, and joins the network. Rejects with LocalError `storage`. */
  static async open(options: ClientOptions): Promise<Client> {
    let give: (input: Input) => void = () => undefined;
    const host = options.host((input) => give(input));
    const { rng, now } = host.ports;
    const profile = await Profile.load(options.store, rng);
    const keys = withNodeKey(makeNodeKeys(rng), await profile.session(now()));
    const records = await options.store.all('contribution');
    const client = new Client(options, { profile, keys, host, records });
    give = (input) => client.#driver.input(input);
    await client.#begin();
    return client;
  }

  subscribe(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  state(): Promise<ClientState> {
    const { relaying } = this.#profile.settings;
    return Promise.resolve({
      profile: this.#profileView(),
      settings: { relaying },
      ...this.#watch.state(),
      conversations: this.#watch.conversations(),
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
    await Promise.all(
      this.#messenger
        ?.sessions()
        .map((session) => session.tell({ type: 'profile', name, record: undefined })) ?? [],
    );
  }

  async setRelaying(on: boolean): Promise<void> {
    await this.#profile.set({ relaying: on });
    this.#network.command({ type: 'relay', on });
    this.#contribution.switched();
    this.#emit({ type: 'settings', settings: { relaying: on } });
    this.#watch.nodesChanged();
  }

  async createInvite(): ReturnType<ClientApi['createInvite']> {
    const { user, settings } = this.#profile;
    if (!user) throw new LocalError('not-started', 'start first: an invite names you');
    return this.#started().invite(user, settings.name);
  }

  async previewInvite(link: string): ReturnType<ClientApi['previewInvite']> {
    const invite = readInvite(link, this.#host.ports.now());
    if (this.#profile.isSelf(invite.address)) throw new LocalError('bad-invite', 'this invite is your own');
    return Promise.resolve(previewOf(invite));
  }

  async acceptInvite(link: string): Promise<string> {
    const messenger = this.#started();
    await this.previewInvite(link);
    return (await messenger.accept(link)).id;
  }

  async messages(conversation: string): Promise<MessageView[]> {
    const messages = this.#started().session(conversation).messages();
    return Promise.resolve(messages.map((message) => this.#watch.explain(message)));
  }

  async send(conversation: string, text: string): Promise<MessageView> {
    const messenger = this.#started();
    const message = await messenger.session(conversation).send(text);
    messenger.reach(conversation)?.poke();
    return this.#watch.explain(message);
  }

  async retry(message: string): Promise<void> {
    const messenger = this.#started();
    const holds = (id: string): boolean =>
      messenger
        .session(id)
        .messages()
        .some((each) => each.id === message);
    const session = messenger.sessions().find(({ id }) => holds(id));
    if (!session) throw new LocalError('not-found', 'no such message');
    await session.retry(message);
    messenger.reach(session.id)?.poke();
  }

  async markRead(conversation: string): Promise<void> {
    await this.#started().session(conversation).markRead();
  }

  async newCircuit(conversation: string): Promise<void> {
    const messenger = this.#started();
    messenger.session(conversation);
    await messenger.reach(conversation)?.renew();
  }

  async connect(node: string): Promise<void> {
    this.#network.command({ type: 'link', node: asNode(node) });
    return Promise.resolve();
  }

  async disconnect(node: string): Promise<void> {
    this.#network.command({ type: 'unlink', node: asNode(node) });
    return Promise.resolve();
  }

  async avoid(node: string, on: boolean): Promise<void> {
    const id = asNode(node);
    const others = this.#profile.settings.avoided.filter((each) => each !== id);
    const avoided = on ? [...others, id] : others;
    await this.#profile.set({ avoided });
    this.#network.command({ type: 'avoid', nodes: avoided });
    this.#watch.nodesChanged();
  }

  stop(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    this.#stopped = true;
    this.#messenger?.stop();
    this.#cancelMark?.();
    this.#contribution.stop();
    this.#watch.stop();
    this.#network.command({ type: 'stop' });
    this.#network.stop();
    this.#driver.stop();
    this.#host.stop();
    return Promise.resolve();
  }

  async #begin(): Promise<void> {
    const { relaying, avoided } = this.#profile.settings;
    if (avoided.length > 0) this.#network.command({ type: 'avoid', nodes: avoided });
    this.#network.command({ type: 'relay', on: relaying });
    this.#network.command({ type: 'start' });
    this.#markSession();
    await this.#openUser();
  }

  #markSession(): void {
    this.#cancelMark = this.#host.ports.timer(SESSION_MARK_MS, () => {
      void this.#profile.markSession(this.#host.ports.now()).catch(() => undefined);
      this.#markSession();
    });
  }

  async #openUser(): Promise<void> {
    const { user } = this.#profile;
    if (!user || this.#messenger) return;
    const env = {
      store: this.#options.store,
      ports: this.#host.ports,
      network: this.#network,
      pay: this.#contribution.pay.bind(this.#contribution),
      profile: this.#profile,
      origin: this.#options.origin,
      bound: (_: number, conversation: string) => this.#watch.found(conversation),
      changed: () => this.#watch.conversationChanged(),
      emit: (event: SessionEvent) => this.#onSession(event),
    };
    this.#messenger = await Messenger.open(env, user);
    this.#watch.conversationChanged();
  }

  #onNode(event: NodeEvent): void {
    if (this.#stopped || this.#network.onEvent(event)) return;
    this.#contribution.onNode(event);
    switch (event.type) {
      case 'consensus':
        return this.#watch.knows(event.consensus);
      case 'changed':
      case 'registered':
        return this.#watch.changed();
      case 'guards':
        return void this.#profile.keepGuards(event.guards).catch(() => undefined);
      case 'circuit-failed':
        return this.#watch.failed(event);
      case 'alarm':
        return this.#emit({ type: 'alarm', code: event.code });
      case 'fault':
        // A fault of this program, for whoever looks at the console; it holds no content.
        return void console.error(event.error);
      default:
        return this.#messenger?.onNode(event);
    }
  }

  #ticket(job: number, exit: NodeId, tag: Uint8Array): void {
    void this.#contribution.ticket(exit, tag).then((presentation) => {
      this.#driver.input({ type: 'ticketed', job, presentation });
    });
  }

  #onSession(event: SessionEvent): void {
    if (event.type === 'message')
      this.#emit({ type: 'message', message: this.#watch.explain(event.message) });
    else this.#watch.conversationChanged();
  }

  /** Throws LocalError `not-started`. */
  #started(): Messenger {
    if (!this.#messenger) throw new LocalError('not-started', 'start first');
    return this.#messenger;
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

/** Throws LocalError `not-found` on what is no node id. */
const asNode = (node: string): NodeId => {
  try {
    return nodeId(unhex(node));
  } catch (error) {
    if (error instanceof RemoteError) throw new LocalError('not-found', 'no such node');
    throw error;
  }
};
