import type { RelayingView } from '#web/api-helping.ts';
import { t } from '../i18n/text.ts';

type Choice = { value: number | null; label: string };

const megabytes = [100, 250, 500, 1000, 5000, 20_000];
const kilobytes = [50, 100, 250, 500, 1000, 5000];
export const neighbourCounts = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

const dayText = (count: number): string =>
  count < 1000 ? t('limits.megabytes', { count }) : t('limits.gigabytes', { count: count / 1000 });

const rateText = (count: number): string =>
  count < 1000 ? t('limits.kilobytes', { count }) : t('limits.perSecond', { count: count / 1000 });

/** What is set stands among the choices even where it is none of them. */
function choicesOf(known: number[], now: number | null, text: (count: number) => string): Choice[] {
  const all = now === null || known.includes(now) ? known : [...known, now].sort((a, b) => a - b);
  return [{ value: null, label: t('limits.none') }, ...all.map((value) => ({ value, label: text(value) }))];
}

export const dayChoices = (now: number | null): Choice[] => choicesOf(megabytes, now, dayText);
export const rateChoices = (now: number | null): Choice[] => choicesOf(kilobytes, now, rateText);

/** How much of the day's sum is carried, 0 to 1; null where there is no limit. */
export const usedOf = ({ limits }: RelayingView, bytes: number): number | null =>
  limits.dayMegabytes === null ? null : Math.min(1, bytes / (limits.dayMegabytes * 1_000_000));

export const dayLimitText = ({ limits }: RelayingView): string =>
  limits.dayMegabytes === null ? t('limits.none') : dayText(limits.dayMegabytes);
