import type { Code } from '../errors.ts';
import { MOST_TICKET_BITS } from '../rendezvous/ticket.ts';
import type { LinkId, Millis, NodeId } from '../units.ts';
import type { Owner } from './bridges.ts';
import { Callers } from './callers.ts';
import type { Channel } from './channel.ts';
import { Context } from './context.ts';
import { Cover, type CoverLevel } from './cover.ts';
import { Dials } from './dials.ts';
import { DirectoryClient } from './directory-client.ts';
import { Gossip } from './gossip.ts';
import { InboxAdmission } from './inbox-admission.ts';
import { Inboxes } from './inboxes.ts';
import type { Command, Handle, Input } from './input.ts';
import { KeyRing, ROTATION_MS } from './keys.ts';
import { LinkRules } from './link-rules.ts';
import { Links, type Link } from './links.ts';
import { Loops } from './loops.ts';
import { Neighbours } from './neighbours.ts';
import type { NodeOptions } from './options.ts';
import { Origins, type Origin } from './origins.ts';
import type { Output } from './output.ts';
import { Paths } from './paths.ts';
import { Registration } from './registration.ts';
import { Relays } from './relays.ts';
import { circuitViews, linkViews, type CircuitState, type LinkState } from './views.ts';

const MAX_INBOXES = 1024;

/**
 * The whole protocol of one node as a machine: `receive(input, now)` returns what is to be done. It holds no clock,
 * no entropy of its own and no socket, and nothing that a peer sends makes it throw.
 */
export class Node {
  readonly #context: Context;
  readonly #links: Links;
  readonly #dials: Dials;
  readonly #gossip: Gossip;
  readonly #origins: Origins;
  readonly #paths: Paths;
  readonly #directory: DirectoryClient;
  readonly #registration: Registration;
  readonly #neighbours: Neighbours;
  readonly #callers: Callers;
  readonly #inboxes: Inboxes;
  readonly #loops: Loops;
  readonly #cover: Cover;
  readonly #relays: Relays;
  readonly #admission: InboxAdmission<Owner>;
  readonly #rules: LinkRules;

  constructor(options: NodeOptions) {
    const { rng, now, role } = options;
    const keys = new KeyRing(options.keys);
    const context = new Context(rng, now, options.trace ?? false);
    this.#context = context;
    this.#links = new Links(context, {
      create: (link, cell) => this.#relays.create(link, cell),
      opened: (link) => this.#gossip.opened(link),
      closed: (link) => this.#onLinkClosed(link),
      gossip: (_, body) => this.#gossip.receive(body),
    });
    const links = this.#links;
    const { evidence } = options;
    this.#gossip = new Gossip({ context, links, evidence, convicted: () => this.#distrust() });
    const dial = (target: NodeId, done: (link: Link | Code) => void): void => this.#dial(target, done);
    const kept = { guards: options.guards ?? [], middles: options.middles ?? [] };
    this.#paths = new Paths(context, keys.id, kept, (id) => links.to(id) !== undefined);
    const paths = this.#paths;
    const rules = new LinkRules(options, (peer) => paths.guards.includes(peer));
    this.#rules = rules;
    const guard = (node: NodeId, worked: boolean): void => (worked ? paths.worked(node) : paths.failed(node));
    const held = (origin: Origin): boolean => this.#cover.hold(origin);
    this.#origins = new Origins({ context, links, dial, guard, held });
    const origins = this.#origins;
    this.#directory = this.#newDirectory(options);
    const consensus = (): DirectoryClient['consensus'] => this.#directory.consensus;
    const hurry = (): void => this.#directory.hurry();
    const { maxInboxes: places = MAX_INBOXES, maxInboxWork: mostWork = MOST_TICKET_BITS } = options;
    this.#admission = new InboxAdmission({ context, self: keys.id, places, mostWork, consensus });
    this.#relays = new Relays({
      ...{ context, links, dial },
      id: keys.idBytes,
      onionKeys: () => keys.onion,
      inboxes: this.#admission,
      directory: role === 'directory',
      serving: () => role === 'directory' || this.#registration.on,
    });
    this.#registration = new Registration({
      ...{ context, keys, consensus, family: options.family },
      capabilities: () => rules.capabilities,
      load: () => this.#relays.load,
      serve: (on) => this.#directory.serve(on),
    });
    this.#dials = new Dials({
      ...{ context, links, keys, rules, consensus, hurry },
      relaying: () => this.#registration.on,
      replyAddress: () => this.#directory.replyAddress,
      signal: (to, sealed, failed) => this.#directory.signal(to, sealed, failed),
    });
    this.#neighbours = new Neighbours({
      ...{ context, links, paths, rules, consensus, dial, self: keys.id },
      feign: (target) => this.#dials.feign(target),
      relaying: () => this.#registration.registered,
      ready: () => this.#directory.reachable,
    });
    this.#callers = new Callers({ context, origins, paths, consensus, hurry });
    const { channels } = this.#callers;
    this.#inboxes = new Inboxes({ context, origins, paths, channels, consensus, hurry });
    this.#loops = new Loops({ context, origins, paths, consensus });
    this.#cover = new Cover({ context, links, origins, channels, guards: () => paths.guards });
    if (role === 'node') this.#rotateIn(options.rotationMs ?? ROTATION_MS, keys);
  }

  #newDirectory(options: NodeOptions): DirectoryClient {
    return new DirectoryClient({
      ...{ context: this.#context, links: this.#links, origins: this.#origins, paths: this.#paths },
      pinnedKey: options.directoryKey,
      witness: (key, statement) => this.#gossip.witness(key, statement),
      onConsensus: (consensus) => {
        this.#admission.onConsensus(consensus);
        this.#neighbours.keep();
        this.#dials.onConsensus();
      },
      onSignal: (sealed) => this.#dials.onSignal(sealed),
      onReady: () => this.#registration.ready(),
      onMain: (circuit) => this.#registration.onMain(circuit),
      plain: options.plain ?? false,
    });
  }

  /** The next outputs. Nothing makes it throw. */
  receive(input: Input, now: Millis): Output[] {
    const context = this.#context;
    const contain = (run: () => void): void => context.contain(run);
    context.now = Math.max(now, context.now);
    contain(() => this.#take(input));
    context.timers.run(context.now, contain);
    const wakeAt = Math.min(this.#links.flush(), context.timers.next());
    if (wakeAt < Infinity) this.#context.out({ type: 'wake', at: wakeAt });
    return this.#context.drain();
  }

  get links(): LinkState[] {
    return linkViews(this.#links, this.#dials.connecting(), this.#paths.guards);
  }

  get circuits(): CircuitState[] {
    return circuitViews(this.#origins);
  }

  /** Whether this machine has links over WebRTC. */
  get webrtc(): boolean {
    return this.#rules.webrtc;
  }

  get registered(): boolean {
    return this.#registration.registered;
  }

  get directoryReachable(): boolean {
    return this.#directory.reachable;
  }

  /** The directory said different things to different people, and is not used any more. */
  get distrusts(): boolean {
    return this.#gossip.convicted;
  }

  /** Tries in a row for a directory or, where that is reached, for a first neighbour; and when the next one is due. */
  get looking(): { tries: number; nextAt: Millis | undefined } {
    const directory = this.#directory.reachable ? undefined : this.#directory.tries;
    const alone = [...this.#links.all()].every(({ kind }) => kind === 'directory');
    const { count, nextAt } = directory ?? (alone ? this.#neighbours.tries : { count: 0, nextAt: undefined });
    return { tries: count, nextAt };
  }

  /** Circuits carried for others. */
  get carried(): number {
    return this.#relays.size;
  }

  /** Circuits of others that came about here since it began, and bytes of cells that were passed on for them. */
  get carriedInAll(): { circuits: number; bytes: number } {
    return this.#relays.total;
  }

  /** What is sent only to hide what else is sent, and what that costs, in bytes a second each way. */
  get cover(): { level: CoverLevel; up: number; down: number } {
    return { level: this.#cover.level, ...this.#context.cover.cost(this.#context.now) };
  }

  /** Entries in its tables, which are bounded whatever peers send. */
  get sizes(): Record<'links' | 'circuits' | 'carried' | 'inboxes' | 'waiting' | 'timers' | 'jobs', number> {
    const circuits = [...this.#origins.all()].length;
    const { timers, jobs } = this.#context;
    const [links, inboxes] = [this.#links.size, this.#admission.sizes];
    return { links, circuits, carried: this.carried, ...inboxes, timers: timers.size, jobs };
  }

  #take(input: Input): void {
    switch (input.type) {
      case 'command':
        return this.#command(input.command);
      case 'link-open':
        if (this.#links.has(input.link)) return;
        if (this.#directory.isLink(input.link)) return this.#directory.onLinkOpen(input.link);
        if (!this.#dials.onOpen(input.link)) this.#context.out({ type: 'close-link', link: input.link });
        return;
      case 'link-accepted':
        return void this.#links.open(input.link, undefined, 'client', false, 'server');
      case 'link-data':
        return this.#links.receive(input.link, input.data);
      case 'link-closed':
        return this.#onCarrierClosed(input.link);
      case 'link-relayed':
        return this.#links.relayed(input.link, input.on);
      case 'peer-session':
        return this.#dials.onSession(input.link, input.session);
      case 'consensus':
        return this.#directory.onConsensus(input.body);
      case 'consensus-failed':
        return this.#directory.onConsensusFailed();
      case 'responded':
        return this.#context.responded(input.job, input.result);
      case 'worked':
        this.#registration.worked(input.job, input.work);
        return this.#context.works.done(input.job, input.work);
      case 'ticketed':
        return this.#context.tickets.done(input.job, input.presentation);
      case 'verified':
        return this.#context.checks.done(input.job, input.valid);
      case 'wake':
        return;
    }
  }

  #command(command: Command): void {
    switch (command.type) {
      case 'start':
        return this.#directory.start();
      case 'relay':
        this.#registration.relay(command.on);
        return command.on ? undefined : this.#retire();
      case 'relay-rate':
        return this.#relays.limit(command.bytesPerSecond);
      case 'limit-links':
        this.#rules.allow(command.most);
        return this.#neighbours.shrink();
      case 'look':
        this.#directory.look();
        return this.#neighbours.look();
      case 'open-inboxes':
        this.#callers.start();
        return this.#inboxes.open(command.count);
      case 'ask':
        return this.#directory.ask(command, (result, exit) => {
          this.#context.event({ type: 'answered', handle: command.handle, result, exit });
        });
      case 'connect':
        return this.#callers.connect(command.handle, command.inboxes);
      case 'channel-send':
        return this.#send(command.channel, command.data);
      case 'channel-trust':
        return this.#channel(command.channel)?.trust();
      case 'channel-close':
        return this.#channel(command.channel)?.end(command.code ?? 'finished');
      case 'commit':
        return this.#registration.commit(command.epoch, command.commitment);
      case 'loop':
        return this.#loops.run(command.handle, command);
      case 'connectivity':
        return this.#connect(command.webrtc, command.reachable);
      case 'relink':
        this.#links.end(({ way }) => way !== 'server');
        return this.#dials.restart();
      case 'cover':
        return this.#cover.set(command.level);
      case 'link':
        return this.#dial(command.node, () => undefined);
      case 'unlink':
        return this.#unlink(command.node);
      case 'avoid':
        return this.#avoid(command.nodes);
      case 'respond':
        return this.#relays.respond(command.circuit, command.stream, command.body);
      case 'push':
        return this.#relays.push(command.circuit, command.body);
      case 'stop':
        return this.#stop();
    }
  }

  #send(handle: Handle, data: Uint8Array): void {
    const channel = this.#channel(handle);
    this.#context.guard(
      () => channel?.send(data),
      (code) => channel?.close(code),
    );
  }

  #channel(handle: Handle): Channel | undefined {
    return this.#callers.channels.get(handle);
  }

  #dial(target: NodeId, done: (link: Link | Code) => void): void {
    const directory = this.#directory.link();
    if (target !== this.#directory.id) return this.#dials.dial(target, done);
    if (directory) return done(directory);
    this.#context.after(`dial:directory:${String(this.#context.handle())}`, 0, () => done('unreachable'));
  }

  /** The directory does not show everybody the same network: nothing is built on what it says. Links stay, to say so. */
  #distrust(): void {
    this.#directory.distrust();
    for (const origin of [...this.#origins.all()]) origin.end('equivocation');
  }

  #onCarrierClosed(id: LinkId): void {
    this.#links.gone(id);
    this.#dials.onClosed(id);
    this.#directory.onLinkClosed(id);
  }

  #onLinkClosed(link: Link): void {
    if (link.kind === 'directory') this.#directory.onLinkClosed(link.id);
    else this.#neighbours.keep();
  }

  #connect(webrtc: boolean, reachable: boolean): void {
    if (!this.#rules.connect(webrtc, reachable)) return;
    // One that is not listed yet says so when its time comes.
    if (this.#registration.registered) this.#registration.renew();
    this.#context.changed();
  }

  #unlink(node: NodeId): void {
    const link = this.#links.to(node);
    if (link) this.#links.close(link, 'finished');
    this.#neighbours.rest(node);
  }

  /** Relaying is off: what remains are guards' links, and those that own circuits stand on. */
  #retire(): void {
    this.#links.end(({ kind, peer, circuits }) => {
      const guard = peer !== undefined && this.#paths.guards.includes(peer);
      const own = [...circuits.values()].some((end) => end.own);
      return kind !== 'directory' && !guard && !own;
    });
  }

  #avoid(nodes: NodeId[]): void {
    this.#paths.avoid(nodes);
    const avoided = this.#paths.avoided;
    for (const origin of [...this.#origins.all()]) {
      if (origin.path.some(({ node }) => avoided.has(node))) origin.end('refused');
    }
    this.#context.changed();
  }

  #rotateIn(spanMs: Millis, keys: KeyRing): void {
    this.#context.after('rotation', spanMs, () => {
      keys.rotate(this.#context.rng);
      this.#registration.renew();
      this.#rotateIn(spanMs, keys);
    });
  }

  #stop(): void {
    this.#cover.set('off');
    this.#registration.relay(false);
    this.#callers.stop();
    this.#loops.stop();
    this.#inboxes.open(0);
    this.#directory.stop();
    this.#neighbours.stop();
    this.#links.flush();
    this.#links.end(() => true);
  }
}
