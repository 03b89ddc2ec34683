import type { MessagePart } from '#web/api.ts';
import type { Message } from '#web/core/conversation/records.ts';

/** What is asked for of messages that are in order, each under its id in hex; without `part`, all of them. */
export const partOf = (messages: ReadonlyMap<string, Message>, part?: MessagePart): Message[] => {
  const all = [...messages.values()];
  if (!part) return all;
  const { count, before } = part;
  if (before !== undefined && !messages.has(before)) return all;
  const end = before === undefined ? all.length : [...messages.keys()].indexOf(before);
  return all.slice(Math.max(0, end - count), end);
};
