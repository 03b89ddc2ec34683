import { beforeEach, describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import type { Consensus } from '#shared/directory/consensus.ts';
import { Context } from '#shared/node/context.ts';
import type { Link, Links } from '#shared/node/links.ts';
import { Neighbours } from '#shared/node/neighbours.ts';
import type { Paths } from '#shared/node/paths.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import { consensusOf, idOf, listedNodes, NOW, seed } from '#tests/support/sample-network.ts';

const HOUR: Millis = 3_600_000;
const MAX_LINKS = 32;

type Dialled = { at: Millis; id: NodeId };

let context: Context;
let consensus: Consensus;
let linked: Map<NodeId, Link>;
let dials: Dialled[];
let neighbours: Neighbours;
let relaying: boolean;
let keeps: boolean;

/** A network in which every second node is an exit. */
const networkOf = (count: number): Consensus =>
  consensusOf(listedNodes(count, (i) => ({ exit: i % 2 === 0 })));

const begin = (): void => {
  const links = { to: (id: NodeId) => linked.get(id), all: () => linked.values(), close: () => undefined };
  neighbours = new Neighbours({
    context,
    links: Object.defineProperty(links, 'size', { get: () => linked.size }) as unknown as Links,
    paths: { guards: [], avoided: new Set([idOf('n4')]) } as unknown as Paths,
    self: idOf('n0'),
    maxLinks: MAX_LINKS,
    consensus: () => consensus,
    dial: (id) => {
      dials.push({ at: context.now, id });
      if (keeps) linked.set(id, { circuits: new Map(), usedAt: Infinity } as unknown as Link);
    },
    relaying: () => relaying,
    ready: () => true,
  });
  neighbours.keep();
};

const pass = (spanMs: Millis): void => {
  const end = context.now + spanMs;
  while (context.timers.next() <= end) {
    context.now = context.timers.next();
    context.timers.run(context.now, (run) => run());
  }
  context.now = end;
};

beforeEach(() => {
  context = new Context(seededRng(seed('neighbours')), NOW, false);
  linked = new Map();
  dials = [];
  [relaying, keeps] = [true, false];
  consensus = networkOf(60);
});

describe('a node of a large network', () => {
  it('opens links at the times of a Poisson process, one a minute', () => {
    begin();
    pass(100 * HOUR);
    const count = 100 * 60;
    expect(Math.abs(dials.length - count)).toBeLessThan(4 * Math.sqrt(count));
    const gaps = dials.slice(1).map(({ at }, i) => at - (dials[i] as Dialled).at);
    // Of an exponential law: as many of the gaps are longer than t as exp(-t) says.
    for (const minutes of [0.1, 0.5, 1, 2, 4]) {
      const share = Math.exp(-minutes);
      const longer = gaps.filter((gap) => gap > minutes * 60_000).length / gaps.length;
      expect(Math.abs(longer - share)).toBeLessThan(
        4 * Math.sqrt((share * (1 - share)) / gaps.length) + 0.001,
      );
    }
  });

  it('opens them to exits alone, to each alike, and neither to itself nor to one that is avoided', () => {
    begin();
    pass(100 * HOUR);
    const counts = new Map<NodeId, number>();
    for (const { id } of dials) counts.set(id, (counts.get(id) ?? 0) + 1);
    const exits = consensus.nodes.filter(({ exit, id }) => exit && id !== idOf('n0') && id !== idOf('n4'));
    expect([...counts.keys()].sort()).toEqual(exits.map(({ id }) => id).sort());
    const mean = dials.length / exits.length;
    for (const times of counts.values()) expect(Math.abs(times - mean)).toBeLessThan(5 * Math.sqrt(mean));
  });

  it('opens no second one to a node, and none over its limit', () => {
    keeps = true;
    consensus = networkOf(100);
    begin();
    pass(10 * HOUR);
    expect(new Set(dials.map(({ id }) => id)).size).toBe(dials.length);
    expect(dials).toHaveLength(MAX_LINKS);
  });

  it.each<[string, () => void]>([
    ['does not relay', () => (relaying = false)],
    ['has stopped', () => neighbours.stop()],
    // All are linked there anyway.
    ['is in a small network, and links to who is missing', () => (consensus = consensusOf(listedNodes(1)))],
  ])('opens none while it %s', (_, become) => {
    begin();
    become();
    pass(10 * HOUR);
    expect(dials).toEqual([]);
  });
});
