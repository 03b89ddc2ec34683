import type { DayView, EpochView, HeartbeatView, HelpingView, ProofStage } from '#web/api-helping.ts';
import { numberText, tenthsText } from '../i18n/formats.ts';
import { reasonText, t } from '../i18n/text.ts';
import { dayInWords, span, timeOfDay, timeWithSeconds } from './times.ts';

/** Places on the ring, one for each heartbeat that is kept. */
export const TICKS = 60;

export type Tick = { angle: number; state: HeartbeatView['outcome'] | 'future' };

/** From the top clockwise, the oldest first; what has not come yet behind them. */
export const ticksOf = (heartbeats: readonly HeartbeatView[]): Tick[] =>
  Array.from({ length: TICKS }, (_, at) => ({
    angle: (360 * at) / TICKS,
    state: heartbeats[at]?.outcome ?? 'future',
  }));

export const countOf = (heartbeats: readonly HeartbeatView[]): Record<HeartbeatView['outcome'], number> => {
  const count = { answered: 0, late: 0, missed: 0 };
  for (const { outcome } of heartbeats) count[outcome] += 1;
  return count;
};

/** How much of an epoch is over, 0 to 1. */
export const progressOf = (epoch: EpochView | null, now: number): number =>
  epoch === null ? 0 : Math.min(1, Math.max(0, (now - epoch.startsAt) / (epoch.endsAt - epoch.startsAt)));

/** "14:00 – 15:00"; with seconds where minutes would say nothing. */
export const hoursOf = ({ startsAt, endsAt }: EpochView): string => {
  const write = endsAt - startsAt < 10 * 60_000 ? timeWithSeconds : timeOfDay;
  return t('helping.hours', { from: write(startsAt), to: write(endsAt) });
};

export type Step = {
  name: 'collect' | 'prove' | 'submit' | 'verified';
  state: 'done' | 'now' | 'next' | 'stopped';
  detail: string;
};

const names = ['collect', 'prove', 'submit', 'verified'] as const;

/** Which step a stage is at. */
const places: Record<ProofStage['kind'], number> = {
  idle: -1,
  collecting: 0,
  waiting: 1,
  checking: 1,
  proving: 1,
  submitting: 2,
  verified: 4,
  'not-enough': 0,
  'crowd-too-small': 1,
  failed: 1,
};
const stops: readonly ProofStage['kind'][] = ['not-enough', 'crowd-too-small', 'failed'];

export const stepsOf = (helping: HelpingView, now: number): Step[] => {
  const { stage } = helping.proof;
  const place = places[stage.kind];
  return names.map((name, at) => {
    const current = at === place;
    const state = at < place ? 'done' : !current ? 'next' : stops.includes(stage.kind) ? 'stopped' : 'now';
    const detail = at === 0 ? collected(helping) : current ? detailOf(stage, now) : '';
    const otherwise = state === 'done' ? t('proof.state.done') : t('metric.none');
    return { name, state, detail: detail === '' ? otherwise : detail };
  });
};

/** What was collected for the proof that is shown. */
const collected = ({ audit, epoch, proof }: HelpingView): string => {
  if (proof.epoch === null)
    return proof.stage.kind === 'collecting' && epoch ? t('proof.until', { time: endOf(epoch) }) : '';
  if (audit?.epoch.epoch !== proof.epoch.epoch) return '';
  return t('proof.checks', { passed: audit.passed, slots: audit.slots });
};

const endOf = ({ startsAt, endsAt }: EpochView): string =>
  endsAt - startsAt < 10 * 60_000 ? timeWithSeconds(endsAt) : timeOfDay(endsAt);

const detailOf = (stage: ProofStage, now: number): string => {
  switch (stage.kind) {
    case 'waiting':
      return stage.at > now ? t('proof.startsIn', { time: span(stage.at - now) }) : t('proof.startsNow');
    case 'checking':
      return t('proof.checking');
    case 'proving':
      return t('metric.percent', { count: Math.round(100 * stage.fraction) });
    case 'submitting':
      return t('proof.sending');
    default:
      return '';
  }
};

/** What is not reached when a proof is made is the server, whose list and key it takes and who is given it. */
export const failureText = (code: string): string =>
  code === 'unreachable' ? t('proof.unreachable') : reasonText(code);

/** The stage in a sentence or two, for whoever wants to know what happens or why nothing does. */
export const stageText = (helping: HelpingView, relaying: boolean): string => {
  const { stage } = helping.proof;
  switch (stage.kind) {
    case 'idle':
      if (!relaying) return t('proof.idleOff');
      return helping.policy === 'off' ? t('proof.idlePolicy') : t('proof.idleUnknown');
    case 'collecting':
      return t('proof.collectingMore');
    case 'waiting':
      return t('proof.waitingMore');
    case 'checking':
      return t('proof.checkingMore');
    case 'proving':
      return t('proof.provingMore');
    case 'submitting':
      return t('proof.submittingMore');
    case 'verified':
      return t('proof.verifiedMore');
    case 'not-enough':
      return t('proof.notEnough');
    case 'crowd-too-small':
      return t('proof.crowd', { crowd: stage.crowd, least: stage.least });
    case 'failed':
      return t('proof.failed', { reason: failureText(stage.code) });
  }
};

/** What the audit found wrong, if it did. */
export const faultText = (helping: HelpingView): string | null => {
  const { audit } = helping;
  if (!audit || audit.fault === null || audit.passed >= audit.tested) return null;
  return t(`fault.${audit.fault}`);
};

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
type Amount = { number: string; unit: (typeof units)[number] };

/** 1 kB is 1,000 bytes. */
export const amountOf = (bytes: number): Amount => {
  const place = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** place;
  const number = place === 0 || value >= 100 ? numberText(Math.round(value)) : tenthsText(value);
  return { number, unit: units[place] ?? 'B' };
};

export const sizeOf = (bytes: number): string => {
  const { number, unit } = amountOf(bytes);
  return t(`size.${unit}`, { number });
};

const two = (n: number): string => String(n).padStart(2, '0');

/** The local date, as days are named. */
const dayAt = (at: number): string => {
  const date = new Date(at);
  return `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
};

export const todayOf = (days: readonly DayView[], now: number): DayView =>
  days.find(({ day }) => day === dayAt(now)) ?? { day: dayAt(now), circuits: 0, bytes: 0 };

const DAYS = 14;

export type Bar = DayView & { label: string; height: number; today: boolean };

/** The last 14 days, today at the end; those of which nothing is known carried nothing. */
export const barsOf = (days: readonly DayView[], now: number): Bar[] => {
  const most = Math.max(1, ...days.map(({ circuits }) => circuits));
  return Array.from({ length: DAYS }, (_, at) => {
    const date = new Date(now);
    // Noon, so that a day of 23 or 25 hours is no trap.
    date.setHours(12, 0, 0, 0);
    date.setDate(date.getDate() - (DAYS - 1 - at));
    const known = todayOf(days, date.getTime());
    const today = at === DAYS - 1;
    const label = today ? t('helping.today') : dayInWords(date.getTime());
    return { ...known, label, height: known.circuits / most, today };
  });
};
