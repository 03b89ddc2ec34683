import { describe, expect, it } from 'vitest';
import {
  acceptsEpoch,
  acceptsToken,
  DEFAULT_EPOCH_MS,
  epochAt,
  epochPlan,
  epochStart,
  provableEpoch,
  slotAt,
  SLOTS,
} from '#shared/contribution/epochs.ts';
import { isTier, tierOf, TIERS } from '#shared/contribution/tiers.ts';
import { misuseOf } from '#tests/support/refusal.ts';

const short = epochPlan(60_000);

describe.each([
  ['as in life', epochPlan(DEFAULT_EPOCH_MS)],
  ['as in tests', short],
])('epochs %s', (_, plan) => {
  const start = epochStart(1000, plan);

  it('have twelve slots', () => {
    expect(plan.epochMs / plan.slotMs).toBe(SLOTS);
    expect(
      [start, start + plan.slotMs - 1, start + plan.slotMs, start + plan.epochMs - 1].map((now) =>
        slotAt(now, plan),
      ),
    ).toEqual([0, 0, 1, 11]);
    expect([start - 1, start, start + plan.epochMs - 1].map((now) => epochAt(now, plan))).toEqual([
      999, 1000, 1000,
    ]);
  });

  it('can be proved when they are over, until a grace after the next', () => {
    expect(provableEpoch(start, plan)).toBe(999);
    const end = epochStart(1001, plan) + plan.graceMs;
    const accepted = [start - 1, start, epochStart(1001, plan) - 1, end - 1, end].map((now) =>
      acceptsEpoch(999, now, plan),
    );
    expect(accepted).toEqual([false, true, true, true, false]);
    expect(acceptsEpoch(1000, start, plan)).toBe(false);
    expect(acceptsEpoch(997, start, plan)).toBe(false);
  });

  it('have tokens that are good until a grace after the next epoch, also by a clock that is behind', () => {
    const end = epochStart(1002, plan) + plan.graceMs;
    const before = start - plan.epochMs;
    const accepted = [before - 1, before, start, epochStart(1002, plan), end - 1, end].map((now) =>
      acceptsToken(1000, now, plan),
    );
    expect(accepted).toEqual([false, true, true, true, true, false]);
  });
});

it('an epoch that is no whole number of slots is refused', () => {
  expect(misuseOf(() => epochPlan(7_000))).toBe('internal');
});

it('a tier is the highest that was reached', () => {
  const tiers = Array.from({ length: 14 }, (_, slots) => tierOf(slots));
  expect(tiers).toEqual([undefined, undefined, undefined, 3, 3, 3, 6, 6, 6, 9, 9, 9, 12, 12]);
  expect([0, 3, 4, 12, 15].map(isTier)).toEqual([false, true, false, true, false]);
  expect(TIERS).toEqual([3, 6, 9, 12]);
});
