import { chiSquare, chiSquareLimit } from '#tests/support/statistics.ts';
import { plot, type Axis } from '#tests/support/plot.ts';
import { churns, DAYS, measureCaught, type Caught, type Churn } from './guard-churn.ts';
import {
  attacks,
  expectedEnds,
  measureEnds,
  measureExits,
  pathWorld,
  type Attack,
  type Ends,
  type Exits,
  type Habit,
} from './path-world.ts';

/** How much is measured. */
export type Size = {
  nodes: number;
  users: number;
  circuitsEach: number;
  /** Of users whose circuits are many. */
  longUsers: number;
  longCircuits: number;
  monthUsers: number;
  exitPaths: number;
};

export const small: Size = {
  ...{ nodes: 50, users: 600, circuitsEach: 5, longUsers: 60, longCircuits: 80 },
  ...{ monthUsers: 30, exitPaths: 5_000 },
};
/** What the figures in docs/ are made of. */
export const large: Size = {
  ...{ nodes: 1000, users: 2000, circuitsEach: 5, longUsers: 100, longCircuits: 100 },
  ...{ monthUsers: 120, exitPaths: 30_000 },
};

const SHARES = [0.05, 0.1, 0.2] as const;
const MIDDLE_SHARE = 0.1;
const hostileOf = (nodes: number, share: number): number => Math.round(nodes * share);

/** Every attack at every share of hostile nodes. */
export const endsCases = ({ nodes }: Size): { attack: Attack; hostile: number }[] =>
  SHARES.flatMap((share) => attacks.map((attack) => ({ attack, hostile: hostileOf(nodes, share) })));

export const measureCase = (size: Size, attack: Attack, hostile: number): Ends =>
  measureEnds(pathWorld(size.nodes, hostile), attack, size);

/** Clients that keep their guards, and such as do not, and what each is good for. */
export const habitCases: { attack: Attack; habit: Habit; share: number }[] = [
  { attack: 'watch', habit: 'kept', share: MIDDLE_SHARE },
  { attack: 'watch', habit: 'fresh', share: MIDDLE_SHARE },
  { attack: 'cut', habit: 'kept', share: MIDDLE_SHARE },
  { attack: 'cut', habit: 'fresh', share: MIDDLE_SHARE },
  { attack: 'refuse', habit: 'kept', share: 0.2 },
  { attack: 'refuse', habit: 'dropping', share: 0.2 },
  { attack: 'herd', habit: 'kept', share: 0.2 },
  { attack: 'herd', habit: 'dropping', share: 0.2 },
];

/** Many circuits of each user. */
export const measureHabit = (size: Size, attack: Attack, habit: Habit, share: number): Ends => {
  const world = pathWorld(size.nodes, hostileOf(size.nodes, share));
  return measureEnds(world, attack, { users: size.longUsers, circuitsEach: size.longCircuits }, habit);
};

export const monthCases: { churn: Churn; share: number }[] = [
  ...churns.map((churn) => ({ churn, share: MIDDLE_SHARE })),
  ...[0.05, 0.2].flatMap((share) => churns.slice(1, 2).map((churn) => ({ churn, share }))),
];

export const measureMonth = (size: Size, churn: Churn, share: number): Caught =>
  measureCaught(size.nodes, hostileOf(size.nodes, share), churn, size.monthUsers);

/** Weights of one to ten thousand. */
const unequal = (i: number): number => 1000 * (1 + (i % 10));

export const measureExitCases = (size: Size): Exits[] => [
  measureExits('equal', pathWorld(size.nodes, 0), size.exitPaths),
  measureExits('1 to 10', pathWorld(size.nodes, 0, unequal), size.exitPaths),
];

const percent = (value: number, places = 1): string => `${(100 * value).toFixed(places)} %`;
const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;
const tries = (value: number | undefined): string =>
  value === undefined ? '–' : value.toFixed(value < 10 ? 1 : 0);

export const endsHead = row(
  'hostile',
  'they',
  'both ends',
  'expected',
  'f²',
  'tries with 0, 1, 2 hostile guards',
);
export const endsRow = (ends: Ends): string => {
  const { nodes, hostile, attack } = ends;
  const { both } = expectedEnds(pathWorld(nodes, hostile), attack, ends.circuitsEach);
  const share = hostile / nodes;
  return row(
    percent(share, 0),
    attack,
    percent(ends.both, 2),
    percent(both, 2),
    percent(share ** 2, 2),
    ends.tries.map(tries).join(', '),
  );
};

export const habitHead = row(
  'hostile',
  'they',
  'guards are',
  'both ends',
  'users ever',
  'hostile among guards at the end',
);
export const habitRow = (habit: Habit, { nodes, hostile, attack, both, everBoth, badGuards }: Ends): string =>
  row(
    percent(hostile / nodes, 0),
    attack,
    habit,
    ...[percent(both, 1), percent(everBoth, 0), percent(badGuards, 0)],
  );

export const monthHead = row(
  'honest nodes',
  'hostile',
  'of guards',
  'day 0',
  'day 1',
  'day 10',
  'day 30',
  'day 31',
  'draws',
  'without',
);
export const monthRow = ({ churn, nodes, hostile, flagged, byDay, draws, without }: Caught): string =>
  row(
    churn,
    percent(hostile / nodes, 0),
    percent(flagged, 0),
    ...[0, 1, 10, DAYS - 1, DAYS].map((day) => percent(byDay[day] ?? NaN, 0)),
    draws.toFixed(1),
    percent(without, 1),
  );

export const exitsHead = row(
  'weights',
  'paths',
  'nodes',
  'chi-square',
  '99.9 % below',
  'least',
  'most, of what is expected',
);
export const exitsRow = ({ name, paths, counts, expected }: Exits): string => {
  const ratios = counts.map((count, i) => count / (expected[i] ?? NaN));
  return row(
    name,
    String(paths),
    String(counts.length),
    chiSquare(counts, expected).toFixed(0),
    chiSquareLimit(counts.length - 1).toFixed(0),
    Math.min(...ratios).toFixed(2),
    Math.max(...ratios).toFixed(2),
  );
};

export type Measured = { ends: Ends[]; months: Caught[]; exits: Exits[] };

const asPercent = (value: number): string => `${String(Math.round(100 * value))} %`;
const shareAxis = (label: string, most: number): Axis => ({
  label,
  ticks: [0, 0.25, 0.5, 0.75, 1].map((part) => part * most),
  text: (value) => `${(100 * value).toFixed(most < 0.2 ? 1 : 0)} %`,
});

/** The picture that stands in docs/figures/paths.svg. */
export const pathsPicture = ({ ends, months, exits }: Measured): string => {
  const nodes = ends[0]?.nodes ?? 0;
  const colours = [0, 1, 2] as const;
  const bothEnds = attacks.flatMap((attack, i) => {
    const colour = colours[i] ?? 0;
    const curve = Array.from({ length: 25 }, (_, k): [number, number] => {
      const hostile = Math.max(3, Math.round((nodes * k) / 120));
      return [hostile / nodes, expectedEnds(pathWorld(nodes, hostile), attack, 1).both];
    });
    const points = ends
      .filter((each) => each.attack === attack)
      .map(({ hostile, both }): [number, number] => [hostile / nodes, both]);
    return [
      { name: `${attack}, expected`, kind: 'line', colour, points: curve } as const,
      { name: i === 0 ? 'measured' : '', kind: 'dots', colour, points } as const,
    ];
  });
  const sorted = exits.map(({ counts, expected }) =>
    counts.map((count, i) => count / (expected[i] ?? NaN)).sort((a, b) => a - b),
  );
  return plot('Both ends hostile, guards over a month, and how evenly exits are used', [
    {
      title: `Both ends hostile, of ${String(nodes)} nodes`,
      x: { label: 'hostile nodes', ticks: [0, 0.05, 0.1, 0.15, 0.2], text: asPercent },
      y: shareAxis('circuits', 0.12),
      series: bothEnds
        .filter(({ kind }) => kind === 'line')
        .concat(bothEnds.filter(({ kind }) => kind === 'dots')),
    },
    {
      title: 'Users who ever had a hostile guard',
      x: { label: 'days', ticks: [0, 10, 20, 30], text: String },
      y: shareAxis('users', 1),
      series: months
        .filter(({ hostile }) => hostile === hostileOf(nodes, MIDDLE_SHARE))
        .map(({ churn, byDay }, i) => ({
          name: `${churn}, ${asPercent(MIDDLE_SHARE)} hostile`,
          kind: 'line',
          colour: colours[i] ?? 0,
          points: byDay.slice(0, DAYS).map((share, day): [number, number] => [day, share]),
        })),
    },
    {
      title: 'How evenly exits are used',
      x: { label: 'nodes, the least used first', ticks: [0, nodes / 2, nodes], text: String },
      y: { label: 'used / expected', ticks: [0, 0.5, 1, 1.5, 2], text: String },
      series: sorted.map((ratios, i) => ({
        name: `weights ${exits[i]?.name ?? ''}`,
        kind: 'line',
        colour: colours[i] ?? 0,
        points: ratios
          .map((ratio, place): [number, number] => [place, Math.min(2, ratio)])
          .filter((_, place) => place % Math.ceil(nodes / 100) === 0),
      })),
    },
  ]);
};
