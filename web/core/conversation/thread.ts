import { equal, hex } from '#shared/bytes/bytes.ts';
import type { Millis } from '#shared/units.ts';
import type { Change } from '#web/core/store/ports.ts';
import {
  emptyMessage,
  encodeMessage,
  encodeTombstone,
  messageKey,
  VERSION,
  type Message,
  type ThreadState,
  type Timer,
  type Tombstone,
} from '#web/core/conversation/records.ts';

/** Of one conversation. */
export const MAX_TOMBSTONES = 4096;
/** Nothing that was under way is sent again so late: mail and key packages end after 15 days. */
export const TOMBSTONE_MS: Millis = 60 * 86_400_000;

type NewMessage = Pick<Message, 'id' | 'mine' | 'sentAt' | 'state'> & Partial<Message>;

/** The messages of one conversation, with a contact or of a group, while one operation works out what becomes of them. */
export class Thread {
  readonly #base: ThreadState;
  readonly #id: string;
  /** Where the next message stands. */
  position: number;
  timer: Timer | undefined;
  /** Messages that changed, by id in hex. */
  readonly changed = new Map<string, Message>();
  /** Ids of messages that are no more. */
  readonly gone: string[] = [];
  /** Messages with a file that are no more, or hold it no longer. */
  readonly dropped: Message[] = [];
  readonly #tombstones = new Map<string, Tombstone>();

  constructor(base: ThreadState, id: string, position: number, timer: Timer | undefined) {
    this.#base = base;
    this.#id = id;
    this.position = position;
    this.timer = timer;
  }

  message(id: Uint8Array | string): Message | undefined {
    const name = typeof id === 'string' ? id : hex(id);
    if (this.gone.includes(name)) return undefined;
    return this.changed.get(name) ?? this.#base.messages.get(name);
  }

  /** Every message as it now is, oldest first. */
  all(): Message[] {
    return [...this.#messages().values()];
  }

  put(message: Message): void {
    this.changed.set(hex(message.id), message);
  }

  /** A new message at the end. */
  append(message: NewMessage, now: Millis): Message {
    const timeline = [{ state: message.state, at: now }];
    const whole = {
      ...emptyMessage,
      ...message,
      conversation: this.#id,
      position: this.position,
      timeline,
    };
    this.position += 1;
    this.put(whole);
    return whole;
  }

  /** Nothing of the content stays, but that there was a message. */
  blank(message: Message): void {
    if (message.file) this.dropped.push(message);
    const nothing = { text: '', file: undefined, replyTo: undefined, reactions: [] };
    this.put({ ...message, ...nothing, deleted: true });
  }

  /** The message is no more, and stays so. */
  remove(message: Message, now: Millis): void {
    const id = hex(message.id);
    if (message.file) this.dropped.push(message);
    this.changed.delete(id);
    this.gone.push(id);
    this.bury(message.id, undefined, now);
  }

  /** A message of this id, of that author or of anybody, will not be shown when it comes. */
  bury(id: Uint8Array, author: Uint8Array | undefined, now: Millis): void {
    this.#tombstones.set(hex(id), { version: VERSION, conversation: this.#id, id, author, at: now });
  }

  isBuried(id: Uint8Array, author: Uint8Array): boolean {
    const found = this.#tombstones.get(hex(id)) ?? this.#base.tombstones.get(hex(id));
    return found !== undefined && (found.author === undefined || equal(found.author, author));
  }

  /** What has come to its end disappears. */
  expire(now: Millis): void {
    for (const message of this.all()) if (isOver(message, now)) this.remove(message, now);
  }

  get isChanged(): boolean {
    return this.changed.size > 0 || this.gone.length > 0;
  }

  changes(now: Millis): Change[] {
    const messages = [...this.changed].map(([id, message]) => ({
      ...({ table: 'messages' } as const),
      ...{ key: messageKey(this.#id, id), value: encodeMessage(message) },
    }));
    const gone = this.gone.map((id) => ({
      ...({ table: 'messages' } as const),
      ...{ key: messageKey(this.#id, id), value: undefined },
    }));
    const kept = [...this.#tombstones].map(([id, tombstone]) => ({
      ...({ table: 'tombstones' } as const),
      ...{ key: messageKey(this.#id, id), value: encodeTombstone(tombstone) },
    }));
    const old = this.#tombstones.size > 0 ? this.#outdated(now) : [];
    const past = old.map((id) => ({
      ...({ table: 'tombstones' } as const),
      ...{ key: messageKey(this.#id, id), value: undefined },
    }));
    return [...messages, ...gone, ...kept, ...past];
  }

  result(now: Millis): ThreadState {
    const messages = this.isChanged ? this.#messages() : this.#base.messages;
    if (this.#tombstones.size === 0) return { messages, tombstones: this.#base.tombstones };
    const tombstones = this.#allTombstones();
    for (const id of this.#outdated(now)) tombstones.delete(id);
    return { messages, tombstones };
  }

  #messages(): Map<string, Message> {
    const messages = new Map([...this.#base.messages, ...this.changed]);
    for (const id of this.gone) messages.delete(id);
    return messages;
  }

  #allTombstones(): Map<string, Tombstone> {
    return new Map([...this.#base.tombstones, ...this.#tombstones]);
  }

  #outdated(now: Millis): string[] {
    const all = [...this.#allTombstones()];
    const over = all.length - MAX_TOMBSTONES;
    return all.filter(([, { at }], place) => place < over || at <= now - TOMBSTONE_MS).map(([id]) => id);
  }
}

export const isOver = ({ expires }: Pick<Message, 'expires'>, now: Millis): boolean =>
  expires !== undefined && expires <= now;

/** When the next of these messages disappears; undefined: none of them does. */
export const nextEnd = (messages: Iterable<Message>): Millis | undefined => {
  let next: Millis | undefined;
  for (const { expires } of messages)
    if (expires !== undefined && (next === undefined || expires < next)) next = expires;
  return next;
};
