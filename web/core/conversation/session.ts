import { equal, hex } from '#shared/bytes/bytes.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { LocalError, type Code } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { MessageView } from '#web/api.ts';
import type { Change, Store } from '#web/core/store/ports.ts';
import type { Content, Envelope } from '#web/core/conversation/content.ts';
import { Draft } from '#web/core/conversation/draft.ts';
import { decodeFrame } from '#web/core/conversation/frames.ts';
import { takeAck, takeItem } from '#web/core/conversation/incoming.ts';
import { commits, groupIdOfGroup, maySend } from '#web/core/conversation/mls.ts';
import { ackFrame, newEnvelope, takeDue, WINDOW, type Due } from '#web/core/conversation/outgoing.ts';
import { entered, viewOf, type State } from '#web/core/conversation/records.ts';

export type SessionEvent =
  | { type: 'message'; message: MessageView }
  /** The contact said something whose effect is not on messages; whatever `keep` made of it is stored. */
  | { type: 'taken'; conversation: string; envelope: Envelope }
  /** Something of `Session.summary` changed. */
  | { type: 'conversation'; conversation: string };

/** What a session stands on. `send` hands a frame to an open channel and never throws; a closed one takes it and drops it. */
export type SessionEnv = {
  store: Store;
  rng: Rng;
  now: () => Millis;
  send: (channel: number, frame: Uint8Array) => void;
  /** What a content whose effect is not on messages changes in other tables, written with the conversation that it came in. */
  keep: (contact: Uint8Array, envelope: Envelope) => readonly Change[];
  emit: (event: SessionEvent) => void;
};

export type SessionSummary = {
  id: string;
  contact: Uint8Array;
  name: string;
  state: 'requested' | 'active';
  reachable: boolean;
  unread: number;
  last: MessageView | null;
  /** Items sent since this session was loaded, and how many of those for another time. */
  sent: number;
  resent: number;
};

type Answering = { replyTo?: Uint8Array; expires?: Millis };
type Outgoing = { frames: Uint8Array[]; items: Due[]; acks: boolean };

/**
 * One conversation of two: every message arrives once, in order, over whatever channels there are, across crashes of
 * either side. Each operation works out the next state, stores it by one atomic write, and only then lets frames
 * leave; so a frame that was sent is never unknown to its sender, and an item that was acknowledged never to its
 * receiver. Operations run one after another. One that rejects has changed nothing.
 */
export class Session {
  readonly id: string;
  readonly #env: SessionEnv;
  #state: State;
  /** Open channels, the newest last: that one is used. */
  readonly #channels: number[] = [];
  /** Items before this have gone out on the newest channel. */
  #sentTo = 0;
  #furthest = 0;
  #sent = 0;
  #resent = 0;
  #ackDue = false;
  #introduce = false;
  readonly #early = new Map<number, Uint8Array>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(env: SessionEnv, state: State) {
    this.#env = env;
    this.#state = state;
    this.id = hex(state.conversation.contact);
  }

  get contact(): Uint8Array {
    return this.#state.conversation.contact;
  }

  get groupId(): Uint8Array {
    return groupIdOfGroup(this.#state.conversation.group);
  }

  /** True when the contact was invited into a group of this side's making, and has not yet shown to be in it. */
  get waiting(): boolean {
    return this.#state.conversation.welcome !== undefined;
  }

  /** True when this side made the group. */
  get creator(): boolean {
    return commits(this.#state.conversation.group);
  }

  /** True when `flushAcks` has something to say. */
  get acksDue(): boolean {
    return this.#ackDue;
  }

  get summary(): SessionSummary {
    const { contact, name, active, readTo } = this.#state.conversation;
    const messages = [...this.#state.messages.values()];
    const last = messages.at(-1);
    return {
      id: this.id,
      contact,
      name,
      state: active ? 'active' : 'requested',
      reachable: this.#channels.length > 0,
      unread: messages.filter(({ mine, position }) => !mine && position >= readTo).length,
      last: last ? viewOf(last) : null,
      sent: this.#sent,
      resent: this.#resent,
    };
  }

  messages(): MessageView[] {
    return [...this.#state.messages.values()].map(viewOf);
  }

  /** Own messages, and other items, that the contact has not acknowledged. */
  get unacknowledged(): number {
    return this.#state.outbox.length;
  }

  /** A channel to the contact is open. It is introduced, and gets everything that was not acknowledged. */
  opened(channel: number): Promise<void> {
    return this.#run(() => {
      this.#attach(channel);
    });
  }

  closed(channel: number): Promise<void> {
    return this.#run((draft) => {
      const at = this.#channels.indexOf(channel);
      if (at < 0) return;
      const newest = at === this.#channels.length - 1;
      this.#channels.splice(at, 1);
      if (newest) this.#sentTo = draft.conversation.acked;
      this.#changed();
    });
  }

  /**
   * A frame with this session's group id. A channel that is new to the session becomes one of its channels. Throws
   * RemoteError, after which the channel should be closed: `malformed`, `bad-layer`, `bad-signature`, `refused`,
   * `unexpected`.
   */
  receive(channel: number, bytes: Uint8Array): Promise<void> {
    return this.#run(async (draft) => {
      const frame = decodeFrame(bytes);
      // What is still under way of a group that lost against this one.
      if (!equal(frame.groupId, groupIdOfGroup(draft.conversation.group))) return;
      if (frame.type === 'ack') takeAck(draft, frame, this.#env.now());
      else if (frame.type === 'item') await this.#item(draft, frame.seq, frame.ciphertext);
      else this.#ackDue = true;
      if (!this.#channels.includes(channel)) this.#attach(channel);
    });
  }

  /** Tells the contact what was taken. For the caller to time: after a burst, or a short while after a first item. */
  flushAcks(): Promise<void> {
    return this.#run((draft) => {
      draft.acknowledges = this.#ackDue;
    });
  }

  /** Throws LocalError `too-long`. The message is stored when this resolves, whether or not a channel is open. */
  async send(text: string, { replyTo, expires }: Answering = {}): Promise<MessageView> {
    const now = this.#env.now();
    const { id, envelope } = newEnvelope(this.#env.rng, now, { type: 'text', text, replyTo, expires });
    await this.#run((draft) => {
      draft.append({ id, mine: true, text, sentAt: now, state: 'queued', replyTo, expires }, now);
      draft.enqueue('text', id, envelope);
    });
    const message = this.#state.messages.get(hex(id));
    if (!message) throw new LocalError('internal', 'a message that was stored is gone');
    return viewOf(message);
  }

  /** Tells the contact what is no message. Throws LocalError `too-long`. `extra` is written with it. */
  async tell(content: Content, extra: readonly Change[] = []): Promise<void> {
    const { id, envelope } = newEnvelope(this.#env.rng, this.#env.now(), content);
    await this.#run((draft) => {
      draft.enqueue(content.type, id, envelope);
      draft.extra.push(...extra);
    });
  }

  markRead(): Promise<void> {
    return this.#run((draft) => {
      const { nextPosition, readTo } = draft.conversation;
      if (readTo < nextPosition) draft.set({ readTo: nextPosition });
    });
  }

  /** The contact can't be reached for good, as far as can be told: everything undelivered has failed. */
  fail(reason: Code): Promise<void> {
    return this.#run((draft) => {
      for (const message of draft.allMessages()) {
        if (message.mine && (message.state === 'queued' || message.state === 'sending')) {
          draft.put(entered(message, 'failed', this.#env.now(), reason));
        }
      }
    });
  }

  /** Another try for a message that failed. Throws LocalError `not-found`. */
  retry(messageId: string): Promise<void> {
    return this.#run((draft) => {
      const message = draft.message(messageId);
      if (!message?.mine) throw new LocalError('not-found', 'no such message');
      if (message.state !== 'failed') return;
      draft.put(entered(message, 'queued', this.#env.now()));
      this.#sentTo = draft.conversation.acked;
    });
  }

  /** Renews the keys of both leaves: by a commit of the creator's, or a proposal of the other's. */
  renewKeys(): Promise<void> {
    return this.#run(async (draft) => {
      // One at a time: an epoch more than the contact can know would close its acks to us.
      if (draft.outbox.some(({ envelope }) => envelope === undefined)) return;
      if (this.waiting || !maySend(draft.conversation.group)) return;
      await (commits(draft.conversation.group) ? draft.commit() : draft.propose());
    });
  }

  /**
   * The contact's group replaces this side's own, which nobody joined: what was to be sent is sealed again in the new
   * one, under the same message ids.
   */
  adopt(fresh: State, extra: readonly Change[]): Promise<void> {
    return this.#run((draft) => {
      const { nextOrder, nextPosition, readTo } = draft.conversation;
      draft.conversation = { ...fresh.conversation, nextPosition, readTo, nextOrder: nextOrder + 1 };
      const waiting = draft.outbox.filter(({ envelope }) => envelope !== undefined);
      const [proposal] = fresh.outbox;
      draft.outbox = waiting.map((entry) => ({ ...entry, sealed: undefined }));
      if (proposal) draft.outbox.push({ ...proposal, order: nextOrder });
      draft.extra.push(...extra);
      this.#early.clear();
      this.#sentTo = 0;
      this.#furthest = 0;
    });
  }

  #attach(channel: number): void {
    const known = this.#channels.indexOf(channel);
    if (known >= 0) this.#channels.splice(known, 1);
    this.#channels.push(channel);
    this.#sentTo = this.#state.conversation.acked;
    this.#introduce = true;
    this.#changed();
  }

  #changed(): void {
    this.#env.emit({ type: 'conversation', conversation: this.id });
  }

  async #item(draft: Draft, seq: number, ciphertext: Uint8Array): Promise<void> {
    const { delivered } = draft.conversation;
    if (seq <= delivered) this.#ackDue = true;
    if (seq > delivered && seq < delivered + WINDOW) this.#early.set(seq, ciphertext);
    if (seq !== delivered) return;
    await takeItem(draft, seq, ciphertext, this.#env.now());
    for (;;) {
      const next = draft.conversation.delivered;
      const held = this.#early.get(next);
      this.#early.delete(next);
      if (!held) return;
      await takeItem(draft, next, held, this.#env.now());
    }
  }

  /** What the newest channel is due: an introduction, an ack, then items within the window. */
  #due(draft: Draft): Outgoing {
    if (this.#channels.length === 0) return { frames: [], items: [], acks: false };
    const { welcome } = draft.conversation;
    const acks = draft.acknowledges || (this.#introduce && !welcome);
    const frames = this.#introduce && welcome ? [welcome] : acks ? [ackFrame(draft, this.#env.rng)] : [];
    const items = takeDue(draft, Math.max(this.#sentTo, draft.conversation.acked), this.#env.now());
    return { frames: [...frames, ...items.map(({ frame }) => frame)], items, acks };
  }

  #run(work: (draft: Draft) => void | Promise<void>): Promise<void> {
    const done = this.#tail.then(async () => {
      const draft = new Draft(this.#state);
      await work(draft);
      for (const envelope of draft.taken) draft.extra.push(...this.#env.keep(this.contact, envelope));
      await draft.seal();
      const due = this.#due(draft);
      const changes = draft.changes();
      if (changes.length > 0) await this.#env.store.write(changes);
      this.#apply(draft, due);
    });
    this.#tail = done.catch(() => undefined);
    return done;
  }

  #apply(draft: Draft, { frames, items, acks }: Outgoing): void {
    const changed = draft.conversationChanged || draft.changed.size > 0;
    this.#state = draft.result();
    for (const { seq } of items) {
      this.#sent += 1;
      if (seq < this.#furthest) this.#resent += 1;
      this.#sentTo = seq + 1;
      this.#furthest = Math.max(this.#furthest, this.#sentTo);
    }
    if (acks) this.#ackDue = false;
    this.#introduce &&= this.#channels.length === 0;
    const channel = this.#channels.at(-1);
    if (channel !== undefined) for (const frame of frames) this.#env.send(channel, frame);
    for (const message of draft.changed.values()) {
      this.#env.emit({ type: 'message', message: viewOf(message) });
    }
    for (const envelope of draft.taken) this.#env.emit({ type: 'taken', conversation: this.id, envelope });
    if (changed) this.#changed();
  }
}
