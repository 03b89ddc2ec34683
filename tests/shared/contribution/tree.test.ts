import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { crowdOf, entryList, indexOf, sortEntries } from '#shared/contribution/entries.ts';
import { hashElements } from '#shared/contribution/poseidon.ts';
import { leafOf } from '#shared/contribution/tags.ts';
import { TIERS } from '#shared/contribution/tiers.ts';
import { CAPACITY, rootOf, TreeBuilder, type Entry } from '#shared/contribution/tree.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { expectOnlyRefusals, misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const entry = (commitment: number, score = 3): Entry => ({ commitment: BigInt(commitment), score });

const anyEntries = (most: number): fc.Arbitrary<Entry[]> =>
  fc
    .uniqueArray(fc.record({ commitment: fc.bigInt(1n, 2n ** 253n), score: fc.constantFrom(...TIERS) }), {
      selector: ({ commitment }) => commitment,
      maxLength: most,
    })
    .map(sortEntries);

const leavesOf = (entries: readonly Entry[]): bigint[] =>
  entries.map(({ commitment, score }) => leafOf(commitment, score));

/** The root by the definition, with 4^levels leaves: slow, for few levels. */
const rootByDefinition = (leaves: readonly bigint[], levels: number): bigint => {
  if (levels === 0) return leaves[0] ?? 0n;
  const size = 4 ** (levels - 1);
  const children = [0, 1, 2, 3].map((each) =>
    rootByDefinition(leaves.slice(each * size, (each + 1) * size), levels - 1),
  );
  return hashElements(...children);
};

/** What eight levels make of three: the rest stands over its first leaf, beside nothing. */
const lifted = (root: bigint, levels: number): bigint => {
  let [node, empty] = [root, rootByDefinition([], levels)];
  for (let level = levels; level < 8; level++) {
    node = hashElements(node, empty, empty, empty);
    empty = hashElements(empty, empty, empty, empty);
  }
  return node;
};

describe('a tree', () => {
  it.each([0, 1, 2, 4, 5, 16, 17, 20])('of %i leaves is what the definition gives', (count) => {
    const entries = Array.from({ length: count }, (_, i) => entry(i + 1));
    const tree = new TreeBuilder(entries).finish();
    expect(tree.root).toBe(lifted(rootByDefinition(leavesOf(entries), 3), 3));
    expect(tree.leaves).toBe(count);
  });

  it('leads from each leaf to its root, and from no other place', () => {
    fc.assert(
      fc.property(anyEntries(10), (entries) => {
        const tree = new TreeBuilder(entries).finish();
        leavesOf(entries).forEach((leaf, index) => {
          expect(rootOf(leaf, index, tree.siblings(index))).toBe(tree.root);
          expect(rootOf(leaf, index ^ 1, tree.siblings(index))).not.toBe(tree.root);
          expect(rootOf(leaf + 1n, index, tree.siblings(index))).not.toBe(tree.root);
        });
      }),
      runs(4),
    );
  });

  it('is the same built in pieces, each no larger than was asked', () => {
    const entries = Array.from({ length: 21 }, (_, i) => entry(i + 1, 6));
    const builder = new TreeBuilder(entries);
    let steps = 1;
    while (!builder.step(3)) steps++;
    // 21 leaves, 6 + 2 + 6 nodes, 8 empty ones, and 8 passages from level to level at most.
    expect(steps).toBeGreaterThanOrEqual((21 + 14 + 8) / 3);
    expect(steps).toBeLessThanOrEqual(Math.ceil((21 + 14 + 8 + 8) / 3));
    expect(builder.finish().root).toBe(new TreeBuilder(entries).finish().root);
  });

  it('has siblings for its leaves alone', () => {
    const tree = new TreeBuilder([entry(1), entry(2)]).finish();
    for (const index of [-1, 2, 0.5, CAPACITY, Number.NaN])
      expect(misuseOf(() => tree.siblings(index))).toBe('internal');
  });

  it('holds no more than its places', () => {
    const many = Array.from({ length: CAPACITY + 1 }, (_, i) => entry(i));
    expect(misuseOf(() => new TreeBuilder(many))).toBe('too-many');
  });
});

describe('the list of an epoch', () => {
  it('reads as it was written', () => {
    fc.assert(
      fc.property(anyEntries(20), (entries) => {
        expect(decode(entryList, encode(entryList, entries))).toEqual(entries);
      }),
      runs(50),
    );
  });

  it('refuses whatever else', () => {
    const written = (entries: Entry[]) => () => decode(entryList, encode(entryList, entries));
    expect(refusalOf(written([entry(2), entry(1)]))).toBe('malformed');
    expect(refusalOf(written([entry(1), entry(1)]))).toBe('malformed');
    expect(refusalOf(written([entry(1, 4)]))).toBe('malformed');
    expect(refusalOf(() => decode(entryList, new Uint8Array([0, 1, 0, 1])))).toBe('oversized');
    fc.assert(
      fc.property(anyBytes(0, 100), (bytes) => expectOnlyRefusals((all) => decode(entryList, all), bytes)),
      runs(100),
    );
  });

  it('is sorted, has each commitment once, and says where it stands', () => {
    const sorted = sortEntries([entry(3), entry(1), entry(2)]);
    expect(sorted.map(({ commitment }) => commitment)).toEqual([1n, 2n, 3n]);
    expect(indexOf(sorted, 3n)).toBe(2);
    expect(indexOf(sorted, 4n)).toBeUndefined();
    expect(misuseOf(() => sortEntries([entry(1), entry(1)]))).toBe('internal');
  });

  it('counts those who reach a threshold', () => {
    const entries = [entry(1, 3), entry(2, 6), entry(3, 6), entry(4, 12)];
    expect([3, 6, 9, 12].map((threshold) => crowdOf(entries, threshold))).toEqual([4, 3, 1, 1]);
  });
});
