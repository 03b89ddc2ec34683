import { dhKeypair } from '#shared/crypto/dh.ts';
import { seededRng, type Rng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import type { Params } from '#shared/directory/consensus.ts';
import type { Driver } from '#shared/driver/driver.ts';
import type { CarrierEvents } from '#shared/link/carrier.ts';
import { equal, hex } from '#shared/bytes/bytes.ts';
import type { Pass } from '#shared/signal/pass.ts';
import type { Session } from '#shared/signal/session.ts';
import { ROTATION_MS } from '#shared/node/keys.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import type { NodeOptions } from '#shared/node/options.ts';
import { nodeId, type LinkId, type Millis, type NodeId } from '#shared/units.ts';
import type { DirectoryKeys } from '#server/keys.ts';
import type { Limits } from '#server/services/limits.ts';
import { SqliteArchive } from '#server/stores/sqlite.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';
import { SimDirectory, type Watch } from './directory.ts';
import { SimNode } from './sim-node.ts';
import { peerOf, pipe, sessionOf } from './wire.ts';

/** What has links here: a bare node, or a client around one. */
export type Machine = Pick<SimNode, 'name' | 'alive' | 'carriers'> & { driver: Pick<Driver, 'input'> };

type Peer = { owner: Machine; link: LinkId };

export type WorldOptions = {
  seed?: number;
  delayMs?: Millis;
  directoryHops?: number;
  rotationMs?: Millis;
  limits?: Partial<Limits>;
  contribution?: Params['policy'];
  epochMs?: Millis;
  /** Public key of an auditor. */
  auditor?: Uint8Array;
  /** Places for inboxes at each exit. */
  maxInboxes?: number;
  /** Nodes register within this span, once there are eight. */
  registrationDelayMs?: Millis;
  /** Is told of all that the directory sees. */
  watch?: Watch;
};

/** A directory with its real services and any number of nodes, over in-memory links and virtual time. */
export class World {
  readonly clock = new VirtualClock();
  readonly nodes: SimNode[] = [];
  readonly delayMs: Millis;
  readonly seed: number;
  readonly directoryId: NodeId;
  /** What is done to a message on a link between two bare nodes. */
  tamper: (from: SimNode, to: SimNode, data: Uint8Array) => Uint8Array[] = (_, __, data) => [data];
  /** Nodes to which no link comes about. */
  readonly unreachable = new Set<Machine>();
  /** Nodes to which none over WebRTC does. */
  readonly walled = new Set<Machine>();
  directory: SimDirectory;
  /** How long nodes use their onion and signalling keys. */
  readonly rotationMs: Millis;
  readonly maxInboxes: number | undefined;
  #down = false;
  #starts = 0;
  readonly #hops: number;
  readonly #options: WorldOptions;
  readonly keys: DirectoryKeys;
  readonly #archive = new SqliteArchive(':memory:');
  readonly #peers: Peer[] = [];
  /** Links by way of the server: who waits where. */
  readonly #meetings = new Map<string, Peer & { pass: Pass }>();
  /** How many came about. */
  passed = 0;
  /** WebRTC links that were begun. */
  offered = 0;
  readonly #sockets = new Map<Machine, LinkId>();
  readonly #cut = new Set<Machine>();

  constructor(options: WorldOptions = {}) {
    this.seed = options.seed ?? 1;
    this.delayMs = options.delayMs ?? 10;
    this.#hops = options.directoryHops ?? 1;
    this.#options = options;
    this.maxInboxes = options.maxInboxes;
    this.rotationMs = options.rotationMs ?? ROTATION_MS;
    const signing = signKeypair(this.rng(90_001)(32));
    this.keys = { id: nodeId(signing.public), signing, onion: dhKeypair(this.rng(90_002)(32)) };
    this.directoryId = this.keys.id;
    this.directory = this.#newDirectory();
  }

  rng(stream: number): Rng {
    const seed = new Uint8Array(32);
    new DataView(seed.buffer).setUint32(0, this.seed);
    new DataView(seed.buffer).setUint32(4, stream);
    return seededRng(seed);
  }

  async start(): Promise<this> {
    const started = this.directory.services.start();
    await this.clock.pass(10);
    await started;
    return this;
  }

  /** `kill -9` of the directory, and a new process over the same archive after a while. */
  async restartDirectory(downMs: Millis): Promise<void> {
    this.#down = true;
    this.directory.kill();
    await this.clock.pass(downMs);
    this.directory = this.#newDirectory();
    await this.start();
    this.#down = false;
  }

  /** `keys`: what is wrong with its keys, if anything. */
  add(
    name: string,
    relaying: boolean,
    keys = (fresh: NodeKeys): NodeKeys => fresh,
    options: Partial<NodeOptions> = {},
  ): SimNode {
    const node = new SimNode(this, name, this.nodes.length + 1, keys, options);
    this.nodes.push(node);
    return node.start(relaying);
  }

  /** A network of relays that know one another. */
  async relays(count: number): Promise<SimNode[]> {
    const relays = Array.from({ length: count }, (_, i) => this.add(`relay ${i + 1}`, true));
    await this.until('all relays are registered', () => relays.every(({ node }) => node.registered), 60_000);
    const linked = ({ node }: SimNode): boolean =>
      node.links.filter(({ kind, state }) => kind === 'peer' && state === 'open').length === count - 1;
    await this.until('all relays are linked', () => relays.every(linked), 60_000);
    return relays;
  }

  byId(id: NodeId): SimNode {
    const node = this.nodes.find((each) => each.id === id);
    if (!node) throw new Error(`no node ${id}`);
    return node;
  }

  async until(what: string, condition: () => boolean, limitMs: Millis): Promise<void> {
    const end = this.clock.now() + limitMs;
    while (!condition()) {
      if (this.clock.now() > end)
        throw new Error(`not within ${limitMs} virtual ms (seed ${this.seed}): ${what}`);
      await this.clock.pass(10);
    }
  }

  /** Lets time pass until a promise that waits for it is settled. */
  async complete<T>(what: string, work: Promise<T>, limitMs: Millis = 60_000): Promise<T> {
    let settled = false;
    const done = work.finally(() => (settled = true));
    done.catch(() => undefined);
    await this.until(what, () => settled, limitMs);
    return done;
  }

  /** Exceptions of any node that no peer is to blame for: there must be none. */
  faults(): string[] {
    return [...this.nodes, this.directory].flatMap(({ name, events }) =>
      events.flatMap((event) => (event.type === 'fault' ? [`${name}: ${String(event.error)}`] : [])),
    );
  }

  /** The node's WebSocket breaks, and no other comes up for a while. */
  cutDirectory(node: Machine, spanMs: Millis): void {
    this.#cut.add(node);
    this.clock.after(0, () => {
      const link = this.#sockets.get(node);
      if (link === undefined) return;
      node.carriers.get(link)?.close();
      node.carriers.delete(link);
      node.driver.input({ type: 'link-closed', link });
    });
    this.clock.after(spanMs, () => this.#cut.delete(node));
  }

  openWebSocket(node: Machine, link: LinkId): void {
    this.#sockets.set(node, link);
    const side: { server?: CarrierEvents } = {};
    const near = (): CarrierEvents => this.#receiver(node, link);
    const [carrier, far] = pipe(
      this.clock,
      this.delayMs,
      near,
      () => side.server,
      (data) => [data],
    );
    this.clock.after(this.delayMs, () => {
      if (!node.alive) return;
      if (this.#down || this.#cut.has(node)) return near().closed();
      side.server = this.directory.accept(far, node.name);
      node.carriers.set(link, carrier);
      node.driver.input({ type: 'link-open', link });
    });
  }

  fetchConsensus(node: Machine): void {
    this.clock.after(this.delayMs, () => {
      const body = this.#down ? undefined : this.directory.fetched(node.name);
      node.driver.input(body ? { type: 'consensus', body } : { type: 'consensus-failed' });
    });
  }

  createPeer(owner: Machine, link: LinkId, initiator: boolean): void {
    this.#peers.push({ owner, link });
    const session = sessionOf('offer', this.#peers.length - 1);
    if (initiator) this.offered += 1;
    if (initiator) this.#give(owner, link, session);
  }

  signalPeer(owner: Machine, link: LinkId, description: Session): void {
    const own = this.#peers.findIndex((peer) => peer.owner === owner && peer.link === link);
    const mine = this.#peers[own];
    const theirs = this.#peers[peerOf(description)];
    if (!mine || !theirs) return;
    if (description.kind === 'offer') this.#give(owner, link, sessionOf('answer', own));
    else this.clock.after(4 * this.delayMs, () => this.#connect(mine, theirs));
  }

  /** The server joins the two that meet; it comes to nothing unless each has the other's keys. */
  openPass(owner: Machine, link: LinkId, pass: Pass): void {
    const meeting = hex(pass.meeting);
    const other = this.#meetings.get(meeting);
    if (!other) return void this.#meetings.set(meeting, { owner, link, pass });
    this.#meetings.delete(meeting);
    if (!equal(other.pass.send, pass.receive) || !equal(other.pass.receive, pass.send)) return;
    this.clock.after(2 * this.delayMs, () => {
      this.passed += 1;
      this.#join(other, { owner, link });
    });
  }

  #newDirectory(): SimDirectory {
    const { clock } = this;
    this.#starts += 1;
    const rng = this.rng(91_000 + this.#starts);
    const [keys, archive, hops] = [this.keys, this.#archive, this.#hops];
    const { limits, contribution, epochMs, auditor, registrationDelayMs, watch } = this.#options;
    return new SimDirectory({
      ...{ keys, clock, rng, archive, hops, limits, contribution, epochMs, auditor, registrationDelayMs },
      watch,
    });
  }

  #give(owner: Machine, link: LinkId, session: Session): void {
    this.clock.after(this.delayMs, () => owner.driver.input({ type: 'peer-session', link, session }));
  }

  #connect(a: Peer, b: Peer): void {
    if ([a.owner, b.owner].some((owner) => this.walled.has(owner))) return;
    this.#join(a, b);
  }

  #join(a: Peer, b: Peer): void {
    if ([a.owner, b.owner].some((owner) => !owner.alive || this.unreachable.has(owner))) return;
    const [near, far] = pipe(
      this.clock,
      this.delayMs,
      () => this.#receiver(a.owner, a.link),
      () => this.#receiver(b.owner, b.link),
      (data, fromA) => (fromA ? this.#tampered(a, b, data) : this.#tampered(b, a, data)),
    );
    a.owner.carriers.set(a.link, near);
    b.owner.carriers.set(b.link, far);
    a.owner.driver.input({ type: 'link-open', link: a.link });
    b.owner.driver.input({ type: 'link-open', link: b.link });
  }

  #tampered({ owner: from }: Peer, { owner: to }: Peer, data: Uint8Array): Uint8Array[] {
    return from instanceof SimNode && to instanceof SimNode ? this.tamper(from, to, data) : [data];
  }

  #receiver(node: Machine, link: LinkId): CarrierEvents {
    return {
      message: (data) => node.driver.input({ type: 'link-data', link, data }),
      closed: () => {
        node.carriers.delete(link);
        node.driver.input({ type: 'link-closed', link });
      },
    };
  }
}
