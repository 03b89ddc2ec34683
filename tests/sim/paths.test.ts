import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { epochPlan } from '#shared/contribution/epochs.ts';
import { chooseGuarded } from '#shared/path/choose.ts';
import type { Millis } from '#shared/units.ts';
import { dhKeypair } from '#shared/crypto/dh.ts';
import { nodeId } from '#shared/units.ts';
import { compose } from '#server/services/compose.ts';
import { directoryKeys, NOW, realNode, seed } from '#tests/support/sample-network.ts';
import { chiSquare, chiSquareLimit, holds, meanInterval, shareInterval } from '#tests/support/statistics.ts';
import { churns, DAYS, guardFlags, measureCaught, STEP_MS, TAB_LIFE_MS, type Caught } from './guard-churn.ts';
import {
  endsCases,
  endsHead,
  endsRow,
  exitsHead,
  exitsRow,
  habitCases,
  habitHead,
  habitRow,
  large,
  measureCase,
  measureExitCases,
  measureHabit,
  measureMonth,
  monthCases,
  monthHead,
  monthRow,
  pathsPicture,
  small,
  type Measured,
} from './path-report.ts';
import {
  attacks,
  expectedEnds,
  measureExits,
  pathWorld,
  type Attack,
  type Ends,
  type Habit,
} from './path-world.ts';

const long = process.env['HG_LONG'] === '1';
const size = long ? large : small;
const docs = join(import.meta.dirname, '../../docs');
const page = readFileSync(join(docs, 'threat-model.md'), 'utf8').replaceAll(/ +/g, ' ');

const measured: Measured = { ends: [], months: [], exits: [] };

/** Prints what was measured; at the large size the threat model has every row of it. */
const table = (head: string, rows: string[]): void => {
  console.log([`${String(size.nodes)} nodes`, head, ...rows].join('\n'));
  if (long) for (const row of rows) expect(page).toContain(row);
};

const worldOf = ({ nodes, hostile }: Pick<Ends, 'nodes' | 'hostile'>) => pathWorld(nodes, hostile);

describe('circuits with both ends hostile', () => {
  it.each(endsCases(size))(
    'are as many as is to be expected: $hostile nodes $attack',
    ({ attack, hostile }) => {
      const ends = measureCase(size, attack, hostile);
      const expected = expectedEnds(worldOf(ends), attack, ends.circuitsEach);
      measured.ends.push(ends);
      const { low, high } = meanInterval(expected.both, expected.variance, ends.users);
      expect(ends.both).toBeGreaterThanOrEqual(low);
      expect(ends.both).toBeLessThanOrEqual(high);
      expect(ends.tries[0]).toBeCloseTo(expected.tries[0] ?? NaN, 1);
      // Of those with one hostile guard there are some hundreds of circuits at the least.
      expect((ends.tries[1] ?? NaN) / (expected.tries[1] ?? NaN)).toBeCloseTo(1, 0);
    },
  );

  it('are f² of all, a little over that where hostile nodes refuse, and under 3 f² whatever they do', () => {
    const all = measured.ends.map((ends) => ({ ends, square: (ends.hostile / ends.nodes) ** 2 }));
    const most = { watch: 1, refuse: 1.4, cut: 3, herd: NaN };
    expect(all).toHaveLength(attacks.length * 3);
    for (const { ends, square } of all)
      expect(expectedEnds(worldOf(ends), ends.attack, 1).both / square).toBeLessThanOrEqual(
        most[ends.attack],
      );
    table(endsHead, measured.ends.map(endsRow));
  });

  it('meet few users, since guards are kept, and would meet most if they were not', () => {
    const cases = habitCases.filter(({ attack }) => long || attack === 'watch' || attack === 'herd');
    const rows = cases.map(({ attack, habit, share }) => ({
      habit,
      ends: measureHabit(size, attack, habit, share),
    }));
    table(
      habitHead,
      rows.map(({ habit, ends }) => habitRow(habit, ends)),
    );
    const of = (attack: Attack, habit: Habit): Ends => {
      const found = rows.find((row) => row.ends.attack === attack && row.habit === habit);
      if (!found) throw new Error('not measured');
      return found.ends;
    };
    const [kept, fresh] = [of('watch', 'kept'), of('watch', 'fresh')];
    const [herded, dropping] = [of('herd', 'kept'), of('herd', 'dropping')];
    const { everBoth } = expectedEnds(worldOf(kept), 'watch', kept.circuitsEach);
    const interval = shareInterval(everBoth, kept.users);
    expect(holds(interval, kept.everBoth)).toBe(true);
    expect(fresh.everBoth).toBeGreaterThan(interval.high);
    // Who drops a guard for its failures is driven to those that never fail.
    const share = herded.hostile / herded.nodes;
    const guards = shareInterval(share, 2 * herded.users);
    expect(holds(guards, herded.badGuards)).toBe(true);
    expect(dropping.badGuards).toBeGreaterThan(guards.high);
  });
});

describe('guards over a month', () => {
  const kept = ({ expected, variance, users }: Caught) => meanInterval(expected, variance, users);
  const last = ({ byDay }: Caught): number => byDay.at(-1) ?? NaN;
  const cases = long ? monthCases : monthCases.slice(0, churns.length);

  it.each(cases)(
    'catch as many users as their draws make likely: $churn.name, $share',
    ({ churn, share }) => {
      const caught = measureMonth(size, churn, share);
      measured.months.push(caught);
      expect(holds(kept(caught), last(caught))).toBe(true);
      expect(caught.without).toBe(0);
      // Hostile nodes that never leave are flagged as guards, which is half of all at the least.
      expect(caught.flagged).toBeGreaterThan(1.7 * caught.listed);
      expect(caught.flagged).toBeLessThanOrEqual(2 * caught.listed);
    },
  );

  it('are worth as much as the nodes stay: those of tabs alone are lost within days', () => {
    table(monthHead, measured.months.map(monthRow));
    const [relays, , tabs] = measured.months;
    if (!relays || !tabs) throw new Error('not measured');
    // Each of the two is lost in an hour with this probability, and then another is drawn.
    const lost = 1 - Math.exp(-STEP_MS / TAB_LIFE_MS);
    for (const day of [0, 1]) {
      const clean = (1 - tabs.flagged) ** 2 * (1 - lost * tabs.flagged) ** (2 * 24 * day);
      expect(holds(shareInterval(1 - clean, tabs.users), tabs.byDay[day] ?? NaN)).toBe(true);
    }
    // Relays are away at times, so that others stand in; a naive client draws anew each hour.
    const twice = 1 - (1 - relays.flagged) ** 4;
    const { high } = shareInterval(twice, relays.users);
    expect(relays.byDay[DAYS - 1]).toBeLessThan(high);
    const { nodes, hostile, users } = relays;
    const naive = measureCaught(
      nodes,
      hostile,
      churns[0] ?? { name: '', relays: 1 },
      Math.min(users, 30),
      () => [],
    );
    expect(naive.byDay[DAYS - 1]).toBeGreaterThan(high);
  });

  it('are never all gone, though twenty tabs that were guards are closed within a day', () => {
    const { without, draws } = measureCaught(small.nodes, 0, { name: 'tabs alone', relays: 0 }, 10);
    expect(draws / DAYS).toBeGreaterThan(12);
    expect(without).toBe(0);
  });

  it('are flagged as the directory does it', () => {
    const hours = [1, 2, 3, 50, 100, 193, 300, 400];
    for (const uptimes of [hours, hours.slice(0, 5), hours.slice(3)].map((all) =>
      all.map((h) => h * 3_600_000),
    )) {
      const presences = uptimes.map((uptime: Millis, i) => {
        const { bytes, descriptor } = realNode(`flagged ${String(i)}`);
        const { id: node, published } = descriptor;
        return { node, descriptor: bytes, published, since: NOW - uptime, seen: NOW };
      });
      const nothing = new Uint8Array(32);
      const standing = {
        contributionEpoch: 0,
        contributionRoot: nothing,
        auditPlan: nothing,
        tokenKey: nothing,
      };
      const { nodes } = compose({
        keys: { id: nodeId(directoryKeys.public), signing: directoryKeys, onion: dhKeypair(seed('onion')) },
        ...{ presences, standing, previous: undefined, now: NOW, directoryHops: 4, registrationDelayMs: 0 },
        ...{ epochs: epochPlan(3_600_000), contribution: 'off' },
      });
      const flags = new Map(nodes.map(({ since, guard }) => [NOW - since, guard]));
      expect(uptimes.map((uptime) => flags.get(uptime))).toEqual(guardFlags(uptimes));
    }
  });
});

describe('exits', () => {
  it('are used by weight, each as much as the others of its weight', () => {
    measured.exits.push(...measureExitCases(size));
    table(exitsHead, measured.exits.map(exitsRow));
    for (const { counts, expected } of measured.exits) {
      expect(Math.min(...expected)).toBeGreaterThan(5);
      expect(chiSquare(counts, expected)).toBeLessThan(chiSquareLimit(counts.length - 1));
    }
  });

  it('would be found out if weights did not count', () => {
    const world = pathWorld(size.nodes, 0, (i) => 1000 * (1 + (i % 10)));
    const { consensus } = pathWorld(size.nodes, 0);
    const { counts, expected } = measureExits('naive', world, size.exitPaths / 5, (_, request) =>
      chooseGuarded(consensus, request),
    );
    expect(chiSquare(counts, expected)).toBeGreaterThan(chiSquareLimit(counts.length - 1));
  });
});

const picture = long
  ? 'docs/figures/paths.svg shows what was measured'
  : 'NOT TESTED: docs/figures/paths.svg, which takes minutes to measure; HG_LONG=1 does';
it(picture, () => {
  if (!long) return;
  expect(readFileSync(join(docs, 'figures/paths.svg'), 'utf8')).toBe(pathsPicture(measured));
});
