import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import {
  GUARD_LIFE_MS,
  GUARD_UNLISTED_MS,
  guardFailed,
  guardWorked,
  MAX_GUARDS,
  updateGuards,
  usableGuards,
  type Guard,
} from '#shared/path/guards.ts';
import type { NodeId } from '#shared/units.ts';
import { anyRng } from '#tests/support/arbitrary.ts';
import { runs } from '#tests/support/runs.ts';
import { consensusOf, idOf, listedNodes, NOW, seed } from '#tests/support/sample-network.ts';

const HOUR = 3_600_000;
const rng = seededRng(seed('guards'));
const network = consensusOf(listedNodes(30));
const ids = (guards: readonly Guard[]): NodeId[] => guards.map(({ id }) => id);
const without = (...gone: NodeId[]) => consensusOf(network.nodes.filter(({ id }) => !gone.includes(id)));
const firstTwo = () => updateGuards([], network, { now: NOW, rng });
const failAll = (state: readonly Guard[], now: number) =>
  usableGuards(state, now).reduce((guards, { id }) => guardFailed(guards, id, now), [...state]);

describe('the guards', () => {
  it('are two of those marked, never self nor one to avoid', () => {
    const marked = consensusOf(listedNodes(20, (i) => ({ guard: i < 6 })));
    const avoid = new Set([idOf('n1'), idOf('n2')]);
    const allowed = ['n3', 'n4', 'n5'].map(idOf);
    for (let i = 0; i < 50; i++) {
      const guards = updateGuards([], marked, { now: NOW, rng, self: idOf('n0'), avoid });
      expect(guards).toHaveLength(2);
      expect(new Set(ids(guards)).size).toBe(2);
      for (const id of ids(guards)) expect(allowed).toContain(id);
    }
  });

  it('are nodes whose links all pass the server where there are no others alone', () => {
    const server = (from: number) => (i: number) => ({
      capabilities: { headless: false, reachable: i < from, server: i >= from },
    });
    const drawn = (from: number) =>
      ids(updateGuards([], consensusOf(listedNodes(20, server(from))), { now: NOW, rng }));
    for (let i = 0; i < 50; i++) expect(drawn(2).sort()).toEqual(['n0', 'n1'].map(idOf).sort());
    expect(drawn(0)).toHaveLength(2);
    expect(drawn(1)).toContain(idOf('n0'));
    expect(drawn(1)).toHaveLength(2);
  });

  it('stay over every consensus of 30 days, then are drawn anew', () => {
    let guards = firstTwo();
    const first = ids(guards);
    for (let now = NOW; now <= NOW + GUARD_LIFE_MS; now += 6 * HOUR) {
      guards = updateGuards(guards, network, { now, rng });
      expect(ids(guards)).toEqual(first);
    }
    const later = NOW + GUARD_LIFE_MS + 1;
    guards = updateGuards(guards, network, { now: later, rng });
    expect(guards).toHaveLength(2);
    expect(guards.every(({ addedAt }) => addedAt === later)).toBe(true);
  });

  it('leave when unlisted for a day, and step back meanwhile', () => {
    const guards = firstTwo();
    const [gone, other] = ids(guards) as [NodeId, NodeId];
    const rest = without(gone);
    const within = updateGuards(guards, rest, { now: NOW + GUARD_UNLISTED_MS, rng });
    expect(ids(within).slice(0, 2)).toEqual([gone, other]);
    expect(within).toHaveLength(3);
    const back = updateGuards(within, network, { now: NOW + GUARD_UNLISTED_MS + 1, rng });
    expect(ids(back)).toEqual(ids(within));
    const after = updateGuards(within, rest, { now: NOW + GUARD_UNLISTED_MS + 1, rng });
    expect(ids(after)).toEqual(ids(within).slice(1));
  });

  it('survive failures, and are preferred again once they answer', () => {
    let guards = firstTwo();
    const [first, second] = ids(guards) as [NodeId, NodeId];
    guards = guardFailed(guards, first, NOW);
    expect(ids(usableGuards(guards, NOW))).toEqual([second]);
    guards = updateGuards(guards, network, { now: NOW, rng });
    expect(ids(guards).slice(0, 2)).toEqual([first, second]);
    expect(usableGuards(guards, NOW)).toHaveLength(2);
    expect(ids(usableGuards(guards, NOW + 10_000))[0]).toBe(first);
    guards = guardWorked(guards, first);
    expect(guards[0]).toMatchObject({ id: first, failures: 0, retryAt: 0 });
    expect(ids(updateGuards(guards, network, { now: NOW, rng }))).toEqual(ids(guards));
  });

  it('are retried after twice as long each time, at most half an hour', () => {
    let guards = firstTwo();
    const id = guards[0]?.id as NodeId;
    const waits = Array.from({ length: 12 }, () => {
      guards = guardFailed(guards, id, NOW);
      return (guards[0]?.retryAt ?? 0) - NOW;
    });
    expect(waits.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 80_000]);
    expect(waits.at(-1)).toBe(30 * 60_000);
    for (let i = 0; i < 2000; i++) guards = guardFailed(guards, id, NOW);
    expect(guards[0]?.retryAt).toBe(NOW + 30 * 60_000);
  });

  it('are never more than twenty, however many cannot be reached', () => {
    let guards: Guard[] = [];
    for (let i = 0; i < 40; i++) {
      guards = failAll(updateGuards(guards, network, { now: NOW, rng }), NOW);
    }
    expect(guards).toHaveLength(MAX_GUARDS);
    expect(new Set(ids(guards)).size).toBe(MAX_GUARDS);
  });

  it('give way where twenty have gone within a day, the one gone longest first', () => {
    const nodes = listedNodes(60);
    let guards: Guard[] = [];
    const drawn: NodeId[] = [];
    // Every minute the two in use are closed.
    for (let minute = 0; minute < 25; minute++) {
      const left = nodes.filter(({ id }) => !drawn.includes(id));
      guards = updateGuards(guards, consensusOf(left), { now: NOW + 60_000 * minute, rng });
      const fresh = guards.filter(({ addedAt }) => addedAt === NOW + 60_000 * minute);
      expect(fresh).toHaveLength(2);
      drawn.push(...ids(fresh));
      expect(ids(guards)).toEqual(drawn.slice(-MAX_GUARDS));
    }
    // Where nothing is left to be drawn none is given up for it.
    expect(ids(updateGuards(guards, consensusOf([]), { now: NOW + 60_000 * 25, rng }))).toEqual(ids(guards));
  });

  it('may be any node of a small network without marks, and of no larger one', () => {
    const unmarked = (count: number) => consensusOf(listedNodes(count, () => ({ guard: false })));
    expect(updateGuards([], unmarked(3), { now: NOW, rng, self: idOf('n0') })).toHaveLength(2);
    expect(updateGuards([], unmarked(1), { now: NOW, rng, self: idOf('n0') })).toHaveLength(0);
    expect(updateGuards([], unmarked(9), { now: NOW, rng })).toHaveLength(0);
  });

  it('keep their order over any history', () => {
    const event = fc.record({
      afterMs: fc.nat(40 * HOUR),
      missing: fc.subarray(network.nodes.map(({ id }) => id)),
      fail: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), anyRng, (events, chance) => {
        let guards: Guard[] = [];
        let now = NOW;
        for (const { afterMs, missing, fail } of events) {
          now += afterMs;
          const before = ids(guards);
          guards = updateGuards(guards, without(...missing), { now, rng: chance });
          const kept = before.filter((id) => ids(guards).includes(id));
          expect(ids(guards).slice(0, kept.length)).toEqual(kept);
          expect(guards.length).toBeLessThanOrEqual(MAX_GUARDS);
          for (const { addedAt, lastListed } of guards) {
            expect(now - addedAt).toBeLessThanOrEqual(GUARD_LIFE_MS);
            expect(now - lastListed).toBeLessThanOrEqual(GUARD_UNLISTED_MS);
          }
          if (fail) guards = failAll(guards, now);
        }
      }),
      runs(60),
    );
  });
});
