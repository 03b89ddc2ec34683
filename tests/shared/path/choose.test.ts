import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import type { Consensus, ConsensusNode } from '#shared/directory/consensus.ts';
import { chooseGuarded, choosePath, countFamilies, drawByWeight, MIN_FAMILIES } from '#shared/path/choose.ts';
import type { NodeId } from '#shared/units.ts';
import { anyRng } from '#tests/support/arbitrary.ts';
import { runs } from '#tests/support/runs.ts';
import { consensusOf, idOf, listedNode, listedNodes, seed } from '#tests/support/sample-network.ts';

const rng = seededRng(seed('paths'));

/** Up to 24 nodes of all kinds. */
const anyNodes: fc.Arbitrary<ConsensusNode[]> = fc
  .array(
    fc.record({
      family: fc.option(fc.nat(6), { nil: undefined }),
      exit: fc.boolean(),
      guard: fc.boolean(),
      reachable: fc.boolean(),
      weight: fc.nat(1000),
    }),
    { minLength: 1, maxLength: 24 },
  )
  .map((kinds) =>
    kinds.map(({ family, reachable, ...node }, i) =>
      listedNode(`n${String(i)}`, {
        ...node,
        capabilities: { headless: false, reachable, server: false },
        family: family === undefined ? undefined : seed(`family ${String(family)}`),
      }),
    ),
  );

const familyName = ({ id, family }: ConsensusNode): string => (family ? family.join() : id);

describe('a path', () => {
  it('ends where it is told to, and takes a kept second hop wherever it may stand there', () => {
    const nodes = listedNodes(20, (i) => ({ exit: i > 9 }));
    const consensus = consensusOf(nodes);
    const guards = [idOf('n0')];
    const middles = new Set(['n0', 'n1', 'n12'].map(idOf));
    const seconds = new Map<NodeId | undefined, number>();
    for (let i = 0; i < 300; i++) {
      const path = choosePath(consensus, { length: 4, guards, middles, end: idOf('n5'), rng });
      expect([path?.[0], path?.[3]]).toEqual(['n0', 'n5'].map(idOf));
      expect(new Set(path).size).toBe(4);
      seconds.set(path?.[1], (seconds.get(path?.[1]) ?? 0) + 1);
    }
    expect([...seconds.keys()].sort()).toEqual(['n1', 'n12'].map(idOf).sort());
    for (const count of seconds.values()) expect(Math.abs(count - 150)).toBeLessThan(50);
    // Where none of them may, another does.
    const none = choosePath(consensus, { length: 3, guards, middles: new Set([idOf('n0')]), rng });
    expect(none).toHaveLength(3);
  });

  it('keeps every rule, whatever the network', () => {
    let found = 0;
    const subset = (nodes: ConsensusNode[], bits: number) =>
      new Set(nodes.filter((_, i) => (bits >>> i) & 1).map(({ id }) => id));
    fc.assert(
      fc.property(
        anyNodes,
        anyRng,
        fc.integer({ min: 1, max: 4 }),
        fc.nat(),
        fc.nat(),
        (nodes, chance, length, a, b) => {
          const consensus = consensusOf(nodes);
          const [avoid, exitNot] = [subset(nodes, a & (a >>> 7)), subset(nodes, b)];
          const guards = nodes.filter(({ guard }) => guard).map(({ id }) => id);
          const self = nodes.at(-1)?.id;
          const path = choosePath(consensus, { length, guards, self, avoid, exitNot, rng: chance });
          if (!path) return;
          found += 1;
          const hops = path.map((id) => nodes.find((node) => node.id === id) as ConsensusNode);
          expect(path).toHaveLength(length);
          expect(new Set(path).size).toBe(length);
          expect(path).not.toContain(self);
          expect(path.some((id) => avoid.has(id))).toBe(false);
          expect(guards).toContain(path[0]);
          expect(hops.at(-1)?.exit).toBe(true);
          expect(exitNot.has(path.at(-1) as NodeId)).toBe(false);
          if (countFamilies(consensus) >= MIN_FAMILIES)
            expect(new Set(hops.map(familyName)).size).toBe(length);
        },
      ),
      runs(600),
    );
    expect(found).toBeGreaterThan(100);
  });

  it('is found whenever there is one', () => {
    fc.assert(
      fc.property(anyNodes, anyRng, (nodes, chance) => {
        const consensus = consensusOf(nodes);
        const apart = countFamilies(consensus) >= MIN_FAMILIES;
        const fits = (path: ConsensusNode[]) =>
          new Set(path.map((n) => (apart ? familyName(n) : n.id))).size === 3;
        const exists = nodes.some(
          (g) => g.guard && nodes.some((m) => nodes.some((e) => e.exit && fits([g, m, e]))),
        );
        const guards = nodes.filter(({ guard }) => guard).map(({ id }) => id);
        expect(choosePath(consensus, { length: 3, guards, rng: chance }) !== undefined).toBe(exists);
      }),
      runs(150),
    );
  });

  it('starts at the first guard that is listed and admits a path', () => {
    const consensus = consensusOf(listedNodes(9));
    const path = (guards: NodeId[], avoid: NodeId[] = []) =>
      choosePath(consensus, { length: 3, guards, avoid: new Set(avoid), rng });
    expect(path([idOf('n3'), idOf('n4')])?.[0]).toBe(idOf('n3'));
    expect(path([idOf('gone'), idOf('n4')])?.[0]).toBe(idOf('n4'));
    expect(path([idOf('n3'), idOf('n4')], [idOf('n3')])?.[0]).toBe(idOf('n4'));
    expect(path([])).toBeUndefined();
    const oneExit = consensusOf(listedNodes(9, (i) => ({ exit: i === 3 })));
    expect(choosePath(oneExit, { length: 3, guards: [idOf('n3'), idOf('n4')], rng })).toEqual([
      idOf('n4'),
      expect.any(String),
      idOf('n3'),
    ]);
  });

  it('of one hop ends where it starts', () => {
    const consensus = consensusOf(listedNodes(3, (i) => ({ exit: i > 0 })));
    expect(choosePath(consensus, { length: 1, guards: [idOf('n0'), idOf('n1')], rng })).toEqual([idOf('n1')]);
    expect(choosePath(consensus, { length: 0, guards: [idOf('n1')], rng })).toBeUndefined();
  });

  it('keeps families apart where there are eight', () => {
    const mine = seed('one operator');
    const many = consensusOf(listedNodes(12, (i) => ({ family: i < 5 ? mine : undefined })));
    const few = consensusOf(listedNodes(6, () => ({ family: mine })));
    const inFamily = new Set(Array.from({ length: 5 }, (_, i) => idOf(`n${String(i)}`)));
    let together = 0;
    for (let i = 0; i < 200; i++) {
      const path = choosePath(many, { length: 3, guards: [idOf('n0')], rng });
      expect(path?.filter((id) => inFamily.has(id))).toEqual([idOf('n0')]);
      const lax = choosePath(many, { length: 3, guards: [idOf('n0')], rng, ignoreFamilies: true });
      if ((lax?.filter((id) => inFamily.has(id)).length ?? 0) > 1) together += 1;
    }
    expect(together).toBeGreaterThan(0);
    expect(choosePath(few, { length: 3, guards: [idOf('n0')], rng })).toHaveLength(3);
  });

  it('puts no two neighbours together that nobody can reach, while it can', () => {
    const reachable = (i: number) => ({
      capabilities: { headless: false, reachable: i >= 6, server: false },
    });
    const consensus = consensusOf(listedNodes(9, reachable));
    const can = new Set(['n6', 'n7', 'n8'].map(idOf));
    for (let i = 0; i < 100; i++) {
      const path = choosePath(consensus, { length: 3, guards: [idOf('n0')], rng }) ?? [];
      expect(path).toHaveLength(3);
      expect(can.has(path[1] as NodeId)).toBe(true);
    }
    const none = consensusOf(
      listedNodes(9, () => ({ capabilities: { headless: false, reachable: false, server: false } })),
    );
    expect(choosePath(none, { length: 3, guards: [idOf('n0')], rng })).toHaveLength(3);
  });

  it('has no node whose links all pass the server, while it can', () => {
    const server = (from: number) => (i: number) => ({
      capabilities: { headless: false, reachable: i < from, server: i >= from },
    });
    const chosen = (consensus: Consensus, guards: string[]): NodeId[] =>
      choosePath(consensus, { length: 3, guards: guards.map(idOf), rng }) ?? [];
    const four = consensusOf(listedNodes(9, server(4)));
    const direct = new Set(['n0', 'n1', 'n2', 'n3'].map(idOf));
    for (let i = 0; i < 100; i++) {
      const path = chosen(four, ['n8', 'n0']);
      expect(path[0]).toBe(idOf('n0'));
      expect(path.filter((id) => direct.has(id))).toHaveLength(3);
    }
    // Two are not enough for three hops.
    expect(chosen(consensusOf(listedNodes(9, server(2))), ['n0'])).toHaveLength(3);
    expect(chosen(consensusOf(listedNodes(9, server(0))), ['n5'])).toHaveLength(3);
  });

  it('is drawn by weight', () => {
    const consensus = consensusOf(listedNodes(5, (i) => ({ weight: [100, 300, 100, 100, 0][i] ?? 0 })));
    const ends = new Map<NodeId, number>();
    const draws = 4000;
    for (let i = 0; i < draws; i++) {
      const exit = choosePath(consensus, { length: 2, guards: [idOf('n0')], rng })?.at(-1);
      if (exit) ends.set(exit, (ends.get(exit) ?? 0) + 1);
    }
    const share = (name: string) => (ends.get(idOf(name)) ?? 0) / draws;
    expect(share('n1')).toBeCloseTo(0.6, 1);
    expect(share('n2')).toBeCloseTo(0.2, 1);
    expect(share('n4')).toBe(0);
  });
});

describe('a draw by weight', () => {
  it('takes any node where none has weight, and none of none', () => {
    const nodes = listedNodes(3, () => ({ weight: 0 }));
    const drawn = new Set(Array.from({ length: 60 }, () => drawByWeight(rng, nodes)?.id));
    expect(drawn.size).toBe(3);
    expect(drawByWeight(rng, [])).toBeUndefined();
  });
});

describe('a path of a client that keeps its guards', () => {
  const guards = ['n0', 'n1'].map(idOf);
  const exitsOver = (nodes: ConsensusNode[], exitNot: NodeId[] = []): Set<NodeId | undefined> => {
    const request = { length: 3, guards, spare: [...guards, idOf('n2')], exitNot: new Set(exitNot), rng };
    return new Set(
      Array.from({ length: 100 }, () => chooseGuarded(consensusOf(nodes), request)).map((path) => path?.[2]),
    );
  };

  it('ends at none of them while another exit can be had', () => {
    expect(exitsOver(listedNodes(5))).toEqual(new Set(['n2', 'n3', 'n4'].map(idOf)));
    expect(exitsOver(listedNodes(5), [idOf('n4')])).toEqual(new Set(['n2', 'n3'].map(idOf)));
    expect(exitsOver(listedNodes(5, (i) => ({ exit: i < 2 })))).toEqual(new Set([idOf('n1')]));
  });

  it('begins at a further one of the sample where no other may be its first hop', () => {
    const begin = (avoid: NodeId[]): NodeId | undefined =>
      chooseGuarded(consensusOf(listedNodes(6)), {
        ...{ length: 3, guards, spare: [...guards, idOf('n2')], avoid: new Set(avoid), rng },
      })?.[0];
    expect(begin([])).toBe(idOf('n0'));
    expect(begin(guards)).toBe(idOf('n2'));
    expect(begin([...guards, idOf('n2')])).toBeUndefined();
  });
});
