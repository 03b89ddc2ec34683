import { Driver, type Ports } from '#shared/driver/driver.ts';
import { LocalError } from '#shared/errors.ts';
import type { Input } from '#shared/node/input.ts';
import { makeNodeKeys, withNodeKey } from '#shared/node/keys.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent, TraceEvent } from '#shared/node/output.ts';
import { encodeAddress } from '#shared/rendezvous/address.ts';
import type { NodeId } from '#shared/units.ts';
import type { ClientEvent, ClientState } from '#web/api.ts';
import { Contribution } from '#web/core/contribution/contribution.ts';
import { Relaying } from '#web/core/contribution/relaying.ts';
import type { SessionEvent } from '#web/core/conversation/session.ts';
import type { Host, HostFactory } from '#web/core/host.ts';
import { Keeping } from '#web/core/keeping/keeping.ts';
import { watched } from '#web/core/keeping/watched.ts';
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
  /** Told when nothing of the profile is left in its store. */
  erased?: () => void;
  /** Told of every cell on every link, for tests. */
  trace?: (trace: TraceEvent) => void;
};

type Loaded = {
  keeping: Keeping;
  profile: Profile;
  keys: NodeKeys;
  host: Host;
  records: [string, Uint8Array][];
  /** What the user limits relaying to. */
  limits: Uint8Array | undefined;
};

/** One user and one node: what the commands of `ClientApi` act on. */
export class Core {
  readonly options: ClientOptions;
  readonly host: Host;
  readonly network: Network;
  readonly profile: Profile;
  readonly watch: Watch;
  readonly contribution: Contribution;
  readonly keeping: Keeping;
  readonly relaying: Relaying;
  readonly #driver: Driver;
  readonly #listeners = new Set<(event: ClientEvent) => void>();
  #messenger: Messenger | undefined;
  #cancelMark: (() => void) | undefined;
  #stopped = false;

  private constructor(options: ClientOptions, { keeping, profile, keys, host, records, limits }: Loaded) {
    this.options = options;
    this.keeping = keeping;
    this.profile = profile;
    this.host = host;
    const { rng, now } = host.ports;
    const { trace, headless = false } = options;
    const { guards, middles, evidence } = profile;
    const node = new Node({
      ...{ keys, rng, now: now(), headless, guards, middles, evidence },
      ...{ role: 'node', trace: trace !== undefined },
    });
    const event = (each: NodeEvent): void => this.#onNode(each);
    const ticket: Ports['ticket'] = (job, exit, tag) => this.#ticket(job, exit, tag);
    this.#driver = new Driver(node, { ...host.ports, event, ticket, ...(trace && { trace }) });
    this.network = new Network(() => this.#driver);
    this.network.permit = () => keeping.lives.permit();
    this.contribution = new Contribution({
      ...{ records, store: options.store, ports: host.ports, network: this.network, prover: options.prover },
      node: keys.id,
      relaying: () => this.relaying.on,
      carried: () => ({ now: node.carried, total: node.carriedInAll }),
      changed: () => this.watch.changed(),
    });
    this.relaying = new Relaying(
      {
        ...{ store: options.store, ports: host.ports },
        command: (command) => this.network.command(command),
        wanted: () => profile.settings.relaying,
        carriedToday: () => this.contribution.carriedToday,
        switched: () => this.#switched(),
        changed: () => this.watch.changed(),
      },
      limits,
    );
    this.watch = new Watch({
      node,
      ports: host.ports,
      self: () => (this.relaying.on ? keys.id : undefined),
      relaying: () => this.relaying,
      moved: () => keeping.lives.moved,
      avoided: () => profile.settings.avoided,
      hides: () => profile.settings.hideAddress,
      messenger: () => this.#messenger,
      helping: () => this.contribution.view(),
      emit: (each) => this.emit(each),
    });
  }

  /** Loads what the store holds, and joins the network. Rejects with LocalError `storage`. */
  static async open(given: ClientOptions): Promise<Core> {
    let give: (input: Input) => void = () => undefined;
    const made: { core?: Core } = {};
    const options = { ...given, store: watched(given.store, (changes) => made.core?.keeping.wrote(changes)) };
    const { store } = options;
    const host = options.host((input) => give(input));
    const { rng, now } = host.ports;
    const profile = await Profile.load(store, rng);
    const keys = withNodeKey(makeNodeKeys(rng), await profile.session(now()));
    const records = await store.all('contribution');
    const limits = await store.get('settings', 'relaying');
    const keeping = await Keeping.load({
      ...{ store, profile, ports: host.ports },
      ask: async (request) => (made.core as Core).network.ask('record', request),
      changed: () => made.core?.tellKeeping(),
      moved: () => made.core?.retire(),
    });
    const core = new Core(options, { keeping, profile, keys, host, records, limits });
    made.core = core;
    give = (input) => core.#driver.input(input);
    await core.#begin();
    return core;
  }

  subscribe(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: ClientEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  state(): ClientState {
    return {
      profile: this.#profileView(),
      settings: this.#settings(),
      ...this.watch.state(),
      conversations: this.watch.conversations(),
      keeping: this.keeping.view,
    };
  }

  /** Something of it changed. */
  tellProfile(): void {
    this.emit({ type: 'profile', profile: this.#profileView() });
  }

  tellSettings(): void {
    this.emit({ type: 'settings', settings: this.#settings() });
  }

  tellKeeping(): void {
    if (!this.#stopped) this.emit({ type: 'keeping', keeping: this.keeping.view });
  }

  /** Throws LocalError `not-started`. */
  started(): Messenger {
    if (!this.#messenger) throw new LocalError('not-started', 'start first');
    return this.#messenger;
  }

  /** The messenger, once there is a user. */
  get messenger(): Messenger | undefined {
    return this.#messenger;
  }

  /** Opens inboxes and goes on with every conversation, once there is a user. `fresh`: made just now. */
  async openUser(fresh = false): Promise<void> {
    const { user } = this.profile;
    if (!user || this.#messenger) return;
    const env = {
      store: this.options.store,
      ports: this.host.ports,
      network: this.network,
      pay: this.contribution.pay.bind(this.contribution),
      profile: this.profile,
      origin: this.options.origin,
      bound: (_: number, conversation: string) => this.watch.found(conversation),
      changed: () => this.watch.conversationChanged(),
      emit: (event: SessionEvent) => this.#onSession(event),
      tell: (event: ClientEvent) => this.emit(event),
    };
    this.keeping.begin(fresh);
    this.#messenger = await Messenger.open(env, user);
    if (this.keeping.lives.moved) this.retire();
    this.watch.conversationChanged();
  }

  /** The user goes on in another browser: nothing is sent or received here any more, and all can be read. */
  retire(): void {
    this.#messenger?.stop();
    this.network.command({ type: 'open-inboxes', count: 0 });
    this.tellKeeping();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#messenger?.stop();
    this.keeping.stop();
    this.#cancelMark?.();
    this.relaying.stop();
    this.contribution.stop();
    this.watch.stop();
    this.network.command({ type: 'stop' });
    this.network.stop();
    this.#driver.stop();
    this.host.stop();
  }

  async #begin(): Promise<void> {
    const { avoided, cover: level } = this.profile.settings;
    this.hideAddress();
    if (avoided.length > 0) this.network.command({ type: 'avoid', nodes: avoided });
    this.relaying.begin();
    this.network.command({ type: 'cover', level });
    this.network.command({ type: 'start' });
    this.#markSession();
    await this.openUser();
  }

  /** By what the user set: links over WebRTC go through TURN servers alone, or, where there are none, none go over WebRTC. */
  hideAddress(): void {
    const { rtc } = this.host;
    if (!rtc) return;
    const { hideAddress } = this.profile.settings;
    rtc.hideAddress(hideAddress);
    const webrtc = rtc.works && (!hideAddress || rtc.turn);
    this.network.command({ type: 'connectivity', webrtc, reachable: webrtc });
  }

  /** This tab relays from now on, or no longer. */
  #switched(): void {
    this.contribution.switched();
    this.watch.nodesChanged();
  }

  #markSession(): void {
    this.#cancelMark = this.host.ports.timer(SESSION_MARK_MS, () => {
      void this.profile.markSession(this.host.ports.now()).catch(() => undefined);
      this.#markSession();
    });
  }

  #onNode(event: NodeEvent): void {
    if (this.#stopped || this.network.onEvent(event)) return;
    this.contribution.onNode(event);
    switch (event.type) {
      case 'consensus':
        return this.watch.knows(event.consensus);
      case 'changed':
      case 'registered':
        return this.watch.changed();
      case 'guards':
        return void this.profile.keepGuards(event.guards).catch(() => undefined);
      case 'middles':
        return void this.profile.keepMiddles(event.middles).catch(() => undefined);
      case 'evidence':
        return void this.profile.keepEvidence(event.evidence).catch(() => undefined);
      case 'circuit-failed':
        return this.watch.failed(event);
      case 'alarm':
        return this.emit({ type: 'alarm', code: event.code });
      case 'fault':
        // A fault of this program, for whoever looks at the console; it holds no content.
        return void console.error(event.error);
      default:
        return this.#messenger?.onNode(event);
    }
  }

  #ticket(job: number, exit: NodeId, tag: Uint8Array): void {
    void this.contribution.ticket(exit, tag).then((presentation) => {
      this.#driver.input({ type: 'ticketed', job, presentation });
    });
  }

  #onSession(event: SessionEvent): void {
    if (event.type === 'message') this.emit({ type: 'message', message: this.watch.explain(event.message) });
    else if (event.type === 'gone') this.emit(event);
    else this.watch.conversationChanged();
  }

  #settings(): ClientState['settings'] {
    const { relaying, readReceipts, cover, hideAddress } = this.profile.settings;
    return { relaying, readReceipts, cover, hideAddress: this.host.rtc?.turn ? hideAddress : null };
  }

  #profileView(): ClientState['profile'] {
    const { user, settings } = this.profile;
    const address = user ? encodeAddress(user.address.public) : null;
    const picture = this.#messenger?.profiles.picture ?? null;
    const handle = this.#messenger?.handle.name ?? null;
    return { name: settings.name, address, started: user !== undefined, picture, handle };
  }
}
