import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochPlan } from '#shared/contribution/epochs.ts';
import {
  auditCommitment,
  closeTime,
  loopCount,
  MOST_AUDITED,
  ROUNDS,
  slotPlan,
  slotTargets,
  type SlotRef,
} from '#shared/contribution/plan.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import { concat, text } from '#shared/bytes/bytes.ts';
import { MAX_NODES } from '#shared/directory/consensus.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { runs } from '#tests/support/runs.ts';

const epochs = epochPlan(60_000);
const { slotMs } = epochs;

const anyRef: fc.Arbitrary<SlotRef> = fc.record({
  seed: anyBytes(32),
  epoch: fc.nat(0xffff_ffff),
  slot: fc.nat(11),
});

const placesOf = (nodes: number): number[] => Array.from({ length: nodes }, (_, place) => place);

const seedOf = (number: number): Uint8Array => sha256(text(String(number)));

describe('the commitment to a plan', () => {
  it('is the hash of label, epoch and seed', () => {
    const seed = seedOf(1);
    const bytes = concat(text('hourglass audit plan 1'), new Uint8Array([0, 0, 1, 2]), seed);
    expect(auditCommitment(258, seed)).toEqual(sha256(bytes));
  });
});

describe('the plan of a slot', () => {
  it('has every node in at least three loops, none twice in one, as many loops as it says', () => {
    fc.assert(
      fc.property(anyRef, fc.integer({ min: 5, max: 70 }), (ref, nodes) => {
        const loops = slotTargets(ref, placesOf(nodes));
        expect(loops).toHaveLength(loopCount(nodes));
        const stood = new Array<number>(nodes).fill(0);
        for (const targets of loops) {
          expect(new Set(targets).size).toBe(4);
          for (const node of targets) stood[node] = (stood[node] ?? 0) + 1;
        }
        expect(Math.min(...stood)).toBeGreaterThanOrEqual(ROUNDS);
        // Three places at the most are filled up in each round.
        expect(stood.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(ROUNDS * (nodes + 3));
      }),
      runs(150),
    );
  });

  it('has no loops under five nodes', () => {
    const ref = { seed: seedOf(1), epoch: 1, slot: 1 };
    for (const nodes of [0, 1, 4]) {
      expect(slotPlan(ref, placesOf(nodes), epochs)).toEqual([]);
      expect(loopCount(nodes)).toBe(0);
    }
  });

  it('is the same for all who know the seed, and another one for each seed, epoch and slot', () => {
    fc.assert(
      fc.property(anyRef, fc.integer({ min: 8, max: 40 }), (ref, nodes) => {
        const places = placesOf(nodes);
        const plan = slotPlan(ref, places, epochs);
        expect(slotPlan(ref, places, epochs)).toEqual(plan);
        expect(plan.map(({ targets }) => targets)).toEqual(slotTargets(ref, places));
        const others = [
          { ...ref, seed: sha256(ref.seed) },
          { ...ref, epoch: (ref.epoch + 1) % 2 ** 32 },
          { ...ref, slot: ref.slot + 1 },
        ];
        for (const other of others) expect(slotPlan(other, places, epochs)).not.toEqual(plan);
      }),
      runs(40),
    );
  });

  it('spreads its loops over the first 70 % of the slot, one in each share', () => {
    fc.assert(
      fc.property(anyRef, fc.integer({ min: 5, max: 70 }), (ref, nodes) => {
        const plan = slotPlan(ref, placesOf(nodes), epochs);
        const shareMs = (0.7 * slotMs) / plan.length;
        for (const [at, { dueMs, spanMs, lingerMs }] of plan.entries()) {
          expect(dueMs).toBeGreaterThanOrEqual(Math.floor(at * shareMs));
          expect(dueMs).toBeLessThanOrEqual((at + 1) * shareMs);
          expect(spanMs).toBeGreaterThanOrEqual(slotMs / 20);
          expect(spanMs).toBeLessThanOrEqual(slotMs / 4);
          expect(lingerMs).toBeGreaterThanOrEqual(0);
          expect(lingerMs).toBeLessThanOrEqual(2 * slotMs);
        }
      }),
      runs(100),
    );
  });

  it('has every node at every place of a loop about as often', () => {
    const [nodes, slots] = [10, 1_200];
    const counts = placesOf(4 * nodes).map(() => 0);
    let loops = 0;
    for (let slot = 0; slot < slots; slot++)
      for (const targets of slotTargets({ seed: seedOf(slot), epoch: 7, slot: slot % 12 }, placesOf(nodes))) {
        loops += 1;
        for (const [at, node] of targets.entries()) counts[4 * node + at] = (counts[4 * node + at] ?? 0) + 1;
      }
    const due = loops / nodes;
    const chiSquare = counts.reduce((sum, count) => sum + (count - due) ** 2 / due, 0);
    // 36 degrees of freedom: above 80 once in 30,000.
    expect(chiSquare).toBeLessThan(80);
  });

  it('takes as many nodes as a consensus lists', () => {
    expect(MOST_AUDITED).toBe(MAX_NODES);
    expect(loopCount(MOST_AUDITED)).toBeLessThan(2 ** 16);
  });
});

it('an epoch is closed a quarter of a slot and ten seconds after its end', () => {
  expect(closeTime(10, epochs)).toBe(11 * 60_000 + slotMs / 4 + 10_000);
});
