import { t } from '../i18n/text.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const week = 7 * day;

/** After what time messages may be told to disappear, ms; null: they stay. */
export const timers = [null, hour, day, week] as const;

const units = [
  ['week', week],
  ['day', day],
  ['hour', hour],
  ['minute', minute],
  ['second', second],
] as const;
type Length = { unit: (typeof units)[number][0]; count: number };

/** The largest unit that goes into it, and how often, rounded up; weeks only when nothing is left over. */
export function lengthOf(ms: number): Length {
  const whole = Math.max(0, Math.ceil(ms / second)) * second;
  for (const [unit, size] of units) {
    if (unit === 'week' ? whole > 0 && whole % week === 0 : whole >= size)
      return { unit, count: Math.ceil(whole / size) };
  }
  return { unit: 'second', count: 0 };
}

/** "1 day", "59 minutes". */
export function lengthText(ms: number): string {
  const { unit, count } = lengthOf(ms);
  return t(`length.${unit}`, { count });
}

/** "1 d", "59 min". */
export function shortLength(ms: number): string {
  const { unit, count } = lengthOf(ms);
  return t(`short.${unit}`, { count });
}

/** How much sand is left above of what was there when a message was sent: 1 to 0. */
export const sandLeft = (sentAt: number, expiresAt: number, now: number): number =>
  expiresAt > sentAt ? Math.min(1, Math.max(0, (expiresAt - now) / (expiresAt - sentAt))) : 0;
