import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeCells } from '#shared/cell/codec.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import type { CircuitId, LinkId } from '#shared/units.ts';
import { anyCell, Chance, validMessages } from '#tests/shared/node/frames.ts';
import { runs } from '#tests/support/runs.ts';
import type { SimNode } from './sim-node.ts';
import { exchange, openInboxes, reconnect } from './talk.ts';
import { sessionOf } from './wire.ts';
import { World } from './world.ts';

const { seed, numRuns } = runs(20_000);
const ROUND = 100;

const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 0;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

/** Puts frames before nodes as their drivers would: from every link, and from everything else that drivers hear. */
const strike = (chance: Chance, valid: Uint8Array[], seen: Uint8Array[], node: SimNode): void => {
  const links = [...node.carriers.keys()];
  const link = links.length > 0 ? chance.pick(links) : (1 as LinkId);
  const ids = seen.length > 0 ? decodeCells(chance.pick(seen)).map(({ circuit }) => circuit) : [];
  const known = ids.filter((id) => id !== (0 as CircuitId));
  switch (chance.below(10)) {
    case 0:
      return node.driver.input({ type: 'consensus', body: chance.mutate(chance.pick(valid)) });
    case 1:
      return node.driver.input({
        type: 'peer-session',
        link: chance.below(60) as LinkId,
        session: sessionOf(chance.pick(['offer', 'answer'] as const), chance.below(400)),
      });
    case 2:
      return node.driver.input({ type: 'link-open', link: chance.below(60) as LinkId });
    case 3:
      return node.driver.input({
        type: 'responded',
        job: chance.below(400),
        result:
          chance.below(2) === 0
            ? { code: 'bad-key' }
            : { keys: sham, reply: chance.bytes(99), extensions: chance.bytes(8) },
      });
    case 4: {
      const data = chance.below(8) === 0 ? chance.mutate(chance.pick(valid)) : anyCell(chance, known);
      return node.driver.input({ type: 'link-data', link, data });
    }
    case 5:
      return node.driver.input({
        type: 'link-data',
        link,
        data: seen.length > 0 ? chance.pick(seen) : new Uint8Array(0),
      });
    default:
      return node.driver.input({ type: 'link-data', link, data: anyCell(chance, known) });
  }
};
const sham = { forward: new Uint8Array(32), backward: new Uint8Array(32), binding: new Uint8Array(32) };

describe('clients and relays in the midst of it', () => {
  it(
    `stand ${numRuns} frames and signals, and work again after (seed ${seed})`,
    { timeout: 10 * numRuns },
    async () => {
      const chance = new Chance(seed);
      const valid = validMessages();
      const world = await new World({ seed: 51 }).start();
      await world.relays(6);
      const [alice, bob] = [world.add('alice', false), world.add('bob', false)];
      await openInboxes(world, bob);
      await reconnect(world, alice, bob, 30_000);
      const seen: Uint8Array[] = [];
      world.tamper = (_, __, data) => {
        if (seen.length < 50) seen.push(data);
        // Some of what is on its way is damaged, doubled or lost.
        const fate = chance.below(60);
        if (fate === 0) return [chance.mutate(data)];
        if (fate === 1) return [data, data];
        return fate === 2 ? [] : [data];
      };
      let most = { timers: 0, carried: 0, circuits: 0, links: 0 };
      for (let i = 0; i < numRuns; i++) {
        strike(chance, valid, seen, chance.pick(world.nodes));
        if (i % ROUND !== 0) continue;
        seen.length = 0;
        for (const node of world.nodes) {
          const { sizes } = node.node;
          most = {
            timers: Math.max(most.timers, sizes.timers),
            carried: Math.max(most.carried, sizes.carried),
            circuits: Math.max(most.circuits, sizes.circuits),
            links: Math.max(most.links, sizes.links),
          };
          node.traces.length = 0;
        }
        if (i % (10 * ROUND) === 0)
          alice.command({ type: 'connect', handle: 100_000 + i, inboxes: bob.inboxes });
        await world.clock.pass(100);
        expect(world.faults()).toEqual([]);
      }
      expect(most.links).toBeLessThanOrEqual(33);
      expect(most.circuits).toBeLessThanOrEqual(40);
      expect(most.carried).toBeLessThanOrEqual(500);
      expect(most.timers).toBeLessThanOrEqual(600);

      world.tamper = (_, __, data) => [data];
      await world.clock.pass(30_000);
      await world.until('the inboxes are back', () => bob.inboxes.length === 2, 60_000);
      const talk = await reconnect(world, alice, bob, 60_000);
      await exchange(world, talk, new Uint8Array(5000));
      await world.until(
        'all are registered',
        () => world.nodes.slice(0, 6).every(({ node }) => node.registered),
        60_000,
      );
      for (const { node } of world.nodes) expect(node.sizes.carried).toBeLessThanOrEqual(40);
      expect(world.faults()).toEqual([]);
    },
  );
});

describe('nodes that list keys which are none', () => {
  const zeros = new Uint8Array(32);
  const useless: [string, (keys: NodeKeys) => NodeKeys][] = [
    ['an onion key of small order', (keys) => ({ ...keys, onion: { ...keys.onion, public: zeros } })],
    [
      'a signalling key out of range',
      (keys) => ({ ...keys, signalling: { ...keys.signalling, public: new Uint8Array(1216).fill(255) } }),
    ],
  ];

  it.each(useless)('(%s) are only failed by, and others are taken', async (_, spoil) => {
    const world = await new World({ seed: 52 }).start();
    const bad = Array.from({ length: 4 }, (_, i) => world.add(`bad ${i + 1}`, true, spoil));
    const good = Array.from({ length: 5 }, (_, i) => world.add(`relay ${i + 1}`, true));
    await world.until(
      'all are registered',
      () => [...bad, ...good].every(({ node }) => node.registered),
      60_000,
    );
    await world.clock.pass(5000);
    const callers = ['alice', 'carol', 'dave', 'erin'].map((name) => world.add(name, false));
    const bob = world.add('bob', false);
    // Half of all nodes are of no use, and so are most of the paths that are drawn.
    await openInboxes(world, bob, 2, 300_000);
    for (const caller of callers) {
      const talk = await reconnect(world, caller, bob, 300_000);
      await exchange(world, talk, new Uint8Array(5000));
    }
    const first = [bob, ...callers].flatMap((user) =>
      user.seen('circuit-failed').filter(({ hop }) => hop === 0),
    );
    expect(first.map(({ code }) => code)).toContain('bad-key');
    expect(world.faults()).toEqual([]);
  });
});
