import { hex } from '#shared/bytes/bytes.ts';
import {
  encodeConversation,
  encodeEntry,
  encodeMessage,
  encodeTombstone,
  messageKey,
  outboxKey,
  unsealed,
  type Message,
  type OutboxEntry,
  type State,
  type Tombstone,
} from '#web/core/conversation/records.ts';
import type { Change } from '#web/core/store/ports.ts';

/** Conversations as wholes of many records. */

/** The state of each, out of what the tables hold. */
export const assemble = (
  conversations: State['conversation'][],
  messages: Message[],
  entries: OutboxEntry[],
  tombstones: Tombstone[],
): State[] =>
  conversations.map((conversation) => {
    const id = hex(conversation.contact);
    const own = messages.filter((message) => message.conversation === id);
    const buried = tombstones.filter((tombstone) => tombstone.conversation === id);
    return {
      tombstones: new Map(buried.sort((a, b) => a.at - b.at).map((each) => [hex(each.id), each])),
      conversation,
      outbox: entries.filter((entry) => entry.conversation === id).sort((a, b) => a.order - b.order),
      messages: new Map(
        own.sort((a, b) => a.position - b.position).map((message) => [hex(message.id), message]),
      ),
    };
  });

/** What removes every record of a conversation. */
export const erasureOf = ({ conversation, outbox, messages, tombstones }: State): Change[] => {
  const id = hex(conversation.contact);
  const gone = (table: Change['table'], key: string): Change => ({ table, key, value: undefined });
  return [
    gone('conversations', id),
    ...outbox.map(({ order }) => gone('outbox', outboxKey(id, order))),
    ...[...messages.keys()].map((message) => gone('messages', messageKey(id, message))),
    ...[...tombstones.keys()].map((message) => gone('tombstones', messageKey(id, message))),
  ];
};

/** Every record of a conversation, as if it were new. */
export const recordsOf = ({ conversation, outbox, messages, tombstones }: State): Change[] => {
  const id = hex(conversation.contact);
  const put = (table: Change['table'], key: string, value: Uint8Array): Change => ({ table, key, value });
  return [
    put('conversations', id, encodeConversation(conversation)),
    ...outbox.map((entry) => put('outbox', outboxKey(id, entry.order), encodeEntry(entry))),
    ...[...messages].map(([message, each]) => put('messages', messageKey(id, message), encodeMessage(each))),
    ...[...tombstones].map(([message, each]) =>
      put('tombstones', messageKey(id, message), encodeTombstone(each)),
    ),
  ];
};

/** What was said in one conversation, and what was to be, in the place and group of a fresh one. */
export const transplanted = (from: State, fresh: State): State => {
  const conversation = hex(fresh.conversation.contact);
  const there = <T extends { conversation: string }>(each: T): T => ({ ...each, conversation });
  const { nextOrder, nextPosition, readTo, timer } = from.conversation;
  return {
    conversation: { ...fresh.conversation, nextOrder, nextPosition, readTo, timer },
    outbox: unsealed(from.outbox).map(there),
    messages: new Map([...from.messages].map(([id, message]) => [id, there(message)])),
    tombstones: new Map([...from.tombstones].map(([id, tombstone]) => [id, there(tombstone)])),
  };
};
