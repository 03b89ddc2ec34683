import type { Millis, NodeId } from '#shared/units.ts';

/**
 * What the directory keeps, behind two ports: `live` holds what is alive and expires by itself, `archive` what must
 * survive. Every call may go over a network, so every one is asynchronous, and none needs more than one record to
 * change at once. Several server processes may share both. A call that the engine fails throws `storage`.
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

/** Takes what is due to a circuit of this process. */
export type Delivery = (circuit: number, body: Uint8Array) => void;

/** Bodies that may wait for one circuit until its process takes them; of more the oldest is dropped. */
export const MOST_WAITING = 64;

export type Live = {
  /** Puts the node's presence in place of any older one; it is gone `ttlMs` later. */
  setPresence(presence: Presence, ttlMs: Millis): Promise<void>;
  presence(node: NodeId): Promise<Presence | undefined>;
  presences(): Promise<Presence[]>;
  presenceCount(): Promise<number>;
  removePresence(node: NodeId): Promise<void>;

  /**
   * Adds a circuit to those that take what is sent to `address`; of more than `most` the oldest gives way. It is gone
   * `ttlMs` later unless it is added again, which leaves it at its place.
   */
  addRoute(address: string, route: Route, most: number, ttlMs: Millis): Promise<void>;
  removeRoute(address: string, route: Route): Promise<void>;
  /** Oldest first. */
  routes(address: string): Promise<Route[]>;

  /** Names the one taker of what is due to circuits of `process`, until the returned function is called. */
  attach(process: string, delivery: Delivery): Promise<() => Promise<void>>;
  /**
   * Queues `body` for a circuit; false when no such process is attached, which of one that died shows within 10 s.
   * Bodies for one circuit arrive once, in their order.
   */
  deliver(route: Route, body: Uint8Array): Promise<boolean>;

  /**
   * Makes `process` the leader for `ttlMs`, or keeps it so. Answers with its fencing token while it leads, else undefined.
   * A token is above `floor` and above every one that another leader had; it stays the same as long as the leadership does.
   */
  lead(process: string, ttlMs: Millis, floor: number): Promise<number | undefined>;
  /** Gives the leadership up, if it is this process's. */
  retire(process: string): Promise<void>;

  /**
   * Claims a name for `value`, unless it is claimed already: answers with the value that stands. Of several at once exactly one
   * claims it. It is free again `ttlMs` later.
   */
  claim(name: string, value: Uint8Array, ttlMs: Millis): Promise<Uint8Array>;
  /** The value that stands, if the name is claimed. */
  claimed(name: string): Promise<Uint8Array | undefined>;

  /** True for one caller each time that the store has come up empty: what was alive has to be put back. */
  wasEmptied(): Promise<boolean>;

  /** Throws `storage` while the engine is away. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

/** One signed consensus of the chain; `fence` is the token of the leader that made it. */
export type ConsensusRecord = {
  sequence: number;
  fence: number;
  time: Millis;
  hash: Uint8Array;
  bytes: Uint8Array;
};

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

/** One sealed message that waits for its reader. */
export type MailRecord = {
  /** 32 bytes: the hash of the reader's mailbox key. */
  mailbox: Uint8Array;
  /** 16 bytes, the sender's choice: the same message sent again is stored once. */
  id: Uint8Array;
  blob: Uint8Array;
  /** When it was stored. */
  at: Millis;
  expires: Millis;
};

/** An opaque record (a profile, a part of a backup) under an id that only its owner and those it told can compute. */
export type SealedRecord = {
  /** 32 bytes. */
  id: Uint8Array;
  /** The Ed25519 key that signed it. */
  key: Uint8Array;
  revision: number;
  blob: Uint8Array;
  signature: Uint8Array;
  expires: Millis;
};

/** A name that somebody took. */
export type HandleRecord = {
  name: string;
  /** The Ed25519 key that owns it. */
  key: Uint8Array;
  revision: number;
  /** What the name leads to, as its owner signed it. */
  content: Uint8Array;
  signature: Uint8Array;
  /** From here on it is free. */
  expires: Millis;
};

/** Something that an operator may want to know later: a code and a count, and nothing of anybody. */
export type EventRecord = { time: Millis; process: string; event: string; code: string; count: number };

/**
 * What a sweep removes: expired descriptors, mail, records, handles and documents; nodes last seen, consensuses made and events logged
 * before these times; the latest consensus stays.
 */
export type SweepBounds = { now: Millis; nodesBefore: Millis; chainBefore: Millis; eventsBefore: Millis };

/** Something that is fixed once it is stored: an audit's plan, its outcomes, the scores of an epoch. */
export type DocumentRecord = {
  /** ASCII without spaces, at most 128 characters, its parts separated by `/`. */
  id: string;
  bytes: Uint8Array;
  expires: Millis;
};

/** Comes after every id that begins with the prefix, for it ends in more than an id may hold. */
export const pastPrefix = (prefix: string): string => `${prefix}\u007f`;

export type Archive = {
  /** Claims the record's sequence number for it: false, and nothing is stored, when that is taken. */
  appendConsensus(record: ConsensusRecord): Promise<boolean>;
  latestConsensus(): Promise<ConsensusRecord | undefined>;
  /** Sequence number of the latest consensus; 0 when there is none. */
  latestSequence(): Promise<number>;

  /** Stores a higher revision than the one that stands under the same id: false, and nothing is stored, otherwise. */
  putDescriptor(record: DescriptorRecord): Promise<boolean>;
  descriptor(id: Uint8Array, now: Millis): Promise<DescriptorRecord | undefined>;
  descriptorCount(): Promise<number>;

  /** Puts each record in place of the node's older one. */
  putNodes(records: NodeRecord[]): Promise<void>;
  removeNode(node: NodeId): Promise<void>;
  /** Those last seen at or after `from`, in the order of their ids. */
  nodes(from: Millis): Promise<NodeRecord[]>;

  /**
   * Stores a message. `full`, and nothing is stored, when the mailbox would hold more than `quota` bytes of blobs; a
   * message whose id stands there already is `stored` and changes nothing.
   */
  deposit(record: MailRecord, quota: number): Promise<'stored' | 'full'>;
  /** At most `most` of the mailbox's messages, in the order in which they were stored. */
  mail(mailbox: Uint8Array, most: number, now: Millis): Promise<MailRecord[]>;
  /** Messages that are not there are passed over. */
  removeMail(mailbox: Uint8Array, ids: Uint8Array[]): Promise<void>;

  /** Stores a higher revision than the one that stands under the same id: false, and nothing is stored, otherwise. */
  putRecord(record: SealedRecord): Promise<boolean>;
  record(id: Uint8Array, now: Millis): Promise<SealedRecord | undefined>;

  /**
   * Stores it when the name is free at `now`, or is the same key's with a lower revision: false, and nothing is stored,
   * otherwise.
   */
  putHandle(record: HandleRecord, now: Millis): Promise<boolean>;
  handle(name: string, now: Millis): Promise<HandleRecord | undefined>;

  /** False, and nothing is stored, when a document stands under that id. */
  putDocument(document: DocumentRecord): Promise<boolean>;
  document(id: string, now: Millis): Promise<DocumentRecord | undefined>;
  /** Those whose ids begin with `prefix`, in the order of their ids. */
  documents(prefix: string, now: Millis): Promise<DocumentRecord[]>;

  addEvents(events: EventRecord[]): Promise<void>;
  /** Those logged at or after `from`, oldest first. */
  events(from: Millis): Promise<EventRecord[]>;

  sweep(bounds: SweepBounds): Promise<void>;

  /** Throws `storage` while the engine is away. */
  ping(): Promise<void>;
  close(): Promise<void>;
};
