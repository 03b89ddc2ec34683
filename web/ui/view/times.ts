import { moments } from '../i18n/formats.ts';

export const timeOfDay = moments({ hour: 'numeric', minute: '2-digit' });
export const timeWithSeconds = moments({ hour: 'numeric', minute: '2-digit', second: '2-digit' });
export const dayInWords = moments({ weekday: 'long', day: 'numeric', month: 'long' });
export const dateAndTime = moments({
  ...{ weekday: 'short', day: 'numeric', month: 'short' },
  ...{ hour: 'numeric', minute: '2-digit' },
});
const weekday = moments({ weekday: 'short' });
const day = moments({ day: 'numeric', month: 'short' });
const dayYear = moments({ day: 'numeric', month: 'long', year: 'numeric' });

function daysBetween(earlier: number, later: number): number {
  const [a, b] = [new Date(earlier), new Date(later)];
  // Noon to noon, so that a day of 23 or 25 hours still counts as one.
  return Math.round((b.setHours(12, 0, 0, 0) - a.setHours(12, 0, 0, 0)) / 86_400_000);
}

/** Short enough for a list row: the time today, the weekday this week, else the date. */
export function shortWhen(at: number, now: number): string {
  const days = daysBetween(at, now);
  if (days === 0) return timeOfDay(at);
  return days > 0 && days < 7 ? weekday(at) : day(at);
}

/** 0 for today, 1 for yesterday, else the date in words. */
export function dayOf(at: number, now: number): 0 | 1 | string {
  const days = daysBetween(at, now);
  if (days === 0 || days === 1) return days;
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? dayInWords(at) : dayYear(at);
}

/** mm:ss, or h:mm:ss from an hour on; negative spans count as none. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number): string => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}
