import { plot } from '#tests/support/plot.ts';
import { mean, median } from '#tests/support/statistics.ts';
import {
  MOST_TRANSITIONS,
  watchAll,
  type Keys,
  type PresenceOptions,
  type Watched,
} from './presence-world.ts';

export type Presence = { options: PresenceOptions; watched: Watched[] };

const DELAY_MS = 5 * 60_000;
export const session: PresenceOptions = { online: 1000, keys: 'session', delayMs: DELAY_MS };
export const hasty: PresenceOptions = { ...session, delayMs: 0 };
export const opening: PresenceOptions = { ...session, keys: 'opening' };
export const lasting: PresenceOptions = { ...session, keys: 'long-lived' };
/** What it would take; these need more time. */
export const crowded: PresenceOptions = { ...session, online: 5000 };
export const changing: PresenceOptions = { ...session, keys: 'changing' };

export const measurePresence = (options: PresenceOptions, users: number): Presence => ({
  options,
  watched: watchAll(options, users),
});

const USERS = 300;
/** All that is measured, and of how many users. */
export const presenceCases: { options: PresenceOptions; users: number; long: boolean }[] = [
  { options: session, users: USERS, long: false },
  { options: hasty, users: USERS, long: false },
  { options: opening, users: USERS, long: false },
  { options: lasting, users: USERS, long: false },
  { options: crowded, users: USERS, long: true },
  // Many ids come into question at each time, which takes long to follow.
  { options: changing, users: 40, long: true },
];

export type Which = 'needed' | 'neededLive';

/** Share of users of whom one id was left after so many transitions. */
export const shareBy = ({ watched }: Presence, transitions: number, which: Which = 'needed'): number =>
  watched.filter((each) => each[which] <= transitions).length / watched.length;

/** Ids that are left, on average, after the first time that somebody comes, or comes and goes. */
export const leftAfter = ({ watched }: Presence, transitions: 1 | 2): number =>
  mean(watched.map(({ left }) => left[transitions - 1] ?? NaN));

export const medianOf = ({ watched }: Presence, which: Which = 'needed'): number =>
  median(watched.map((each) => each[which]));

const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;
const count = (value: number): string =>
  value === Infinity ? `over ${String(MOST_TRANSITIONS)}` : String(value);
const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;
const names: Record<Keys, string> = {
  session: 'of a session',
  opening: 'of one opening',
  'long-lived': 'long-lived',
  changing: 'changing',
};

export const presenceHead = row(
  'keys',
  'online',
  'delay',
  'left: came',
  'left: went',
  'by 2',
  'by 8',
  'by 20',
  'median',
  'median, still open',
);
export const presenceRow = (presence: Presence): string => {
  const { online, keys, delayMs } = presence.options;
  return row(
    ...[names[keys], String(online), `${String(delayMs / 60_000)} min`],
    ...[leftAfter(presence, 1).toFixed(0), leftAfter(presence, 2).toFixed(1)],
    ...[2, 8, 20].map((transitions) => percent(shareBy(presence, transitions))),
    ...[count(medianOf(presence)), count(medianOf(presence, 'neededLive'))],
  );
};

/** The picture that stands in docs/figures/presence.svg. */
export const presencePicture = (all: readonly Presence[]): string => {
  const panel = (title: string, which: Which) => ({
    title,
    x: { label: 'transitions seen', ticks: [0, 10, 20, 30, 40], text: String },
    y: { label: 'users', ticks: [0, 0.25, 0.5, 0.75, 1], text: percent },
    series: all.map((presence, i) => ({
      name: `keys ${names[presence.options.keys]}${presence.options.delayMs === 0 ? ', no delay' : ''}`,
      kind: 'line' as const,
      colour: ([0, 1, 2, 3] as const)[i] ?? 0,
      points: Array.from({ length: MOST_TRANSITIONS + 1 }, (_, k): [number, number] => [
        k,
        shareBy(presence, k, which),
      ]),
    })),
  });
  return plot('Users whose node one can tell by when they come and go', [
    panel('Singled out, at last by leaving', 'needed'),
    panel('Singled out while the tab is open', 'neededLive'),
  ]);
};
