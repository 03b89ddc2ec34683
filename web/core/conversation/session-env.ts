import type { Rng } from '#shared/crypto/rng.ts';
import type { MessageView } from '#web/api.ts';
import type { Envelope } from '#web/core/conversation/content.ts';
import type { Timers } from '#web/core/conversation/expiry.ts';
import type { Message } from '#web/core/conversation/records.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

export type SessionEvent =
  | { type: 'message'; message: MessageView }
  /** These messages are no more. */
  | { type: 'gone'; conversation: string; messages: string[] }
  /** The contact said something whose effect is not on messages; whatever `keep` made of it is stored. */
  | { type: 'taken'; conversation: string; envelope: Envelope }
  /** Something of `Session.summary` changed. */
  | { type: 'conversation'; conversation: string };

/** What a session stands on. `send` hands a frame to an open channel and never throws; a closed one takes it and drops it. */
export type SessionEnv = Timers & {
  store: Store;
  rng: Rng;
  send: (channel: number, frame: Uint8Array) => void;
  /** What a content whose effect is not on messages changes in other tables, written with the conversation that it came in. */
  keep: (contact: Uint8Array, envelope: Envelope) => readonly Change[];
  /** What goes with a message that had a file and is no more, written with that. */
  drop: (message: Message) => readonly Change[];
  /** Whether this user says what was seen, and heeds who says it. */
  receipts: () => boolean;
  /** What may not leave in a conversation now. */
  holds: (conversation: string) => Hold | undefined;
  emit: (event: SessionEvent) => void;
};

/** Nothing at all; or nothing but introductions and acks. */
export type Hold = 'everything' | 'contents';
