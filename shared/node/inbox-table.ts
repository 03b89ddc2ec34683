import { hex } from '../bytes/bytes.ts';
import { RemoteError } from '../errors.ts';
import type { Millis } from '../units.ts';
import { LEASE_MS } from './limits.ts';

const MAX_INBOXES = 1024;
const MAX_PER_CIRCUIT = 4;

/** Introductions per tag: this many at once, then one in INTRODUCTION_MS. */
const INTRODUCTION_BURST = 30;
const INTRODUCTION_MS: Millis = 2000;

type Inbox<Owner> = { owner: Owner | undefined; leaseEnds: Millis; tokens: number; countedAt: Millis };

/** The inboxes that users hold at this exit, in memory alone: tag → the end of the owner's circuit. */
export class InboxTable<Owner> {
  readonly #inboxes = new Map<string, Inbox<Owner>>();

  get size(): number {
    return this.#inboxes.size;
  }

  /** Opens, renews or, from a new circuit, resumes; the caller has checked the signature. Throws `too-many`. */
  open(tag: Uint8Array, owner: Owner, now: Millis): void {
    this.#sweep(now);
    const key = hex(tag);
    const known = this.#inboxes.get(key);
    const held = [...this.#inboxes.values()].filter((inbox) => inbox.owner === owner).length;
    if (known?.owner !== owner && held >= MAX_PER_CIRCUIT)
      throw new RemoteError('too-many', 'inboxes on a circuit');
    if (!known && this.#inboxes.size >= MAX_INBOXES) throw new RemoteError('too-many', 'inboxes here');
    const { tokens, countedAt } = known ?? { tokens: INTRODUCTION_BURST, countedAt: now };
    this.#inboxes.set(key, { owner, leaseEnds: now + LEASE_MS, tokens, countedAt });
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

  #sweep(now: Millis): void {
    for (const [key, inbox] of this.#inboxes) if (inbox.leaseEnds <= now) this.#inboxes.delete(key);
  }
}
