import type { ConversationView, MessageState, MessageView, Reason } from '#web/api.ts';
import { reasonText, t } from '../i18n/text.ts';
import { othersOf, titleOf } from './people.ts';

/** Of how many others, how many have a message of a group and have seen it. */
export type Reach = { got: number; seen: number; of: number };

/**
 * Whoever has left since, and had it, still counts; whoever came after everybody had it does not. Null in a conversation
 * with a contact.
 */
export function reachOf(message: MessageView, conversation: ConversationView): Reach | null {
  if (conversation.kind !== 'group' || !message.mine) return null;
  const got = new Set([...message.deliveredTo, ...message.readBy]);
  return { got: got.size, seen: new Set(message.readBy).size, of: readersOf(message, conversation).size };
}

const readersOf = (
  { state, deliveredTo, readBy }: MessageView,
  conversation: ConversationView,
): Set<string> => {
  const all = state === 'delivered' || state === 'read';
  return new Set([...(all ? [] : othersOf(conversation)), ...deliveredTo, ...readBy]);
};

/** Nothing is left to wait for, in this side's view: a group's message that went to some is on its way to the others. */
export const hasArrived = (message: MessageView, reach: Reach | null): boolean =>
  reach && reach.got > 0 ? reach.got === reach.of : message.state === 'delivered' || message.state === 'read';

/**
 * What an own message waits for. A chat knows at any time whether its contact is there, a message as of when it was last
 * told of: one that left, and whose contact then went, waits as well.
 */
export function waitOf({ state, reason }: MessageView, conversation: ConversationView): Reason | null {
  if (state !== 'queued' && state !== 'sending') return null;
  const passing = reason === null || reason === 'circuit' || reason === 'contact';
  return passing && conversation.kind === 'contact' ? conversation.waiting : reason;
}

/** The state that the icon shows. What reached some members has not failed. */
export function shownState(message: MessageView, conversation: ConversationView): MessageState {
  const reach = reachOf(message, conversation);
  if (reach && reach.got > 0) return reach.seen === reach.of ? 'read' : 'delivered';
  return waitOf(message, conversation) === null ? message.state : 'queued';
}

/** The word that stands beside the icon, with the reason for a wait or a failure. */
export function stateWord(message: MessageView, conversation: ConversationView): string {
  const { state, reason } = message;
  const reach = reachOf(message, conversation);
  if (reach && reach.got > 0 && reach.of > 1) return groupWord(reach);
  if (state === 'failed')
    return reason ? t('message.failedWhy', { reason: reasonText(reason) }) : t('message.failed');
  const wait = waitOf(message, conversation);
  if (wait === null) return t(`message.${state}`);
  if (wait === 'circuit') return t('message.queuedCircuit');
  if (wait === 'contact') return t('message.queuedContact', { name: titleOf(conversation) });
  return t('message.queuedWhy', { reason: reasonText(wait) });
}

function groupWord({ got, seen, of }: Reach): string {
  if (got < of) return t('message.deliveredTo', { got, of });
  if (seen === of) return t('message.read');
  return seen > 0 ? t('message.readBy', { seen, of }) : t('message.delivered');
}

/** A state that a message entered; `day` on the first of another day than it was written on, or than the one before. */
export type Step = { state: MessageState; at: number; text: string; day: boolean };

export function stepsOf(message: MessageView): Step[] {
  return message.timeline.map(({ state, at }, i, all) => {
    const before = all[i - 1]?.at ?? message.sentAt;
    return { state, at, text: stepText(state, message), day: !sameDate(before, at) };
  });
}

function stepText(state: MessageState, message: MessageView): string {
  if (state === 'queued') return t('details.queued');
  if (state === 'delivered' && !message.mine) return t('details.received');
  return t(`message.${state}`);
}

const sameDate = (a: number, b: number): boolean => new Date(a).toDateString() === new Date(b).toDateString();

/** Of a group, who has an own message: those who have not come last. */
export type Delivery = { id: string; has: 'seen' | 'has' | 'hasNot' };

export function deliveriesOf(message: MessageView, conversation: ConversationView): Delivery[] {
  if (!reachOf(message, conversation)) return [];
  const everyone = readersOf(message, conversation);
  const has = (id: string): Delivery['has'] =>
    message.readBy.includes(id) ? 'seen' : message.deliveredTo.includes(id) ? 'has' : 'hasNot';
  const ranks = ['seen', 'has', 'hasNot'];
  return [...everyone]
    .map((id) => ({ id, has: has(id) }))
    .sort((a, b) => ranks.indexOf(a.has) - ranks.indexOf(b.has));
}
