import type { ConversationView, MessageView } from '#web/api.ts';
import { hasArrived, reachOf } from './states.ts';

const runMs = 5 * 60_000;

/**
 * A message as the thread shows it: `first` and `last` of its run, whether a day begins with it, whether its state stands
 * under it, and whether its author's name stands over it.
 */
export type Line = {
  message: MessageView;
  newDay: boolean;
  first: boolean;
  last: boolean;
  stated: boolean;
  named: boolean;
};

const sameRun = (a: MessageView, b: MessageView): boolean =>
  a.mine === b.mine &&
  a.author === b.author &&
  a.event === null &&
  b.event === null &&
  Math.abs(b.sentAt - a.sentAt) < runMs &&
  sameDay(a, b);

const sameDay = (a: MessageView, b: MessageView): boolean =>
  new Date(a.sentAt).toDateString() === new Date(b.sentAt).toDateString();

/** The state stands under the last own message of a run, and under each that has not arrived. */
export function linesOf(messages: MessageView[], conversation: ConversationView): Line[] {
  return messages.map((message, i) => {
    const [before, after] = [messages[i - 1], messages[i + 1]];
    const first = !before || !sameRun(before, message);
    const last = !after || !sameRun(message, after);
    const waits = message.mine && !message.deleted && !hasArrived(message, reachOf(message, conversation));
    return {
      message,
      newDay: !before || !sameDay(before, message),
      first,
      last,
      stated: message.event === null && (last || waits || message.expiresAt !== null),
      named: conversation.kind === 'group' && !message.mine && message.event === null && first,
    };
  });
}

/** The lines, each as the same object as before where nothing about it changed, so that it is not drawn again. */
export function keptLines(lines: Line[], before: ReadonlyMap<string, Line>): Line[] {
  return lines.map((line) => {
    const old = before.get(line.message.id);
    const same = old && (Object.keys(line) as (keyof Line)[]).every((key) => old[key] === line[key]);
    return same ? old : line;
  });
}
