import { hex } from '#shared/bytes/bytes.ts';
import { encode, u64 } from '#shared/bytes/codec.ts';
import type { Millis } from '#shared/units.ts';
import type { Change } from '#web/core/store/ports.ts';
import type { Content, Envelope } from '#web/core/conversation/content.ts';
import { commitUpdate, proposeUpdate } from '#web/core/conversation/handshake.ts';
import { encrypt, epochOf, exportKeys, maySend } from '#web/core/conversation/mls.ts';
import {
  ACK_EPOCHS,
  encodeConversation,
  encodeEntry,
  emptyMessage,
  encodeMessage,
  messageKey,
  outboxKey,
  type Conversation,
  type Message,
  type OutboxEntry,
  VERSION,
  type State,
} from '#web/core/conversation/records.ts';

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
  /** Messages that changed, by id in hex. */
  readonly changed = new Map<string, Message>();
  /** Changes to other tables that must come with it. */
  readonly extra: Change[] = [];
  /** What was taken whose effect is not on messages, in order. */
  readonly taken: Envelope[] = [];
  /** True when the contact is to hear what was taken. */
  acknowledges = false;
  readonly #base: State;
  readonly #id: string;
  readonly #fresh: boolean;

  /** `fresh`: nothing of it is stored yet. */
  constructor(base: State, fresh = false) {
    this.#base = base;
    this.#id = hex(base.conversation.contact);
    this.#fresh = fresh;
    this.conversation = base.conversation;
    this.outbox = [...base.outbox];
  }

  get conversationChanged(): boolean {
    return this.#fresh || this.conversation !== this.#base.conversation;
  }

  set(fields: Partial<Conversation>): void {
    this.conversation = { ...this.conversation, ...fields };
  }

  message(id: Uint8Array | string): Message | undefined {
    const name = typeof id === 'string' ? id : hex(id);
    return this.changed.get(name) ?? this.#base.messages.get(name);
  }

  /** Every message as it now is, oldest first. */
  allMessages(): Message[] {
    return [...new Map([...this.#base.messages, ...this.changed]).values()];
  }

  put(message: Message): void {
    this.changed.set(hex(message.id), message);
  }

  /** A new message at the end of the conversation. */
  append(
    message: Pick<Message, 'id' | 'mine' | 'text' | 'sentAt' | 'state'> & Partial<Message>,
    now: Millis,
  ): Message {
    const position = this.conversation.nextPosition;
    this.set({ nextPosition: position + 1 });
    const timeline = [{ state: message.state, at: now }];
    const whole = { ...emptyMessage, ...message, conversation: this.#id, position, timeline };
    this.put(whole);
    return whole;
  }

  /** Something to send, to be sealed when the group allows. */
  enqueue(type: Content['type'], id: Uint8Array, envelope: Uint8Array): void {
    const isMessage = type === 'text' || type === 'file';
    this.#push({ messageId: isMessage ? id : undefined, envelope, sealed: undefined });
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

  /** Gives each waiting envelope its ciphertext and place, while nothing forbids to send. */
  async seal(): Promise<void> {
    for (const [at, entry] of this.outbox.entries()) {
      if (entry.sealed || !entry.envelope || !maySend(this.conversation.group)) continue;
      const seq = this.conversation.nextSeq;
      const { group, ciphertext } = await encrypt(this.conversation.group, entry.envelope, encode(u64, seq));
      this.set({ group, nextSeq: seq + 1 });
      this.outbox[at] = { ...entry, sealed: { seq, ciphertext } };
    }
  }

  changes(): Change[] {
    const changes: Change[] = [...this.extra];
    if (this.conversationChanged) {
      const value = encodeConversation(this.conversation);
      changes.push({ table: 'conversations', key: this.#id, value });
    }
    for (const [id, message] of this.changed) {
      changes.push({ table: 'messages', key: messageKey(this.#id, id), value: encodeMessage(message) });
    }
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
    const messages =
      this.changed.size > 0 ? new Map([...this.#base.messages, ...this.changed]) : this.#base.messages;
    return { conversation: this.conversation, outbox: this.outbox, messages };
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
    this.outbox.push({ version: VERSION, conversation: this.#id, order, ...entry });
  }
}
