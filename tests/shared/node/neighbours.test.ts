import { beforeEach, describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import type { Consensus } from '#shared/directory/consensus.ts';
import type { Code } from '#shared/errors.ts';
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
let feints: NodeId[];
let neighbours: Neighbours;
let relaying: boolean;
let webrtc: boolean;
let keeps: boolean;
let maxLinks: number;
/** What comes of a dial; nothing, if undefined. */
let outcome: Code | undefined;

/** A network in which every second node is an exit. */
const networkOf = (count: number): Consensus =>
  consensusOf(listedNodes(count, (i) => ({ exit: i % 2 === 0 })));

const begin = (more: { guards?: NodeId[]; close?: (link: Link) => void } = {}): void => {
  const { guards = [], close = () => undefined } = more;
  const links = { to: (id: NodeId) => linked.get(id), all: () => [...linked.values()].values(), close };
  neighbours = new Neighbours({
    context,
    links: Object.defineProperty(links, 'size', { get: () => linked.size }) as unknown as Links,
    paths: { guards, failed: () => undefined, avoided: new Set([idOf('n4')]) } as unknown as Paths,
    self: idOf('n0'),
    rules: {
      get most() {
        return maxLinks;
      },
      get webrtc() {
        return webrtc;
      },
    },
    consensus: () => consensus,
    dial: (id, done) => {
      if (outcome !== undefined) done(outcome);
      dials.push({ at: context.now, id });
      if (keeps) linked.set(id, { circuits: new Map(), usedAt: Infinity } as unknown as Link);
    },
    feign: (id) => void feints.push(id),
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
  feints = [];
  [relaying, webrtc, keeps, maxLinks, outcome] = [true, true, false, MAX_LINKS, undefined];
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

  it('opens none to a node whose links all pass the server', () => {
    const server = (i: number): boolean => i % 4 === 0;
    consensus = consensusOf(
      listedNodes(60, (i) => ({
        capabilities: { headless: false, reachable: !server(i), server: server(i) },
      })),
    );
    begin();
    pass(20 * HOUR);
    const passed = new Set(consensus.nodes.filter((node) => node.capabilities.server).map(({ id }) => id));
    expect(dials.length).toBeGreaterThan(1_000);
    expect(dials.filter(({ id }) => passed.has(id))).toEqual([]);
  });

  it.each<[string, () => void]>([
    ['does not relay', () => (relaying = false)],
    ['has no WebRTC', () => (webrtc = false)],
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

describe('a node of a small network', () => {
  beforeEach(() => {
    consensus = networkOf(20);
  });

  it('links to no more than the user allows for', () => {
    [keeps, maxLinks] = [true, 4];
    begin();
    pass(HOUR);
    expect(dials).toHaveLength(4);
    maxLinks = 6;
    pass(HOUR);
    expect(dials).toHaveLength(6);
  });

  it('closes idle links, the longest unused first, when the user allows for fewer', () => {
    const closed: string[] = [];
    const link = (name: string, usedAt: number, circuits = 0): void => {
      const made = { kind: 'peer', peer: idOf(name), usedAt, circuits: { size: circuits } };
      linked.set(idOf(name), made as unknown as Link);
    };
    link('busy', 1, 2);
    link('guard', 2);
    link('old', 3);
    link('new', 4);
    begin({
      guards: [idOf('guard')],
      close: ({ peer }) => {
        closed.push(peer === idOf('old') ? 'old' : peer === idOf('new') ? 'new' : 'other');
        linked.delete(peer!);
      },
    });
    maxLinks = 3;
    neighbours.shrink();
    expect(closed).toEqual(['old']);
    maxLinks = 1;
    neighbours.shrink();
    expect(closed).toEqual(['old', 'new']);
  });

  it('says how often it tried in vain and when it goes on, and goes on at once when it is told to', () => {
    consensus = consensusOf(listedNodes(2));
    const other = consensus.nodes.map(({ id }) => id).find((id) => id > idOf('n0'));
    // Of two nodes the lower one dials.
    if (other === undefined) consensus = networkOf(20);
    outcome = 'unreachable';
    begin();
    pass(10_000);
    const { count, nextAt } = neighbours.tries;
    expect(count).toBe(dials.length);
    expect(count).toBeGreaterThan(0);
    expect(nextAt).toBeGreaterThan(context.now);
    expect(nextAt).toBeLessThanOrEqual(context.now + 30_000);
    neighbours.look();
    pass(700);
    expect(dials.length).toBeGreaterThan(count);
    expect(neighbours.tries.count).toBe(dials.length);
  });

  it('leaves alone whom the user disconnected, however often it is told to look', () => {
    consensus = networkOf(20);
    const targets = consensus.nodes.map(({ id }) => id).filter((id) => id > idOf('n0') && id !== idOf('n4'));
    begin();
    for (const id of targets) neighbours.rest(id);
    neighbours.look();
    pass(60_000);
    expect(dials).toEqual([]);
  });
});

describe('a node that greets its neighbours', () => {
  const higher = (): NodeId[] =>
    consensus.nodes.map(({ id }) => id).filter((id) => id > idOf('n0') && id !== idOf('n4'));
  const linkTo = (id: NodeId): void =>
    void linked.set(id, { circuits: new Map(), usedAt: Infinity } as unknown as Link);

  beforeEach(() => {
    keeps = true;
    consensus = networkOf(12);
  });

  it('signals once to each node above it, linked already or not', () => {
    const known = higher().slice(0, 2);
    known.forEach(linkTo);
    begin();
    pass(HOUR);
    expect(feints.sort()).toEqual(known.sort());
    expect([...feints, ...dials.map(({ id }) => id)].sort()).toEqual(higher().sort());
  });

  it('does so again only to whoever was away meanwhile', () => {
    const [known] = higher() as [NodeId];
    linkTo(known);
    begin();
    pass(HOUR);
    const { nodes } = consensus;
    consensus = { ...consensus, nodes: nodes.filter(({ id }) => id !== known) };
    pass(HOUR);
    expect(feints).toEqual([known]);
    consensus = { ...consensus, nodes };
    pass(HOUR);
    expect(feints).toEqual([known, known]);
  });

  it('signals to nobody before it has a name', () => {
    relaying = false;
    higher().forEach(linkTo);
    begin();
    pass(HOUR);
    expect([feints, dials]).toEqual([[], []]);
    relaying = true;
    pass(HOUR);
    expect(feints.sort()).toEqual(higher().sort());
  });
});
