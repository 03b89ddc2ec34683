import { describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import {
  MAX_MIDDLES,
  MIDDLE_LEAST_MS,
  MIDDLE_MOST_MS,
  MIDDLE_UNLISTED_MS,
  updateMiddles,
  type Middle,
} from '#shared/path/middles.ts';
import type { NodeId } from '#shared/units.ts';
import { consensusOf, idOf, listedNodes, NOW, seed } from '#tests/support/sample-network.ts';

const HOUR = 3_600_000;
const rng = seededRng(seed('middles'));
const network = consensusOf(listedNodes(30));
const ids = (middles: readonly Middle[]): NodeId[] => middles.map(({ id }) => id);
const without = (...gone: NodeId[]) => consensusOf(network.nodes.filter(({ id }) => !gone.includes(id)));
const four = () => updateMiddles([], network, { now: NOW, rng });

describe('kept middles', () => {
  it('are four of those that stay, never self, a guard or one to avoid', () => {
    const marked = consensusOf(listedNodes(20, (i) => ({ guard: i < 8 })));
    const avoid = new Set(['n1', 'n2', 'n3'].map(idOf));
    for (let i = 0; i < 50; i++) {
      const middles = ids(updateMiddles([], marked, { now: NOW, rng, self: idOf('n0'), avoid }));
      expect(middles.sort()).toEqual(['n4', 'n5', 'n6', 'n7'].map(idOf).sort());
    }
  });

  it('are each kept over every consensus of its time, of one to twelve days, then give way to another', () => {
    const spans: number[] = [];
    for (let i = 0; i < 100; i++) {
      const first = four();
      for (const { until } of first) spans.push(until - NOW);
      const soonest = Math.min(...first.map(({ until }) => until));
      let middles = first;
      for (let now = NOW; now < soonest; now += 20 * HOUR) {
        middles = updateMiddles(middles, network, { now, rng });
        expect(ids(middles)).toEqual(ids(first));
      }
      middles = updateMiddles(middles, network, { now: soonest, rng });
      expect(middles).toHaveLength(4);
      expect(middles.filter(({ until }) => until > soonest + MIDDLE_LEAST_MS - 1).length).toBeGreaterThan(0);
    }
    expect(Math.min(...spans)).toBeGreaterThanOrEqual(MIDDLE_LEAST_MS);
    expect(Math.max(...spans)).toBeLessThanOrEqual(MIDDLE_MOST_MS);
    // The longer of two spans that are spread evenly: two thirds of the way on average.
    const mean = spans.reduce((sum, span) => sum + span, 0) / spans.length;
    expect(mean / (24 * HOUR)).toBeGreaterThan(7.8);
    expect(mean / (24 * HOUR)).toBeLessThan(8.9);
  });

  it('are stood in for while they are away, and are there again within a day', () => {
    const first = four();
    const [gone] = ids(first) as [NodeId];
    const within = updateMiddles(first, without(gone), { now: NOW + HOUR, rng });
    expect(within).toHaveLength(5);
    expect(ids(within)).toEqual(expect.arrayContaining(ids(first)));
    const back = updateMiddles(within, network, { now: NOW + 2 * HOUR, rng });
    expect(ids(back)).toContain(gone);
    const late = updateMiddles(within, without(gone), { now: NOW + MIDDLE_UNLISTED_MS + 1, rng });
    expect(ids(late)).not.toContain(gone);
    expect(late).toHaveLength(4);
  });

  it('leave when they come to be guards, or to be avoided', () => {
    const first = four();
    const [avoided] = ids(first) as [NodeId];
    const next = updateMiddles(first, network, { now: NOW, rng, avoid: new Set([avoided]) });
    expect(ids(next)).not.toContain(avoided);
    expect(next).toHaveLength(4);
  });

  it('are no more than twelve, however many go', () => {
    let middles = four();
    for (let i = 0; i < 10; i++)
      middles = updateMiddles(middles, without(...ids(middles)), { now: NOW + i, rng });
    expect(middles.length).toBeLessThanOrEqual(MAX_MIDDLES);
    expect(new Set(ids(middles)).size).toBe(middles.length);
  });
});
