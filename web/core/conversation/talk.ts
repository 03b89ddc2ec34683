import type { MessagePart, MessageView } from '#web/api.ts';
import type { Change } from '#web/core/store/ports.ts';

/** What the user can do in a conversation, be it with a contact or of a group. Message ids are in hex. */
export type Talk = {
  readonly id: string;
  /** The oldest first; without `part` all. */
  messages(part?: MessagePart): MessageView[];
  holds(messageId: string): boolean;
  /** Messages whose text holds `needle`, which `foldText` made. */
  search(needle: string): MessageView[];
  /** Throws LocalError `too-long`. `extra` is written with it. */
  send(text: string, options?: { replyTo?: Uint8Array }, extra?: readonly Change[]): Promise<MessageView>;
  /** Throws LocalError `not-found`. */
  retry(messageId: string): Promise<void>;
  /** Null takes the reaction back. Throws LocalError `not-found`, `too-long`. */
  react(messageId: string, emoji: string | null): Promise<void>;
  /** Here only, or an own message everywhere. Throws LocalError `not-found`, `refused`. */
  remove(messageId: string, everywhere: boolean): Promise<void>;
  /** Throws LocalError `refused`. */
  setTimer(ms: number | null): Promise<void>;
  markRead(): Promise<void>;
};
