import { equal, hex, unhex } from '#shared/bytes/bytes.ts';
import { encode, u64 } from '#shared/bytes/codec.ts';
import type { Millis } from '#shared/units.ts';
import type { Change } from '#web/core/store/ports.ts';
import type { Envelope } from '#web/core/conversation/content.ts';
import { commitUpdate, proposeUpdate } from '#web/core/conversation/handshake.ts';
import { encrypt, epochOf, exportKeys, groupIdOfGroup, maySend } from '#web/core/conversation/mls.ts';
import {
  ACK_EPOCHS,
  MAX_FORMER,
  encodeConversation,
  encodeEntry,
  outboxKey,
  type Conversation,
  type OutboxEntry,
  unsealed,
  VERSION,
  type State,
} from '#web/core/conversation/records.ts';
import { Thread } from '#web/core/conversation/thread.ts';

const ACK_LABEL = 'hourglass ack 1';

/** Past and present epochs' keys, the present one's last. */
const withAckKeys = async (conversation: Conversation): Promise<Conversation> => {
  const { group } = conversation;
  const epoch = epochOf(group);
  const known = conversation.ackKeys.filter((held) => held.epoch !== epoch);
  const next = { epoch, ...(await exportKeys(group, ACK_LABEL)) };
  return { ...conversation, ackKeys: [...known, next].slice(-ACK_EPOCHS) };
};

/** The conversation's next state while one operation works it out. It takes effect whole, by one write, or not at all. */
export class Draft {
  conversation: Conversation;
  /** Ordered by `order`. */
  outbox: OutboxEntry[];
  readonly thread: Thread;
  /** Changes to other tables that must come with it. */
  readonly extra: Change[] = [];
  /** What was taken whose effect is not on messages, in order. */
  readonly taken: Envelope[] = [];
  /** True when the contact is to hear what was taken. */
  acknowledges = false;
  readonly #base: State;
  readonly #id: string;
  readonly #now: Millis;
  readonly #fresh: boolean;

  /** `fresh`: nothing of it is stored yet. */
  constructor(base: State, now: Millis, fresh = false) {
    this.#base = base;
    this.#id = hex(base.conversation.contact);
    this.#now = now;
    this.#fresh = fresh;
    const { nextPosition, timer } = base.conversation;
    this.thread = new Thread(base, this.#id, nextPosition, timer);
    this.conversation = base.conversation;
    this.outbox = [...base.outbox];
  }

  get conversationChanged(): boolean {
    return this.#fresh || this.conversation !== this.#base.conversation;
  }

  set(fields: Partial<Conversation>): void {
    this.conversation = { ...this.conversation, ...fields };
  }

  /** The contact has shown that they are in the group. */
  joined(): void {
    const { active, welcome } = this.conversation;
    if (!active || welcome) this.set({ active: true, welcome: undefined, welcomeStored: undefined });
  }

  /** The contact's item was taken, in its turn. */
  took(seq: number): void {
    this.joined();
    this.set({ delivered: seq + 1 });
  }

  /** Something to send, to be sealed when it is due. `shown`: it is a message, whose id is the same. */
  enqueue(id: Uint8Array, envelope: Uint8Array, shown: boolean): void {
    this.#push({ messageId: shown ? id : undefined, envelope, sealed: undefined });
  }

  /** What was said of this message, if it has not left yet, never will. False: it may have left. */
  withdraw(messageId: Uint8Array): boolean {
    const at = this.outbox.findIndex((entry) => entry.messageId && equal(entry.messageId, messageId));
    const found = this.outbox[at];
    if (!found || found.sealed || found.left) return false;
    this.outbox.splice(at, 1);
    return true;
  }

  /** Goes on in the group of `fresh`: what waits is to be sealed in it, and messages keep their places. */
  adopt(fresh: State): void {
    const { nextOrder, nextPosition, readTo, timer, former, active, group } = this.conversation;
    const groups = [...former, groupIdOfGroup(group)].slice(-MAX_FORMER);
    this.conversation = {
      ...fresh.conversation,
      ...{ active: active || fresh.conversation.active, former: groups },
      ...{ nextPosition, readTo, timer, nextOrder: nextOrder + 1 },
    };
    const [proposal] = fresh.outbox;
    this.outbox = unsealed(this.outbox);
    if (proposal) this.outbox.push({ ...proposal, order: nextOrder });
  }

  async propose(): Promise<void> {
    await this.#handshake(proposeUpdate);
  }

  async commit(): Promise<void> {
    await this.#handshake(commitUpdate);
    await this.renewAckKeys();
  }

  /** To be called in each new epoch. */
  async renewAckKeys(): Promise<void> {
    this.conversation = await withAckKeys(this.conversation);
  }

  /** Gives waiting envelopes, in order, their ciphertext and number, up to number `end`. */
  async seal(end: number): Promise<void> {
    for (const [at, entry] of this.outbox.entries()) {
      if (entry.sealed || !entry.envelope) continue;
      const seq = this.conversation.nextSeq;
      if (seq >= end || !maySend(this.conversation.group)) return;
      const { group, ciphertext } = await encrypt(this.conversation.group, entry.envelope, encode(u64, seq));
      this.set({ group, nextSeq: seq + 1 });
      this.outbox[at] = { ...entry, sealed: { seq, ciphertext } };
    }
  }

  /** To be called when everything else is done, and once. */
  finish(): void {
    for (const id of this.thread.gone) this.withdraw(unhex(id));
    const { position: nextPosition, timer } = this.thread;
    const before = this.conversation;
    if (nextPosition !== before.nextPosition || timer !== before.timer) this.set({ nextPosition, timer });
  }

  changes(): Change[] {
    const changes: Change[] = [...this.extra];
    if (this.conversationChanged) {
      const value = encodeConversation(this.conversation);
      changes.push({ table: 'conversations', key: this.#id, value });
    }
    changes.push(...this.thread.changes(this.#now));
    const stored = this.#fresh ? [] : this.#base.outbox;
    const before = new Map(stored.map((entry) => [entry.order, entry]));
    for (const entry of this.outbox) {
      const known = before.get(entry.order) === entry;
      before.delete(entry.order);
      if (known) continue;
      changes.push({ table: 'outbox', key: outboxKey(this.#id, entry.order), value: encodeEntry(entry) });
    }
    for (const order of before.keys()) {
      changes.push({ table: 'outbox', key: outboxKey(this.#id, order), value: undefined });
    }
    return changes;
  }

  result(): State {
    return { conversation: this.conversation, outbox: this.outbox, ...this.thread.result(this.#now) };
  }

  async #handshake(make: typeof proposeUpdate): Promise<void> {
    const seq = this.conversation.nextSeq;
    const { group, ciphertext } = await make(this.conversation.group, encode(u64, seq));
    this.set({ group, nextSeq: seq + 1 });
    this.#push({ messageId: undefined, envelope: undefined, sealed: { seq, ciphertext } });
  }

  #push(entry: Pick<OutboxEntry, 'messageId' | 'envelope' | 'sealed'>): void {
    const order = this.conversation.nextOrder;
    this.set({ nextOrder: order + 1 });
    this.outbox.push({
      version: VERSION,
      conversation: this.#id,
      order,
      stored: undefined,
      left: false,
      ...entry,
    });
  }
}
