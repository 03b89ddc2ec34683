import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RelayingView } from '#web/api-helping.ts';
import { dayChoices, dayLimitText, rateChoices, usedOf } from '#web/ui/view/limits.ts';
import { addable, lookingText, usesOf } from '#web/ui/view/neighbours.ts';
import { labels, spread } from '#web/ui/view/radial.ts';
import { FakeClient } from '#tests/support/fake-client.ts';

const { state } = new FakeClient('busy');
const named = (name: string) => state.links.find((one) => one.name === name)!;

describe('the map', () => {
  const ids = fc.uniqueArray(fc.string({ minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 14 });

  it('writes no name over another, and none out of the picture', () => {
    fc.assert(
      fc.property(ids, fc.constantFrom(13, 17), (nodes, size) => {
        const named = [...spread(nodes)].map(([id, spot]) => ({ spot, text: `${id}-name` }));
        const all = labels(named, size);
        all.forEach((one, i) => {
          expect(Math.min(one.y - size, 580 - one.y)).toBeGreaterThan(54);
          expect(Math.sign(one.y - 290)).toBe(Math.sign(named[i]!.spot.y - 290));
          for (const other of all.slice(0, i)) {
            const apart = Math.abs(one.x - other.x) >= 0.5 * size * 13 || Math.abs(one.y - other.y) >= size;
            expect(apart).toBe(true);
          }
        });
      }),
    );
  });
});

describe('neighbours', () => {
  it('are said to be used for what one’s own open circuits have them do', () => {
    expect(usesOf(named('slow-lichen'), state)).toEqual(['Middle to Mira']);
    // The guard is told by a word of its own.
    expect(usesOf(named('amber-finch'), state)).toEqual([]);
    const closed = state.circuits.map((one) => ({ ...one, state: 'closed' as const }));
    expect(usesOf(named('slow-lichen'), { ...state, circuits: closed })).toEqual([]);
    const inbox = { ...state.circuits[0]!, conversation: null, purpose: 'inbox' as const };
    expect(usesOf(named('slow-lichen'), { ...state, circuits: [inbox, inbox] })).toEqual(['Middle of yours']);
  });

  it('can be added from who is known, and no neighbour, not avoided and not oneself', () => {
    const all = addable(state.nodes, state.links);
    expect(all.length).toBeGreaterThan(0);
    for (const one of all) {
      expect(one.self || one.avoided).toBe(false);
      expect(state.links.map(({ node }) => node)).not.toContain(one.node);
    }
    expect(addable(all.slice(0, 1), [{ ...state.links[0]!, node: all[0]!.node }])).toEqual([]);
  });

  it('are looked for in words that say which try it is and when the next one comes', () => {
    const reach = { server: true, tries: 3, nextAt: 12_000, mostNeighbours: null };
    expect(lookingText(reach, true, 100)).toBe('Looking for neighbours – try 3, next in 12 s.');
    expect(lookingText({ ...reach, nextAt: null }, true, 0)).toBe('Looking for neighbours – try 3.');
    expect(lookingText(reach, true, 12_001)).toBe('Looking for neighbours – try 3.');
    expect(lookingText(reach, false, 0)).toBeNull();
    expect(lookingText({ ...reach, server: false }, false, 0)).toContain('Can’t reach the server – try 3');
  });
});

describe('limits to relaying', () => {
  const view = (dayMegabytes: number | null): RelayingView => ({
    ...state.relaying,
    limits: { ...state.relaying.limits, dayMegabytes },
  });

  it('are chosen from a few, and one that is set otherwise is among them', () => {
    expect(dayChoices(null).map(({ label }) => label)).toEqual(
      expect.arrayContaining(['No limit', '500 MB', '1 GB', '20 GB']),
    );
    expect(dayChoices(500)).toHaveLength(dayChoices(null).length);
    expect(dayChoices(300).map(({ value }) => value)).toEqual([null, 100, 250, 300, 500, 1000, 5000, 20_000]);
    expect(rateChoices(1000).find(({ value }) => value === 1000)?.label).toBe('1 MB/s');
  });

  it('show how much of the day is used, and nothing where there is none', () => {
    expect(usedOf(view(500), 125_000_000)).toBe(0.25);
    expect(usedOf(view(500), 900_000_000)).toBe(1);
    expect(usedOf(view(null), 1)).toBeNull();
    expect(dayLimitText(view(5000))).toBe('5 GB');
  });
});
