import { LocalError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import { MOST_READ, type Content } from '#web/core/conversation/content.ts';
import { MOST_TIMER_MS, setTimer, withReaction } from '#web/core/conversation/effects.ts';
import type { Message } from '#web/core/conversation/records.ts';
import type { Thread } from '#web/core/conversation/thread.ts';

/** What this user does to the messages of a conversation, with a contact or in a group, and what the others are told of it. */

/** Throws LocalError `not-found`. */
export const messageOf = (thread: Thread, id: string): Message => {
  const message = thread.message(id);
  if (!message) throw new LocalError('not-found', 'no such message');
  return message;
};

/** Null takes the reaction back. Throws LocalError `not-found`. */
export const react = (thread: Thread, id: string, emoji: string | null): Content => {
  const message = messageOf(thread, id);
  if (message.deleted || message.event) throw new LocalError('not-found', 'there is nothing to react to');
  thread.put(withReaction(message, undefined, emoji ?? ''));
  return { type: 'reaction', to: message.id, emoji: emoji ?? '' };
};

/** Takes an own message back from everybody. Throws LocalError `not-found`, `refused`. */
export const takeBack = (thread: Thread, id: string): Content => {
  const message = messageOf(thread, id);
  if (!message.mine || message.event) throw new LocalError('refused', 'only who wrote it can take it back');
  if (!message.deleted) thread.blank(message);
  return { type: 'deletion', message: message.id };
};

/** Throws LocalError `refused` for a time that is none. */
export const changeTimer = (
  thread: Thread,
  ms: number | null,
  { id, now }: { id: Uint8Array; now: Millis },
): { content: Content; at: Millis } => {
  if (ms !== null && !(Number.isSafeInteger(ms) && ms > 0 && ms <= MOST_TIMER_MS))
    throw new LocalError('refused', 'messages disappear after a millisecond to a year, or stay');
  // After any that is known, whatever the clock of who set it.
  const at = Math.max(now, (thread.timer?.at ?? 0) + 1);
  const after = ms ?? undefined;
  setTimer(thread, { ms: after, at, id });
  const event = { type: 'timer', ms: after } as const;
  thread.append({ id, mine: true, event, sentAt: now, state: 'queued' }, now);
  return { content: { type: 'timer', ms: after }, at };
};

/** When a message that is written now disappears. */
export const endOf = (thread: Thread, now: Millis): Millis | undefined =>
  thread.timer?.ms === undefined ? undefined : now + thread.timer.ms;

/** Says of the messages from position `from` on that they were seen. */
export const readReceipts = (thread: Thread, from: number): Content[] => {
  const seen = thread
    .all()
    .filter(({ mine, event, position }) => !mine && !event && position >= from)
    .map(({ id }) => id);
  const receipts: Content[] = [];
  for (let at = 0; at < seen.length; at += MOST_READ)
    receipts.push({ type: 'read', messages: seen.slice(at, at + MOST_READ) });
  return receipts;
};

/** As texts are compared when somebody searches. */
export const foldText = (text: string): string => text.normalize('NFKC').toLowerCase();

/** The messages whose text holds `needle`, which is folded already. */
export const found = (messages: Iterable<Message>, needle: string): Message[] =>
  [...messages].filter(({ text }) => text !== '' && foldText(text).includes(needle));
