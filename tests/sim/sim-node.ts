import type { Claim } from '#shared/contribution/statement.ts';
import { Driver } from '#shared/driver/driver.ts';
import type { Carrier } from '#shared/link/carrier.ts';
import { makeNodeKeys } from '#shared/node/keys.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import type { Command, InboxRef } from '#shared/node/input.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeOptions } from '#shared/node/options.ts';
import type { NodeEvent, TraceEvent } from '#shared/node/output.ts';
import type { LinkId, NodeId } from '#shared/units.ts';
import type { World } from './world.ts';

export type EventOf<T extends NodeEvent['type']> = Extract<NodeEvent, { type: T }>;

/** One tab: its node, the driver around it, and its carriers in the world. */
export class SimNode {
  readonly name: string;
  readonly keys: NodeKeys;
  readonly node: Node;
  readonly driver: Driver;
  readonly id: NodeId;
  readonly events: NodeEvent[] = [];
  readonly listeners: ((event: NodeEvent) => void)[] = [];
  readonly traces: TraceEvent[] = [];
  readonly carriers = new Map<LinkId, Carrier>();
  alive = true;
  /** The proof that its owner shows an exit, if any. */
  present: (exit: NodeId, tag: Uint8Array) => Uint8Array | undefined = () => undefined;
  /** What it finds of others' proofs. */
  verifies: (claim: Claim, proof: Uint8Array) => boolean = () => false;

  constructor(
    world: World,
    name: string,
    stream: number,
    keys: (fresh: NodeKeys) => NodeKeys,
    options: Partial<NodeOptions>,
  ) {
    this.name = name;
    const rng = world.rng(stream);
    this.keys = keys(makeNodeKeys(rng));
    this.id = this.keys.id;
    this.node = new Node({
      keys: this.keys,
      rng,
      now: world.clock.now(),
      role: 'node',
      headless: true,
      trace: true,
      rotationMs: world.rotationMs,
      ...(world.maxInboxes !== undefined && { maxInboxes: world.maxInboxes }),
      ...options,
    });
    this.driver = new Driver(this.node, {
      now: world.clock.now,
      rng,
      timer: world.clock.after,
      later: (run) => void world.clock.after(1, run),
      openWebSocket: (link) => world.openWebSocket(this, link),
      createPeer: (link, initiator) => world.createPeer(this, link, initiator),
      signalPeer: (link, description) => world.signalPeer(this, link, description),
      openPass: (link, pass) => world.openPass(this, link, pass),
      send: (link, data) => this.carriers.get(link)?.send(data),
      closeLink: (link) => {
        this.carriers.get(link)?.close();
        this.carriers.delete(link);
      },
      fetchConsensus: () => world.fetchConsensus(this),
      event: (event) => {
        this.events.push(event);
        for (const listener of this.listeners) listener(event);
      },
      trace: (trace) => void this.traces.push(trace),
      ticket: (job, exit, tag) => {
        this.driver.input({ type: 'ticketed', job, presentation: this.present(exit, tag) });
      },
      verify: (job, claim, proof) => {
        this.driver.input({ type: 'verified', job, valid: this.verifies(claim, proof) });
      },
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

  seen<T extends NodeEvent['type']>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  get inboxes(): InboxRef[] {
    return this.seen('inboxes').at(-1)?.inboxes ?? [];
  }
}
