import { equal, hex } from '#shared/bytes/bytes.ts';
import type { Millis } from '#shared/units.ts';
import type { ContentOf, Envelope } from '#web/core/conversation/content.ts';
import { MAX_MEMBERS, shownOf, type Message, type Timer } from '#web/core/conversation/records.ts';
import { entered } from '#web/core/conversation/states.ts';
import { isOver, type Thread } from '#web/core/conversation/thread.ts';

/** The longest time after which messages may disappear. */
export const MOST_TIMER_MS: Millis = 366 * 86_400_000;

/** Who said something. `author`: the same where it is a group's message, for there it has to be told. */
export type Speaker = { address: Uint8Array; author: Uint8Array | undefined };

/** What an envelope does to the messages of a conversation. False: nothing, and never will. */
export const takeContent = (thread: Thread, from: Speaker, envelope: Envelope, now: Millis): boolean => {
  const { content } = envelope;
  switch (content.type) {
    case 'text':
    case 'file':
      return takeMessage(thread, from, envelope, content, now);
    case 'reaction': {
      const message = thread.message(content.to);
      if (!message || message.deleted || message.event) return false;
      thread.put(withReaction(message, from.address, content.emoji));
      return true;
    }
    case 'deletion':
      return takeDeletion(thread, from, content.message, now);
    case 'timer':
      return takeTimer(thread, from, envelope, content, now);
    default:
      return false;
  }
};

/** One reaction a person; an empty one takes the former back. `by` is undefined for this user. */
export const withReaction = (message: Message, by: Uint8Array | undefined, emoji: string): Message => {
  const others = message.reactions.filter((each) => !isSame(each.by, by)).slice(1 - MAX_MEMBERS);
  return { ...message, reactions: emoji === '' ? others : [...others, { by, emoji }] };
};

/** Of two settings the later one holds, on both sides. False: a later one is known. */
export const setTimer = (thread: Thread, timer: Timer): boolean => {
  const known = thread.timer;
  if (known && (known.at > timer.at || (known.at === timer.at && hex(known.id) >= hex(timer.id))))
    return false;
  thread.timer = timer;
  return true;
};

/** What the contact has seen, if receipts are heeded here. */
export const takeRead = (thread: Thread, { messages }: ContentOf<'read'>, now: Millis): void => {
  for (const id of messages) {
    const message = thread.message(id);
    // Seen is delivered, though the acknowledgement may still be under way.
    if (message?.mine) thread.put(entered(entered(message, 'delivered', now), 'read', now));
  }
};

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : equal(a, b);

const isBy = ({ mine, author }: Message, from: Speaker): boolean => !mine && isSame(author, from.author);

const takeMessage = (
  thread: Thread,
  { address, author }: Speaker,
  { id, time: sentAt }: Envelope,
  content: ContentOf<'text'> | ContentOf<'file'>,
  now: Millis,
): boolean => {
  if (thread.message(id) || thread.isBuried(id, address) || isOver(content, now)) return false;
  thread.append({ id, mine: false, author, ...shownOf(content), sentAt, state: 'delivered' }, now);
  return true;
};

const takeDeletion = (thread: Thread, from: Speaker, id: Uint8Array, now: Millis): boolean => {
  const message = thread.message(id);
  if (message) {
    if (!isBy(message, from) || message.deleted || message.event) return false;
    thread.blank(message);
    return true;
  }
  if (thread.isBuried(id, from.address)) return false;
  thread.bury(id, from.address, now);
  return true;
};

const takeTimer = (
  thread: Thread,
  { address, author }: Speaker,
  { id, time: sentAt }: Envelope,
  { ms: asked }: ContentOf<'timer'>,
  now: Millis,
): boolean => {
  if (thread.message(id) || thread.isBuried(id, address)) return false;
  const ms = asked === undefined ? undefined : Math.min(Math.max(asked, 1), MOST_TIMER_MS);
  setTimer(thread, { ms, at: sentAt, id });
  thread.append({ id, mine: false, author, event: { type: 'timer', ms }, sentAt, state: 'delivered' }, now);
  return true;
};
