import { hex } from '../bytes/bytes.ts';
import { RemoteError } from '../errors.ts';
import type { Millis } from '../units.ts';

const MAX_PER_CIRCUIT = 4;

/** Introductions per tag: this many at once, then one in INTRODUCTION_MS. */
const INTRODUCTION_BURST = 30;
const INTRODUCTION_MS: Millis = 2000;

type Inbox<Owner> = {
  owner: Owner | undefined;
  leaseEnds: Millis;
  tokens: number;
  countedAt: Millis;
  /** The work that the lease was last given for. */
  work: number | undefined;
};

/** For how long, and for what work if it was work. */
export type Terms = { leaseMs: Millis; work?: number | undefined };

/**
 * The inboxes that users hold at this exit, in memory alone: tag → the end of the owner's circuit. Each takes a place
 * until its lease ends or its owner gives it up; that its circuit is lost frees none, for the owner comes back by another.
 */
export class InboxTable<Owner> {
  readonly places: number;
  readonly #inboxes = new Map<string, Inbox<Owner>>();

  constructor(places: number) {
    this.places = places;
  }

  /** Places taken. */
  get size(): number {
    return this.#inboxes.size;
  }

  /** When the next place is free, if no lease is renewed. */
  get nextEnd(): Millis {
    let next = Infinity;
    for (const { leaseEnds } of this.#inboxes.values()) next = Math.min(next, leaseEnds);
    return next;
  }

  has(tag: Uint8Array): boolean {
    return this.#inboxes.has(hex(tag));
  }

  /** Whether this work gave the tag its lease. */
  hasSpent(tag: Uint8Array, work: number): boolean {
    return this.#inboxes.get(hex(tag))?.work === work;
  }

  /** Throws `too-many` when this circuit holds enough inboxes to be given no further one. */
  checkRoom(tag: Uint8Array, owner: Owner): void {
    if (this.#inboxes.get(hex(tag))?.owner === owner) return;
    const held = [...this.#inboxes.values()].filter((inbox) => inbox.owner === owner).length;
    if (held >= MAX_PER_CIRCUIT) throw new RemoteError('too-many', 'inboxes on a circuit');
  }

  /** Opens, or renews, also from a new circuit; the caller has checked the signature. Throws `too-many`. */
  open(tag: Uint8Array, owner: Owner, now: Millis, { leaseMs, work }: Terms): void {
    this.checkRoom(tag, owner);
    const key = hex(tag);
    const known = this.#inboxes.get(key);
    if (!known && this.size >= this.places) throw new RemoteError('too-many', 'inboxes here');
    const { tokens, countedAt } = known ?? { tokens: INTRODUCTION_BURST, countedAt: now };
    this.#inboxes.set(key, { owner, leaseEnds: now + leaseMs, tokens, countedAt, work });
  }

  /** The lease goes on from this circuit, as long as it did. Throws `not-found` or `too-many`. */
  resume(tag: Uint8Array, owner: Owner): void {
    this.checkRoom(tag, owner);
    const known = this.#inboxes.get(hex(tag));
    if (!known) throw new RemoteError('not-found', 'no such inbox');
    known.owner = owner;
  }

  /** The owner of the inbox. Throws `not-found`, `unreachable` (its owner is away) or `too-many`. */
  introduce(tag: Uint8Array, now: Millis): Owner {
    const inbox = this.#inboxes.get(hex(tag));
    if (!inbox || inbox.leaseEnds <= now) throw new RemoteError('not-found', 'no such inbox');
    if (!inbox.owner) throw new RemoteError('unreachable', 'the owner of the inbox is away');
    const earned = (now - inbox.countedAt) / INTRODUCTION_MS;
    inbox.tokens = Math.min(INTRODUCTION_BURST, inbox.tokens + earned);
    inbox.countedAt = now;
    if (inbox.tokens < 1) throw new RemoteError('too-many', 'introductions');
    inbox.tokens -= 1;
    return inbox.owner;
  }

  /** The circuit ended; its inboxes wait for a new one until their leases end. */
  release(owner: Owner): void {
    for (const inbox of this.#inboxes.values()) if (inbox.owner === owner) inbox.owner = undefined;
  }

  /** The owner wants none of its inboxes on this circuit any more. False if there was none. */
  giveUp(owner: Owner): boolean {
    const { size } = this;
    for (const [key, inbox] of this.#inboxes) if (inbox.owner === owner) this.#inboxes.delete(key);
    return this.size < size;
  }

  /** Frees the places whose leases are over. */
  sweep(now: Millis): void {
    for (const [key, inbox] of this.#inboxes) if (inbox.leaseEnds <= now) this.#inboxes.delete(key);
  }
}
