import { silentLog } from '#tests/support/silent-log.ts';
import { Driver } from '#shared/driver/driver.ts';
import { seededRng, type Rng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { dhKeypair } from '#shared/crypto/dh.ts';
import type { Carrier, CarrierEvents } from '#shared/link/carrier.ts';
import { makeNodeKeys } from '#shared/node/keys.ts';
import type { Command } from '#shared/node/input.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent, TraceEvent } from '#shared/node/output.ts';
import type { Session } from '#shared/signal/session.ts';
import { nodeId, type LinkId, type Millis, type NodeId } from '#shared/units.ts';
import { Directory } from '#server/directory.ts';
import { createHop } from '#server/hop.ts';
import { MemoryLive } from '#server/stores/memory.ts';
import { SqliteArchive } from '#server/stores/sqlite.ts';
import type { Hop } from '#server/server.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

export type Tamper = (from: string, data: Uint8Array) => Uint8Array[];

/** Two carriers over a delay, in order; either end may close. */
const pipe = (
  clock: VirtualClock,
  delayMs: Millis,
  a: () => CarrierEvents | undefined,
  b: () => CarrierEvents | undefined,
  tamper: (data: Uint8Array, fromA: boolean) => Uint8Array[],
): [Carrier, Carrier] => {
  let open = true;
  const side = (other: () => CarrierEvents | undefined, fromA: boolean): Carrier => ({
    send(message) {
      if (!open) return;
      for (const data of tamper(message, fromA)) clock.after(delayMs, () => open && other()?.message(data));
    },
    close() {
      if (!open) return;
      open = false;
      clock.after(delayMs, () => other()?.closed());
    },
  });
  return [side(b, true), side(a, false)];
};

/** The candidate's port stands for the peer connection that made it. */
const session = (kind: 'offer' | 'answer', id: number): Session => ({
  kind,
  ufrag: 'abcd',
  pwd: 'abcdefghijklmnopqrstuv',
  fingerprint: new Uint8Array(32),
  setup: kind === 'offer' ? 'actpass' : 'active',
  candidates: [{ address: `10.0.${String(id >> 8)}.${String(id & 255)}`, port: 9, type: 'host', priority: 1 }],
});
const peerOf = (description: Session): number => {
  const [, , high, low] = (description.candidates[0]?.address ?? '').split('.').map(Number);
  return ((high ?? 0) << 8) | (low ?? 0);
};

type Peer = { owner: SimNode; link: LinkId; initiator: boolean; answer: number | undefined };

export class SimNode {
  readonly name: string;
  readonly node: Node;
  readonly driver: Driver;
  readonly id: NodeId;
  readonly events: NodeEvent[] = [];
  readonly traces: TraceEvent[] = [];
  readonly carriers = new Map<LinkId, Carrier>();
  alive = true;
  onEvent: (event: NodeEvent) => void = () => undefined;

  constructor(world: World, name: string, seed: number) {
    this.name = name;
    const rng = world.rng(seed);
    const keys = makeNodeKeys(rng);
    this.id = keys.id;
    this.node = new Node({ keys, rng, now: world.clock.now(), role: 'node', headless: true, trace: true });
    this.driver = new Driver(this.node, {
      now: world.clock.now,
      rng,
      timer: world.clock.after,
      later: (run) => void world.clock.after(1, run),
      openWebSocket: (link) => world.openWebSocket(this, link),
      createPeer: (link, initiator) => world.createPeer(this, link, initiator),
      signalPeer: (link, description) => world.signalPeer(this, link, description),
      send: (link, data) => this.carriers.get(link)?.send(data),
      closeLink: (link) => {
        this.carriers.get(link)?.close();
        this.carriers.delete(link);
      },
      fetchConsensus: () => world.fetchConsensus(this),
      event: (event) => {
        this.events.push(event);
        this.onEvent(event);
      },
      trace: (trace) => void this.traces.push(trace),
    });
  }

  command(command: Command): void {
    this.driver.input({ type: 'command', command });
  }

  start(relaying: boolean): this {
    this.command({ type: 'relay', on: relaying });
    this.command({ type: 'start' });
    return this;
  }

  /** The tab is closed: its carriers go, and it hears nothing any more. */
  kill(): void {
    this.alive = false;
    this.driver.stop();
    for (const carrier of this.carriers.values()) carrier.close();
    this.carriers.clear();
  }

  faults(): unknown[] {
    return this.events.flatMap((event) => (event.type === 'fault' ? [event.error] : []));
  }
}

export type WorldOptions = { seed?: number; delayMs?: Millis; directoryHops?: number };

/** A directory with its real services and any number of nodes, over in-memory links and virtual time. */
export class World {
  readonly clock = new VirtualClock();
  readonly nodes: SimNode[] = [];
  readonly delayMs: Millis;
  tamper: (from: SimNode, to: SimNode, data: Uint8Array) => Uint8Array[] = (_, __, data) => [data];
  readonly #seed: number;
  readonly #peers: Peer[] = [];
  directory!: Directory;
  #hop!: Hop;
  readonly #options: WorldOptions;
  readonly directoryId: NodeId;
  readonly #keys;
  #archive!: SqliteArchive;
  /** Nodes whose WebSocket or WebRTC links fail. */
  readonly unreachable = new Set<SimNode>();

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.#seed = options.seed ?? 1;
    this.delayMs = options.delayMs ?? 10;
    const signing = signKeypair(this.rng(90_001)(32));
    this.#keys = { id: nodeId(signing.public), signing, onion: dhKeypair(this.rng(90_002)(32)) };
    this.directoryId = this.#keys.id;
    this.#archive = new SqliteArchive(':memory:');
  }

  rng(stream: number): Rng {
    const seed = new Uint8Array(32);
    new DataView(seed.buffer).setUint32(0, this.#seed);
    new DataView(seed.buffer).setUint32(4, stream);
    return seededRng(seed);
  }

  async start(): Promise<this> {
    const { clock } = this;
    const log = silentLog;
    this.#hop = createHop({
      keys: this.#keys,
      log,
      clock,
      request: (circuit, body) => this.directory.request(circuit, body),
      closed: (circuit) => void this.directory.closed(circuit),
    });
    this.directory = new Directory({
      keys: this.#keys,
      live: new MemoryLive(clock),
      archive: this.#archive,
      clock,
      log,
      circuits: this.#hop,
      process: 'sim',
      consensusMs: 60_000,
      consensusChangeMs: 500,
      heartbeatTtlMs: 90_000,
      directoryHops: this.#options.directoryHops ?? 1,
      registrationDelayMs: 0,
      maxNodes: 1000,
      maxDescriptors: 1000,
    });
    const started = this.directory.start();
    await this.clock.pass(10);
    await started;
    return this;
  }

  add(name: string, relaying: boolean): SimNode {
    const node = new SimNode(this, name, this.nodes.length + 1);
    this.nodes.push(node);
    return node.start(relaying);
  }

  /** A network of relays that know one another. */
  async relays(count: number): Promise<SimNode[]> {
    const relays = Array.from({ length: count }, (_, i) => this.add(`relay ${String(i + 1)}`, true));
    await this.until(() => relays.every((relay) => relay.node.registered), 60_000);
    await this.clock.pass(5000);
    return relays;
  }

  async until(condition: () => boolean, limitMs: Millis): Promise<void> {
    const end = this.clock.now() + limitMs;
    while (!condition()) {
      if (this.clock.now() > end) throw new Error(`did not come about within ${String(limitMs)} ms (seed ${String(this.#seed)})`);
      await this.clock.pass(20);
    }
  }

  openWebSocket(node: SimNode, link: LinkId): void {
    if (!node.alive) return;
    const side: { server?: CarrierEvents } = {};
    const [near, far] = pipe(
      this.clock,
      this.delayMs,
      () => this.#receiver(node, link),
      () => side.server,
      (data) => [data],
    );
    this.clock.after(this.delayMs, () => {
      side.server = this.#hop.accept(far);
      node.carriers.set(link, near);
      node.driver.input({ type: 'link-open', link });
    });
  }

  fetchConsensus(node: SimNode): void {
    this.clock.after(this.delayMs, () => {
      const body = this.directory.consensus?.bytes;
      node.driver.input(body ? { type: 'consensus', body } : { type: 'consensus-failed' });
    });
  }

  createPeer(owner: SimNode, link: LinkId, initiator: boolean): void {
    this.#peers.push({ owner, link, initiator, answer: undefined });
    const id = this.#peers.length - 1;
    if (!initiator) return;
    this.clock.after(this.delayMs, () => {
      owner.driver.input({ type: 'peer-session', link, session: session('offer', id) });
    });
  }

  signalPeer(owner: SimNode, link: LinkId, description: Session): void {
    const own = this.#peers.findIndex((peer) => peer.owner === owner && peer.link === link);
    const mine = this.#peers[own];
    const theirs = this.#peers[peerOf(description)];
    if (!mine || !theirs) return;
    if (description.kind === 'offer') {
      mine.answer = peerOf(description);
      this.clock.after(this.delayMs, () => {
        owner.driver.input({ type: 'peer-session', link, session: session('answer', own) });
      });
    } else this.clock.after(4 * this.delayMs, () => this.#connect(mine, theirs));
  }

  #connect(a: Peer, b: Peer): void {
    if (!a.owner.alive || !b.owner.alive || this.unreachable.has(a.owner) || this.unreachable.has(b.owner)) return;
    const [near, far] = pipe(
      this.clock,
      this.delayMs,
      () => this.#receiver(a.owner, a.link),
      () => this.#receiver(b.owner, b.link),
      (data, fromA) => (fromA ? this.tamper(a.owner, b.owner, data) : this.tamper(b.owner, a.owner, data)),
    );
    a.owner.carriers.set(a.link, near);
    b.owner.carriers.set(b.link, far);
    a.owner.driver.input({ type: 'link-open', link: a.link });
    b.owner.driver.input({ type: 'link-open', link: b.link });
  }

  #receiver(node: SimNode, link: LinkId): CarrierEvents {
    return {
      message: (data) => node.driver.input({ type: 'link-data', link, data }),
      closed: () => {
        node.carriers.delete(link);
        node.driver.input({ type: 'link-closed', link });
      },
    };
  }
}
