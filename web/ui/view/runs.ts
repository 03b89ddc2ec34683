import type { MessageView } from '#web/api.ts';

const runMs = 5 * 60_000;

/** A message as the thread shows it: `first` and `last` of its run, and whether a day begins with it. */
export type Line = { message: MessageView; newDay: boolean; first: boolean; last: boolean; stated: boolean };

const sameRun = (a: MessageView, b: MessageView): boolean =>
  a.mine === b.mine && Math.abs(b.sentAt - a.sentAt) < runMs && sameDay(a, b);

const sameDay = (a: MessageView, b: MessageView): boolean =>
  new Date(a.sentAt).toDateString() === new Date(b.sentAt).toDateString();

/** The state stands under the last own message of a run, and under each that has not arrived. */
export function linesOf(messages: MessageView[]): Line[] {
  return messages.map((message, i) => {
    const [before, after] = [messages[i - 1], messages[i + 1]];
    const last = !after || !sameRun(message, after);
    return {
      message,
      newDay: !before || !sameDay(before, message),
      first: !before || !sameRun(before, message),
      last,
      stated: last || (message.mine && message.state !== 'delivered'),
    };
  });
}
