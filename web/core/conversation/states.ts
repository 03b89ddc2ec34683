import type { Millis } from '#shared/units.ts';
import type { MessageState, Reason } from '#web/api.ts';
import type { Message } from '#web/core/conversation/records.ts';

/** Times of a message's states that are kept. */
export const MAX_TIMELINE = 64;

/**
 * A message's state only ever rises here. One that failed may turn out to be delivered after all, for what was sent
 * before may have arrived.
 */
const order: readonly MessageState[] = ['queued', 'sending', 'stored', 'failed', 'delivered', 'read'];

export const rises = (from: MessageState, to: MessageState): boolean =>
  order.indexOf(to) > order.indexOf(from);

/** The message after it entered a state; as it was, unless that is a step forward. */
export const entered = (message: Message, next: MessageState, at: Millis, reason?: Reason): Message =>
  rises(message.state, next) ? inState(message, next, at, reason) : message;

/** Another try for a message that failed: the one way back. Any other is left as it was. */
export const retried = (message: Message, at: Millis): Message =>
  message.state === 'failed' ? inState(message, 'queued', at) : message;

/** Own messages that wait to leave, or are leaving. */
export const countLeaving = (messages: readonly Message[]): number =>
  messages.filter(({ mine, event, state }) => mine && !event && (state === 'queued' || state === 'sending'))
    .length;

const inState = (message: Message, state: MessageState, at: Millis, reason?: Reason): Message => ({
  ...message,
  state,
  reason,
  timeline: [...message.timeline.slice(1 - MAX_TIMELINE), { state, at }],
});
