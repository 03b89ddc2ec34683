import type { ConversationView, MessageState, MessageView } from '#web/api.ts';
import { reasonText, t } from '../i18n/text.ts';
import { othersOf, titleOf } from './people.ts';

/** Of how many others, how many have a message of a group and have seen it. */
export type Reach = { got: number; seen: number; of: number };

/** Whoever has left since, and had it, still counts. Null in a conversation with a contact. */
export function reachOf(message: MessageView, conversation: ConversationView): Reach | null {
  if (conversation.kind !== 'group' || !message.mine) return null;
  const got = new Set([...message.deliveredTo, ...message.readBy]);
  const everyone = new Set([...othersOf(conversation), ...got]);
  return { got: got.size, seen: new Set(message.readBy).size, of: everyone.size };
}

/** Nothing is left to wait for, in this side's view: a group's message that went to some is on its way to the others. */
export const hasArrived = (message: MessageView, reach: Reach | null): boolean =>
  reach && reach.got > 0 ? reach.got === reach.of : message.state === 'delivered' || message.state === 'read';

/** The state that the icon shows. What reached some members has not failed. */
export const shownState = (message: MessageView, reach: Reach | null): MessageState => {
  if (!reach || reach.got === 0) return message.state;
  return reach.seen === reach.of ? 'read' : 'delivered';
};

/** The word that stands beside the icon, with the reason for a wait or a failure. */
export function stateWord(message: MessageView, conversation: ConversationView): string {
  const { state, reason } = message;
  const reach = reachOf(message, conversation);
  if (reach && reach.got > 0 && reach.of > 1) return groupWord(reach);
  if (state === 'delivered' || state === 'sending' || state === 'stored' || state === 'read')
    return t(`message.${state}`);
  if (state === 'failed')
    return reason ? t('message.failedWhy', { reason: reasonText(reason) }) : t('message.failed');
  if (reason === 'circuit') return t('message.queuedCircuit');
  if (reason === 'contact') return t('message.queuedContact', { name: titleOf(conversation) });
  return reason ? `${t('message.queued')}: ${reasonText(reason)}` : t('message.queued');
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
  const everyone = new Set([...othersOf(conversation), ...message.deliveredTo, ...message.readBy]);
  const has = (id: string): Delivery['has'] =>
    message.readBy.includes(id) ? 'seen' : message.deliveredTo.includes(id) ? 'has' : 'hasNot';
  const ranks = ['seen', 'has', 'hasNot'];
  return [...everyone]
    .map((id) => ({ id, has: has(id) }))
    .sort((a, b) => ranks.indexOf(a.has) - ranks.indexOf(b.has));
}
