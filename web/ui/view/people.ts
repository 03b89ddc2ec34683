import type { ConversationView, MessageView } from '#web/api.ts';
import { t } from '../i18n/text.ts';

/** What to call somebody, by their address in hex; null is the person here. */
export type People = (id: string | null) => string;

export const titleOf = (conversation: ConversationView): string =>
  conversation.name || t(conversation.kind === 'group' ? 'chats.unnamedGroup' : 'chats.unnamed');

/** The members of a group beside the person here; of a conversation with a contact, the contact. */
export const othersOf = (conversation: ConversationView): string[] =>
  conversation.kind === 'contact'
    ? [conversation.id]
    : conversation.members.filter((member) => !member.self).map((member) => member.id);

/** Who wrote a message: null for the person here. */
export const authorOf = (message: MessageView): string | null =>
  message.mine ? null : (message.author ?? message.conversation);

/**
 * The names in a conversation. Who has left is still found among those who were in it, among the contacts, or in the lines
 * that say that they came and went.
 */
export function peopleOf(
  conversation: ConversationView,
  all: ConversationView[],
  messages: MessageView[],
): People {
  const names = new Map<string, string>();
  const selves = new Set<string>();
  const know = (id: string, name: string): void => void (name && names.set(id, name));
  for (const { event } of messages)
    if (event?.type === 'added' || event?.type === 'removed') know(event.member, event.name);
  for (const one of all) if (one.kind === 'contact') know(one.id, one.name);
  const { former, members } = conversation;
  for (const { id, name, self } of [...former, ...members]) {
    know(id, name);
    if (self) selves.add(id);
  }
  const nameless = t(conversation.kind === 'group' ? 'people.former' : 'chats.unnamed');
  return (id) => (id === null || selves.has(id) ? t('people.you') : (names.get(id) ?? nameless));
}

/** The chat in which something happened last comes first. One in which nothing has is new, and comes before those. */
export const newestFirst = (all: ConversationView[]): ConversationView[] =>
  all.toSorted((a, b) => lastAt(b) - lastAt(a));

/** By this device's clock: what others write could otherwise claim to be of tomorrow, and stay on top. */
const lastAt = ({ last }: ConversationView): number =>
  last ? (last.timeline[0]?.at ?? last.sentAt) : Number.MAX_SAFE_INTEGER;
