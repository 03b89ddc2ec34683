import { equal, hex } from '#shared/bytes/bytes.ts';
import { LocalError } from '#shared/errors.ts';
import type { Party } from '#web/core/contacts/safety.ts';
import type { Change } from '#web/core/store/ports.ts';
import { Channels } from '#web/core/conversation/channels.ts';
import { MESSAGE_ID_LENGTH } from '#web/core/conversation/content.ts';
import { Draft } from '#web/core/conversation/draft.ts';
import { erasureOf } from '#web/core/conversation/whole.ts';
import { decodeFrame, type Frame } from '#web/core/conversation/frames.ts';
import { takeAck, takeItem } from '#web/core/conversation/incoming.ts';
import { commits, groupIdOfGroup, isSettled, partiesOf } from '#web/core/conversation/mls.ts';
import {
  markStored,
  takeMail,
  takeOutgoing,
  WINDOW,
  type Mail,
  type Outgoing,
  type Taken,
} from '#web/core/conversation/outgoing.ts';
import { viewOf, type MessageEventRecord, type State } from '#web/core/conversation/records.ts';
import type { SessionEnv } from '#web/core/conversation/session-env.ts';

/** Items of one who waits to be let in, at most; the rest is for later. */
export const MOST_ASKING = 16;

/** What comes with a new group: changes to other tables, and what the conversation shows of it. */
export type Adopted = { changes: readonly Change[]; event?: MessageEventRecord | undefined };

/**
 * The stream between two contacts: every item arrives once, in order, over whatever channels and mail there are, across
 * crashes of either side. Each operation works out the next state, stores it by one atomic write, and only then lets
 * frames leave; so a frame that was sent is never unknown to its sender, and an item that was acknowledged never to its
 * receiver. Operations run one after another. One that rejects has changed nothing.
 */
export class Stream {
  readonly id: string;
  protected readonly env: SessionEnv;
  protected state: State;
  protected readonly channels = new Channels();
  #ackDue = false;
  /** Items of the contact's of which an ack has gone out in this life. */
  #told = 0;
  #erased = false;
  readonly #early = new Map<number, Uint8Array>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(env: SessionEnv, state: State) {
    this.env = env;
    this.state = state;
    this.id = hex(state.conversation.contact);
    this.#told = state.conversation.told;
  }

  get contact(): Uint8Array {
    return this.state.conversation.contact;
  }

  get groupId(): Uint8Array {
    return groupIdOfGroup(this.state.conversation.group);
  }

  /** This user and the contact, as the group has them. */
  get parties(): { own: Party; other: Party } {
    return partiesOf(this.state.conversation.group);
  }

  /** True for the id of a group that this conversation has left for another. */
  left(groupId: Uint8Array): boolean {
    return this.state.conversation.former.some((former) => equal(former, groupId));
  }

  /** True when the contact was invited into a group of this side's making, and has not yet shown to be in it. */
  get waiting(): boolean {
    return this.state.conversation.welcome !== undefined;
  }

  /** The token of the invite that the waiting welcome names. */
  get invitation(): Uint8Array | undefined {
    const { welcome } = this.state.conversation;
    const frame = welcome && decodeFrame(welcome);
    return frame?.type === 'welcome' ? frame.token : undefined;
  }

  /** True when this side made the group. */
  get creator(): boolean {
    return commits(this.state.conversation.group);
  }

  /** True when this side's state of the group came from a copy: nothing is sent or taken until `adopt`. */
  get stale(): boolean {
    return this.state.conversation.stale;
  }

  /** True when `flushAcks`, or mail, has something to say. */
  get acksDue(): boolean {
    return this.#ackDue;
  }

  /** True when `undelivered` may have something. */
  get mailDue(): boolean {
    const { outbox, conversation } = this.state;
    if (this.stale) return false;
    return outbox.length > 0 || this.waiting || this.#ackDue || conversation.delivered > this.#told;
  }

  /** Own messages, and other items, that the contact has not acknowledged. */
  get unacknowledged(): number {
    return this.state.outbox.length;
  }

  /** Nothing is held back any more, or less than before: it leaves. */
  async released(): Promise<void> {
    await this.flushAcks();
    this.#changed();
  }

  /** A channel to the contact is open. It is introduced, and gets everything that was not acknowledged. */
  opened(channel: number): Promise<void> {
    return this.run(() => {
      this.#attach(channel);
    });
  }

  closed(channel: number): Promise<void> {
    return this.run((draft) => {
      if (this.channels.detach(channel, draft.conversation.acked)) this.#changed();
    });
  }

  /**
   * A frame with this session's group id, on a channel, which becomes one of its channels if it was none, or by mail,
   * without one. Throws RemoteError, after which the channel should be closed: `malformed`, `bad-layer`,
   * `bad-signature`, `refused`, `unexpected`.
   */
  receive(channel: number | undefined, bytes: Uint8Array): Promise<void> {
    return this.run(async (draft) => {
      const frame = decodeFrame(bytes);
      // What is still under way of a group that lost against this one.
      if (!equal(frame.groupId, this.groupId)) return;
      if (!draft.conversation.stale) await this.#take(draft, frame);
      if (channel !== undefined && !this.channels.includes(channel)) this.#attach(channel);
    });
  }

  /** Tells the contact what was taken. For the caller to time: after a burst, or a short while after a first item. */
  flushAcks(): Promise<void> {
    return this.run((draft) => {
      draft.acknowledges = this.#ackDue;
    });
  }

  /** What the contact does not have, as frames to go by mail; whatever waited is sealed, and stored so. */
  async undelivered(): Promise<Mail> {
    let mail: Mail = { welcome: undefined, items: [], ack: undefined };
    await this.run(async (draft) => {
      const held = this.env.holds(this.id);
      if (draft.conversation.stale || held === 'everything') return;
      const acks = this.#ackDue || draft.conversation.delivered > this.#told;
      mail = await takeMail(draft, { acks, held: held !== undefined, rng: this.env.rng });
    });
    return mail;
  }

  /** The directory has taken this of it as mail: items by their numbers, an ack by its `upTo`. */
  markStored(taken: Taken): Promise<void> {
    return this.run((draft) => {
      markStored(draft, taken, this.env.now());
      if (taken.ack === undefined) return;
      this.#told = Math.max(this.#told, taken.ack);
      this.#ackDue &&= draft.conversation.delivered > taken.ack;
    });
  }

  /** Renews the keys of both leaves: by a commit of the creator's, or a proposal of the other's. */
  renewKeys(): Promise<void> {
    return this.run(async (draft) => {
      // One at a time: an epoch more than the contact can know would close its acks to us.
      if (draft.outbox.some(({ envelope }) => envelope === undefined)) return;
      if (this.waiting || this.stale || !isSettled(draft.conversation.group)) return;
      await (commits(draft.conversation.group) ? draft.commit() : draft.propose());
    });
  }

  /**
   * The conversation goes on in another group: the contact's in the place of one that nobody joined, or a new one after
   * either side lost its state of the last. What was to be sent is sealed again, under the same message ids.
   */
  adopt(fresh: State, extra: () => Adopted): Promise<void> {
    return this.run((draft) => {
      const { changes, event } = extra();
      draft.adopt(fresh);
      draft.extra.push(...changes);
      const id = this.env.rng(MESSAGE_ID_LENGTH);
      const now = this.env.now();
      if (event) draft.thread.append({ id, mine: false, event, sentAt: now, state: 'delivered' }, now);
      this.#early.clear();
      this.#told = 0;
      this.channels.restart();
    });
  }

  /** Nothing of the conversation is kept; what is made of its last state is written with that. What comes after it in turn is refused. */
  erase(make: (last: State) => readonly Change[]): Promise<void> {
    const done = this.#tail.then(async () => {
      await this.env.store.write([...erasureOf(this.state), ...make(this.state)]);
      this.#erased = true;
    });
    this.#tail = done.catch(() => undefined);
    return done;
  }

  stop(): void {
    this.#early.clear();
  }

  protected run(work: (draft: Draft) => void | Promise<void>): Promise<void> {
    const done = this.#tail.then(async () => {
      if (this.#erased) throw new LocalError('unknown-conversation');
      const draft = new Draft(this.state, this.env.now());
      await work(draft);
      draft.finish();
      for (const envelope of draft.taken) draft.extra.push(...this.env.keep(this.contact, envelope));
      for (const message of draft.thread.dropped) draft.extra.push(...this.env.drop(message));
      const { holds, rng, now } = this.env;
      const due = await takeOutgoing(draft, this.channels, { held: holds(this.id), rng, now: now() });
      const changes = draft.changes();
      if (changes.length > 0) await this.env.store.write(changes);
      this.#apply(draft, due);
    });
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** The state is another. */
  protected applied(_: Draft): void {
    // Nothing follows from it for the stream itself.
  }

  #attach(channel: number): void {
    this.channels.attach(channel, this.state.conversation.acked);
    this.#changed();
  }

  #changed(): void {
    this.env.emit({ type: 'conversation', conversation: this.id });
  }

  async #take(draft: Draft, frame: Frame): Promise<void> {
    if (frame.type === 'ack') takeAck(draft, frame, this.env.now());
    else if (frame.type === 'item') await this.#item(draft, frame.seq, frame.ciphertext);
    else this.#ackDue = true;
  }

  async #item(draft: Draft, seq: number, ciphertext: Uint8Array): Promise<void> {
    const { delivered } = draft.conversation;
    if (this.env.holds(this.id) === 'everything' && seq >= MOST_ASKING) return;
    if (seq <= delivered) this.#ackDue = true;
    if (seq > delivered && seq < delivered + WINDOW) this.#early.set(seq, ciphertext);
    if (seq !== delivered) return;
    const taking = { now: this.env.now(), receipts: this.env.receipts() };
    await takeItem(draft, seq, ciphertext, taking);
    for (;;) {
      const next = draft.conversation.delivered;
      const held = this.#early.get(next);
      this.#early.delete(next);
      if (!held) return;
      await takeItem(draft, next, held, taking);
    }
  }

  #apply(draft: Draft, { frames, items, acks }: Outgoing): void {
    const changed = draft.conversationChanged || draft.thread.isChanged;
    this.state = draft.result();
    for (const { seq } of items) this.channels.went(seq);
    if (acks) {
      this.#ackDue = false;
      this.#told = Math.max(this.#told, this.state.conversation.delivered);
    }
    const silent = this.state.conversation.stale || this.env.holds(this.id) === 'everything';
    if (!silent) this.channels.introduce &&= !this.channels.any;
    const channel = this.channels.newest;
    if (channel !== undefined) for (const frame of frames) this.env.send(channel, frame);
    this.#tell(draft);
    this.applied(draft);
    if (changed) this.#changed();
  }

  #tell({ thread, taken }: Draft): void {
    for (const message of thread.changed.values())
      this.env.emit({ type: 'message', message: viewOf(message) });
    if (thread.gone.length > 0) this.env.emit({ type: 'gone', conversation: this.id, messages: thread.gone });
    for (const envelope of taken) this.env.emit({ type: 'taken', conversation: this.id, envelope });
  }
}
