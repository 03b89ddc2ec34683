import type { Millis, NodeId } from '#shared/units.ts';

/**
 * What the directory keeps, behind two ports: `live` holds what is alive and expires by itself, `archive` what must
 * survive. Every call may go over a network, so every one is asynchronous, and none needs more than one record to
 * change at once. A call that the engine fails throws `storage`.
 */

/** A node of which a heartbeat came within its time to live. */
export type Presence = {
  node: NodeId;
  /** The signed descriptor as it came. */
  descriptor: Uint8Array;
  /** When the node signed it. */
  published: Millis;
  /** Since when the node has been present without a break. */
  since: Millis;
  /** When it last spoke. */
  seen: Millis;
};

/** One circuit of one server process. */
export type Route = { process: string; circuit: number };

/** Takes what is due to a circuit of this process; false when the circuit is gone. */
export type Delivery = (circuit: number, body: Uint8Array) => boolean;

export type Live = {
  /** Puts the node's presence in place of any older one; it is gone `ttlMs` later. */
  setPresence(presence: Presence, ttlMs: Millis): Promise<void>;
  presence(node: NodeId): Promise<Presence | undefined>;
  presences(): Promise<Presence[]>;
  presenceCount(): Promise<number>;
  removePresence(node: NodeId): Promise<void>;

  /** Adds a circuit to those that take what is sent to `address`; of more than `most` the oldest gives way. */
  addRoute(address: string, route: Route, most: number): Promise<void>;
  removeRoute(address: string, route: Route): Promise<void>;
  /** Oldest first. */
  routes(address: string): Promise<Route[]>;

  /** Names the one taker of what is due to circuits of `process`, until the returned function is called. */
  attach(process: string, delivery: Delivery): Promise<() => Promise<void>>;
  /** Hands `body` to the process that holds the circuit; false when no such process or circuit is left. */
  deliver(route: Route, body: Uint8Array): Promise<boolean>;

  close(): Promise<void>;
};

/** One signed consensus of the chain. */
export type ConsensusRecord = { sequence: number; time: Millis; hash: Uint8Array; bytes: Uint8Array };

/** A contact descriptor as it was published; only its owner could sign it and no one here can read it. */
export type DescriptorRecord = {
  /** 32 bytes. */
  id: Uint8Array;
  blindedKey: Uint8Array;
  period: number;
  revision: number;
  blob: Uint8Array;
  signature: Uint8Array;
  /** From here on it is not served, and the next sweep removes it. */
  expires: Millis;
};

/** What is remembered of a presence beyond the life of a process. */
export type NodeRecord = Presence;

/** What a sweep removes: expired descriptors, nodes last seen and consensuses made before these times; the latest consensus stays. */
export type SweepBounds = { now: Millis; nodesBefore: Millis; chainBefore: Millis };

export type Archive = {
  /** Claims the record's sequence number for it: false, and nothing is stored, when that is taken. */
  appendConsensus(record: ConsensusRecord): Promise<boolean>;
  latestConsensus(): Promise<ConsensusRecord | undefined>;

  /** Stores a higher revision than the one that stands under the same id: false, and nothing is stored, otherwise. */
  putDescriptor(record: DescriptorRecord): Promise<boolean>;
  descriptor(id: Uint8Array, now: Millis): Promise<DescriptorRecord | undefined>;
  descriptorCount(): Promise<number>;

  /** Puts each record in place of the node's older one. */
  putNodes(records: NodeRecord[]): Promise<void>;
  removeNode(node: NodeId): Promise<void>;
  /** Those last seen at or after `from`, in the order of their ids. */
  nodes(from: Millis): Promise<NodeRecord[]>;

  sweep(bounds: SweepBounds): Promise<void>;

  close(): Promise<void>;
};
