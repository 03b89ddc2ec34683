import { describe, expect, it } from 'vitest';
import { CELL_LENGTH } from '#shared/cell/geometry.ts';
import type { Millis } from '#shared/units.ts';
import { cellsSeen, DirectoryForm } from '#tests/support/directory-form.ts';
import { holds, mean, meanInterval, meanOf95, shareInterval, shareOf95 } from '#tests/support/statistics.ts';
import { TABS, watchWorld, type Mode, type Spans, type Watched } from './watched-world.ts';
import { guess } from './who-is-who.ts';
import { World } from './world.ts';

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const long = process.env['HG_LONG'] === '1';
/** As a network does it by its defaults; and in a few minutes, for every day. */
const spans: Spans = long
  ? { delayMs: 5 * MINUTE, arrivalMs: 10 * SECOND, talkMs: 10 * MINUTE }
  : { delayMs: MINUTE, arrivalMs: 2 * SECOND, talkMs: 90 * SECOND };
const seeds = Array.from({ length: long ? 20 : 1 }, (_, i) => i + 1);
const CHANCE = 1 / TABS;

type Score = { nodes: number; users: number };

const scoreOf = (watched: Watched, seed: number): Score => {
  const { sights, nodeOf, nodeOfUser, delayMs } = watched;
  const wanted = {
    places: [...nodeOf.keys()],
    nodes: [...nodeOf.values()].sort(),
    users: [...nodeOfUser.keys()],
    delayMs,
  };
  const guessed = guess(sights, wanted, new World({ seed }).rng(96_000));
  const share = (truth: Map<string, string>, guesses: Map<string, string>): number =>
    mean([...truth].map(([key, value]) => Number(guesses.get(key) === value)));
  return { nodes: share(nodeOf, guessed.nodeOf), users: share(nodeOfUser, guessed.nodeOfUser) };
};

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

describe('a directory that keeps all it sees, of twelve tabs in two of which users talk,', () => {
  const scores: Record<Mode, Score[]> = { private: [], direct: [] };
  const of = (mode: Mode, what: keyof Score): number[] => scores[mode].map((score) => score[what]);

  it.each(seeds.flatMap((seed) => [['direct', seed] as const, ['private', seed] as const]))(
    'is watched in %s mode: seed %i',
    async (mode, seed) => {
      const watched = await watchWorld(seed, mode, spans);
      expect(watched.faults).toEqual([]);
      expect(watched.nodeOf.size).toBe(TABS);
      scores[mode].push(scoreOf(watched, seed));
      const form = new DirectoryForm();
      for (const sight of watched.sights) {
        if (sight.kind === 'frame') expect(sight.length % CELL_LENGTH).toBe(0);
        else if (sight.kind === 'cell') form.cell(sight.sent, sight.command, sight.used);
        else if ('body' in sight) form.service(sight.kind, sight.body);
      }
      // Of one form, in which nothing tells one node's from another's; tests/e2e/tabs-only.test.ts has the same of real tabs.
      const hops = mode === 'private' ? 4 : 3;
      expect([...form.cells].filter((kind) => !cellsSeen([hops]).includes(kind))).toEqual([]);
      expect(form.services).toContain('request register');
    },
    400_000,
  );

  it('tells who is who where the circuits to it are one hop long', () => {
    expect(scores.direct).toHaveLength(seeds.length);
    console.log(
      [
        `chance ${percent(CHANCE)}, ${String(seeds.length)} seeds`,
        ...(['direct', 'private'] as const).map(
          (mode) =>
            `${mode}: nodes of connections ${percent(mean(of(mode, 'nodes')))}, nodes of users ${percent(mean(of(mode, 'users')))}`,
        ),
      ].join('\n'),
    );
    // Else the guesses below would mean nothing.
    expect(mean(of('direct', 'nodes'))).toBeGreaterThanOrEqual(0.9);
    expect(mean(of('direct', 'users'))).toBeGreaterThanOrEqual(0.9);
  });

  it('does no better than chance where they are four hops long, and nodes register at random times', () => {
    const [nodes, users] = [of('private', 'nodes'), of('private', 'users')];
    const count = 2 * seeds.length;
    expect(nodes).toHaveLength(seeds.length);
    // Of random matchings as many are right as one, give or take one.
    expect(holds(meanInterval(CHANCE, CHANCE ** 2, seeds.length), mean(nodes))).toBe(true);
    expect(mean(users)).toBeLessThanOrEqual(shareInterval(CHANCE, count).high);
    if (!long) return;
    expect(holds(meanOf95(nodes), CHANCE)).toBe(true);
    expect(holds(shareOf95(mean(users) * count, count), CHANCE)).toBe(true);
  });
});
