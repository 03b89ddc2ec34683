import type { ConversationView, MessageView } from '#web/api.ts';
import { titleOf } from './people.ts';

/** As many as the core gives at the most. */
export const MOST_FOUND = 100;
const MOST_CHATS = 8;

export type Found =
  | { kind: 'chat'; conversation: ConversationView }
  | { kind: 'message'; conversation: ConversationView; message: MessageView };

/** Chats by a part of their name, or the first ones while nothing is asked for. */
export function chatsFound(all: ConversationView[], query: string): ConversationView[] {
  const wanted = query.trim().toLocaleLowerCase();
  return all.filter((one) => titleOf(one).toLocaleLowerCase().includes(wanted)).slice(0, MOST_CHATS);
}

/** Chats first, then messages whose chat is still here. */
export function foundOf(all: ConversationView[], query: string, messages: MessageView[]): Found[] {
  const byId = new Map(all.map((one) => [one.id, one]));
  return [
    ...chatsFound(all, query).map((conversation) => ({ kind: 'chat' as const, conversation })),
    ...messages.flatMap((message) => {
      const conversation = byId.get(message.conversation);
      return conversation && !message.deleted ? [{ kind: 'message' as const, conversation, message }] : [];
    }),
  ];
}
