import { hex } from '#shared/bytes/bytes.ts';
import {
  bool,
  bytes,
  choice,
  decode,
  encode,
  fixed,
  list,
  mapped,
  optional,
  struct,
  text,
  u64,
  u8,
  union,
  type Value,
} from '#shared/bytes/codec.ts';
import { RemoteError } from '#shared/errors.ts';
import type { EventView, MessageView } from '#web/api.ts';
import {
  FILE_ID_LENGTH,
  MAX_EMOJI,
  MAX_NAME,
  MAX_TEXT,
  MESSAGE_ID_LENGTH,
  type ContentOf,
} from '#web/core/conversation/content.ts';
import { decodeGroup, encodeGroup, GROUP_ID_LENGTH } from '#web/core/conversation/mls.ts';
import { MAX_TIMELINE } from '#web/core/conversation/states.ts';

/**
 * What one conversation keeps: one record in `conversations`, one in `messages` for each text, one in `outbox` for each
 * item that the contact has not acknowledged. A conversation's id is its contact's address in hex, so there is one
 * conversation with a contact.
 */
export const VERSION = 3;
/** Epochs whose acks can still be read. */
export const ACK_EPOCHS = 5;
/** Groups that this conversation had before, at most. */
export const MAX_FORMER = 16;

const version = mapped(
  u8,
  (read) => {
    if (read !== VERSION) throw new RemoteError('bad-version');
    return read;
  },
  () => VERSION,
);
const state = choice(['queued', 'sending', 'stored', 'delivered', 'read', 'failed']);

/** In a group with the user in it, at most. */
export const MAX_MEMBERS = 16;

const messageId = fixed(MESSAGE_ID_LENGTH);
const address = fixed(32);

/** What happened in a conversation that nobody wrote. */
export const eventCodec = union({
  created: [1, struct({})],
  added: [2, struct({ member: address, name: text(MAX_NAME) })],
  removed: [3, struct({ member: address, name: text(MAX_NAME) })],
  left: [4, struct({})],
  renamed: [5, struct({ name: text(MAX_NAME) })],
  timer: [6, struct({ ms: optional(u64) })],
  'key-changed': [7, struct({})],
});
export type MessageEventRecord = Value<typeof eventCodec>;

/** New messages disappear after `ms`, or stay. Of two settings the later counts; `id` decides between equal times. */
export const timerCodec = struct({ ms: optional(u64), at: u64, id: messageId });
export type Timer = Value<typeof timerCodec>;

const group = mapped(bytes(1 << 21), decodeGroup, encodeGroup);
const key = fixed(32);

export const conversationCodec = struct({
  version,
  contact: fixed(32),
  /** What the contact calls themselves. */
  name: text(MAX_NAME),
  /** True once the contact has shown that they are in the group. */
  active: bool,
  group,
  /** The whole welcome frame, until the contact has shown that it worked. */
  welcome: optional(bytes(1 << 17)),
  /** When the directory took the welcome as mail, ms. */
  welcomeStored: optional(u64),
  /** The group's state is older than what was sent with it, so nothing may be sent or taken before there is a new one. */
  stale: bool,
  /** Ids of the groups that it had before, the last one's at the end. */
  former: list(fixed(GROUP_ID_LENGTH), MAX_FORMER),
  ackKeys: list(struct({ epoch: u64, mine: key, theirs: key }), ACK_EPOCHS),
  /** Own items made, and how many of them the contact has acknowledged. */
  nextSeq: u64,
  acked: u64,
  /** The contact's items taken, in order. */
  delivered: u64,
  /** Of these, how many the directory has an ack for, as mail. */
  told: u64,
  nextOrder: u64,
  nextPosition: u64,
  /** Messages before this position were seen by the user. */
  readTo: u64,
  timer: optional(timerCodec),
});
export type Conversation = Value<typeof conversationCodec>;

export const messageCodec = struct({
  version,
  id: messageId,
  conversation: text(64),
  mine: bool,
  /** Who wrote it, in a group. */
  author: optional(address),
  text: text(MAX_TEXT),
  event: optional(eventCodec),
  file: optional(fixed(FILE_ID_LENGTH)),
  replyTo: optional(messageId),
  reactions: list(struct({ by: optional(address), emoji: text(MAX_EMOJI) }), MAX_MEMBERS),
  /** Its content is gone, for its author took it back. */
  deleted: bool,
  /** When it ends, ms. */
  expires: optional(u64),
  sentAt: u64,
  /** Place in the conversation as this side has it. */
  position: u64,
  state,
  reason: optional(text(64)),
  timeline: list(struct({ state, at: u64 }), MAX_TIMELINE),
  /** Members of a group who have it, and who have seen it. */
  got: list(address, MAX_MEMBERS),
  seen: list(address, MAX_MEMBERS),
});
export type Message = Value<typeof messageCodec>;

/** A message that is not to be shown (again), though it may still come. */
export const tombstoneCodec = struct({
  version,
  conversation: text(64),
  id: messageId,
  /** Whose message it is not to be, where only that is known: the author's who took it back before it came. */
  author: optional(address),
  at: u64,
});
export type Tombstone = Value<typeof tombstoneCodec>;

export const emptyMessage = {
  version: VERSION,
  author: undefined,
  text: '',
  event: undefined,
  file: undefined,
  replyTo: undefined,
  reactions: [],
  deleted: false,
  expires: undefined,
  reason: undefined,
  got: [],
  seen: [],
} satisfies Partial<Message>;

/** A content that is shown as a message. */
export type Said = ContentOf<'text' | 'file'>;

/** What of it the message holds. */
export const shownOf = (said: Said): Pick<Message, 'text' | 'file' | 'replyTo' | 'expires'> => ({
  text: said.type === 'text' ? said.text : '',
  file: said.type === 'file' ? said.offer.file : undefined,
  replyTo: said.replyTo,
  expires: said.expires,
});

export const outboxCodec = struct({
  version,
  conversation: text(64),
  /** Place among what this side wants to send. */
  order: u64,
  messageId: optional(messageId),
  /** The padded envelope; none for a proposal or a commit, which belong to one group alone. */
  envelope: optional(bytes(1 << 17)),
  /** Sealed once; what is sent again is the same ciphertext. */
  sealed: optional(struct({ seq: u64, ciphertext: bytes(1 << 17) })),
  /** When the directory took it as mail, ms. */
  stored: optional(u64),
  /** It may have left already, sealed in a former group. */
  left: bool,
});
export type OutboxEntry = Value<typeof outboxCodec>;

/** What waits to be sent, for another group to seal. */
export const unsealed = (outbox: readonly OutboxEntry[]): OutboxEntry[] =>
  outbox
    .filter(({ envelope }) => envelope !== undefined)
    .map((entry) => {
      const left = entry.left || entry.sealed !== undefined;
      return { ...entry, sealed: undefined, stored: undefined, left };
    });

/** What a conversation shows, and what it is never to show again; each by the message's id in hex. */
export type ThreadState = {
  /** In the order of their positions. */
  readonly messages: ReadonlyMap<string, Message>;
  /** The oldest first. */
  readonly tombstones: ReadonlyMap<string, Tombstone>;
};

export type State = ThreadState & {
  readonly conversation: Conversation;
  readonly outbox: readonly OutboxEntry[];
};

export const messageKey = (conversation: string, id: string): string => `${conversation}/${id}`;
export const outboxKey = (conversation: string, order: number): string => `${conversation}/${String(order)}`;

export const encodeTombstone = (value: Tombstone): Uint8Array => encode(tombstoneCodec, value);
export const decodeTombstone = (stored: Uint8Array): Tombstone => decode(tombstoneCodec, stored);
export const encodeConversation = (value: Conversation): Uint8Array => encode(conversationCodec, value);
export const encodeMessage = (value: Message): Uint8Array => encode(messageCodec, value);
export const encodeEntry = (value: OutboxEntry): Uint8Array => encode(outboxCodec, value);
export const decodeConversation = (stored: Uint8Array): Conversation => decode(conversationCodec, stored);
export const decodeMessage = (stored: Uint8Array): Message => decode(messageCodec, stored);
export const decodeEntry = (stored: Uint8Array): OutboxEntry => decode(outboxCodec, stored);

export const viewOf = (message: Message): MessageView => ({
  id: hex(message.id),
  conversation: message.conversation,
  mine: message.mine,
  author: message.author ? hex(message.author) : null,
  text: message.text,
  event: message.event ? eventView(message.event) : null,
  file: message.file ? hex(message.file) : null,
  replyTo: message.replyTo ? hex(message.replyTo) : null,
  reactions: message.reactions.map(({ by, emoji }) => ({ by: by ? hex(by) : null, emoji })),
  deleted: message.deleted,
  expiresAt: message.expires ?? null,
  sentAt: message.sentAt,
  state: message.state,
  reason: message.reason ?? null,
  timeline: message.timeline,
  deliveredTo: message.got.map(hex),
  readBy: message.seen.map(hex),
});

const eventView = (event: MessageEventRecord): EventView =>
  'member' in event ? { ...event, member: hex(event.member) } : { member: null, ...event };
