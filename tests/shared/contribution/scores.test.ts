import { describe, expect, it } from 'vitest';
import { text } from '#shared/bytes/bytes.ts';
import { SLOTS } from '#shared/contribution/epochs.ts';
import type { Outcome } from '#shared/contribution/outcomes.ts';
import { slotTargets } from '#shared/contribution/plan.ts';
import { scoresOf, slotsIn, type NodeScore, type RanLoop } from '#shared/contribution/scores.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import { seededRng, shuffle, uniform, type Rng } from '#shared/crypto/rng.ts';

const PASSED: Outcome = { kind: 'passed' };
const UNRUN: Outcome = { kind: 'unrun' };
const ALL = 0b1111;
const lost = (suspects = ALL): Outcome => ({ kind: 'failed', fault: 'lost', suspects });
const late: Outcome = { kind: 'failed', fault: 'late', suspects: ALL };

const loop = (targets: number[], outcome: Outcome = PASSED): RanLoop => ({ targets, outcome });

describe('scores', () => {
  it('count the slots in which a loop passed', () => {
    const all = loop([0, 1, 2, 3]);
    const [first, , , , fifth] = scoresOf(5, [[all], [loop([0, 1, 2, 3], UNRUN)], [all, all], [], [all]]);
    expect(first).toEqual({ tested: 0b10101, passed: 0b10101, fault: undefined, tier: 3 });
    expect(fifth).toEqual({ tested: 0, passed: 0, fault: undefined, tier: undefined });
  });

  it('reach a tier with its number of slots', () => {
    const tiers = [2, 3, 5, 6, 11, 12].map((slots) => {
      const loops = Array.from({ length: slots }, () => [loop([0, 1, 2, 3])]);
      return scoresOf(4, loops)[0]?.tier;
    });
    expect(tiers).toEqual([undefined, 3, 3, 6, 9, 12]);
  });

  it('blame a failed loop on those of whose loops most failed', () => {
    // Of node 0 three of four failed, of the others fewer.
    const slots = [
      [loop([0, 1, 2, 3], lost()), loop([1, 2, 3, 4])],
      [loop([0, 4, 5, 6], lost()), loop([3, 4, 5, 6])],
      [loop([0, 1, 5, 6], late), loop([1, 2, 5, 6])],
      [loop([0, 2, 3, 4])],
    ];
    const scores = scoresOf(7, slots);
    expect(scores[0]).toEqual({ tested: 0b1111, passed: 0b1000, fault: 'lost', tier: undefined });
    expect(scores[1]).toEqual({ tested: 0b101, passed: 0b101, fault: undefined, tier: undefined });
    expect(scores[4]?.passed).toBe(0b1011);
  });

  it('blame suspects alone, and all that are even', () => {
    const slots = [[loop([0, 1, 2, 3], lost(0b0110)), loop([0, 1, 2, 3])]];
    expect(scoresOf(4, slots).map(({ passed }) => passed)).toEqual([1, 0, 0, 1]);
  });

  it('blame a node for no more than it was suspected of, though loops of it failed by others', () => {
    // Node 3 stands in three failed loops of three, and is suspected of the last one alone.
    const bad = loop([3, 0, 1, 2], lost(0b0010));
    const slots = [[bad, bad, loop([3, 4, 5, 6], late)], [loop([4, 5, 6, 7])]];
    const faults = scoresOf(8, slots).map(({ fault }) => fault);
    expect(faults.slice(0, 4)).toEqual(['lost', undefined, undefined, undefined]);
    expect(faults.slice(4)).toEqual(['late', 'late', 'late', undefined]);
  });

  it('let one through that failed a third of the loops that it answers for, and not one that failed more', () => {
    const others = (at: number): number[] => [1, 2, 3].map((node) => 3 * at + node);
    const run = (failed: number, passed: number): NodeScore | undefined =>
      scoresOf(1 + 3 * SLOTS * 3, [
        ...Array.from({ length: failed }, (_, at) => [loop([0, ...others(at)], lost())]),
        ...Array.from({ length: passed }, (_, at) => [loop([0, ...others(failed + at)])]),
        // The others are fitter.
        Array.from({ length: 3 * failed }, (_, at) => loop([...others(at % failed), 3 * SLOTS * 3])),
      ])[0];
    expect(slotsIn(run(4, 8)?.passed ?? 0)).toBe(8);
    expect(run(4, 7)?.passed).toBe(0);
    // Three are too few to tell.
    expect(slotsIn(run(3, 3)?.passed ?? 0)).toBe(3);
  });
});

type Fails = (rng: Rng, targets: readonly number[], bad: ReadonlySet<number>) => Outcome | undefined;

const half = (rng: Rng): boolean => uniform(rng, 2) === 0;
const anyOf = (targets: readonly number[], bad: ReadonlySet<number>): boolean =>
  targets.some((node) => bad.has(node));

const dropper: Fails = (_, targets, bad) => (anyOf(targets, bad) ? lost() : undefined);
const delayer: Fails = (_, targets, bad) => (anyOf(targets, bad) ? late : undefined);
const halfDropper: Fails = (rng, targets, bad) =>
  targets.some((node) => bad.has(node) && half(rng)) ? lost() : undefined;

/** The first one that refuses breaks the way there; a middle is suspected alone, since the guard before it is the auditor's. */
const refuser: Fails = (_, targets, bad) => {
  const at = targets.findIndex((node) => bad.has(node));
  const suspects = [0b0001, 0b0011, 0b0110, 0b1000][at];
  return suspects === undefined ? undefined : { kind: 'failed', fault: 'unbuilt', suspects };
};

/** The bad ones fail those loops in which the first honest node stands. */
const framer =
  (victim: number): Fails =>
  (_, targets, bad) =>
    targets.includes(victim) && anyOf(targets, bad) ? lost() : undefined;

const EPOCHS = 25;

type Odds = { honest: number; bad: number; victim: number };

/** How many of each kind come out with a tier, over some epochs; node by node, in 100. */
const oddsOf = (nodes: number, badOnes: number, kind: Fails | 'framed'): Odds => {
  const got = { honest: 0, bad: 0, victim: 0 };
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const rng = seededRng(sha256(text(`${String(nodes)} ${String(badOnes)} ${String(epoch)}`)));
    const places = Array.from({ length: nodes }, (_, place) => place);
    const order = shuffle(rng, places);
    const bad = new Set(order.slice(0, badOnes));
    const victim = order[badOnes] as number;
    const fails = kind === 'framed' ? framer(victim) : kind;
    const seed = rng(32);
    const slots = Array.from({ length: SLOTS }, (_, slot) =>
      slotTargets({ seed, epoch, slot }, places).map((targets) =>
        loop(targets, fails(rng, targets, bad) ?? PASSED),
      ),
    );
    for (const [node, { tier }] of scoresOf(nodes, slots).entries()) {
      if (tier === undefined) continue;
      got[bad.has(node) ? 'bad' : 'honest'] += 1;
      if (node === victim) got.victim += 1;
    }
  }
  return {
    honest: (100 * got.honest) / (EPOCHS * (nodes - badOnes)),
    bad: (100 * got.bad) / (EPOCHS * badOnes),
    victim: (100 * got.victim) / EPOCHS,
  };
};

describe.each([
  [8, 1],
  [8, 2],
  [12, 3],
  [20, 5],
  [40, 10],
  [60, 15],
])('of %i nodes %i that', (nodes, bad) => {
  it.each([
    ['drop all', dropper],
    ['delay all', delayer],
    ['refuse', refuser],
  ])('%s get no score, and the others do', (_, kind) => {
    const odds = oddsOf(nodes, bad, kind);
    expect(odds.bad).toBe(0);
    expect(odds.honest).toBeGreaterThan(99);
  });

  it('drop half of what they carry seldom get one, and the others nearly always do', () => {
    const odds = oddsOf(nodes, bad, halfDropper);
    expect(odds.bad).toBeLessThan(15);
    expect(odds.honest).toBeGreaterThan(98);
  });
});

describe('a node that the bad ones frame', () => {
  it('keeps its score while they are few, loses it when they are a quarter, and nobody else does', () => {
    const few = oddsOf(60, 3, 'framed');
    expect(few.victim).toBeGreaterThan(90);
    const many = oddsOf(60, 15, 'framed');
    expect(many.victim).toBeLessThan(10);
    expect(many.honest).toBeGreaterThan(97);
  });
});
