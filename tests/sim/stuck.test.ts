import { afterEach, describe, expect, it, vi } from 'vitest';
import { Feints } from '#shared/node/feints.ts';
import type { SimNode } from './sim-node.ts';
import { World } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Lengths of the circuits to the directory that are open. */
const lengths = ({ node }: SimNode): number[] =>
  node.circuits
    .filter(({ purpose, state }) => purpose === 'directory' && state === 'open')
    .map(({ hops }) => hops)
    .sort();

describe('a node with which no link comes about', () => {
  const stuck = async (plain: boolean): Promise<{ world: World; node: SimNode }> => {
    const world = await new World({ seed: 73, directoryHops: 4 }).start();
    const relays = await world.relays(9);
    for (const relay of relays) world.unreachable.add(relay);
    return { world, node: world.add('stuck', true, undefined, { plain }) };
  };

  it('waits where somebody sits at it, however long', async () => {
    const { world, node } = await stuck(false);
    await world.clock.pass(5 * MINUTE);
    expect(node.node.registered).toBe(false);
    expect(lengths(node)).toEqual([1]);
  });

  it('registers over its own connection after half a minute where nobody does, and by a circuit when it can', async () => {
    const { world, node } = await stuck(true);
    await world.clock.pass(25 * SECOND);
    expect(node.node.registered).toBe(false);
    await world.until('it is registered', () => node.node.registered, 30 * SECOND);
    expect(lengths(node)).toEqual([1]);
    world.unreachable.clear();
    await world.until('it has a circuit', () => lengths(node).includes(4), 5 * MINUTE);
    await world.clock.pass(2 * MINUTE);
    expect(node.node.registered).toBe(true);
    expect(lengths(node)).toContain(4);
    expect(world.faults()).toEqual([]);
  });
});

describe('a node that was linked before it had a name', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('signals to its neighbours all the same, and is answered, and nothing comes of it', async () => {
    const sent = vi.spyOn(Feints.prototype, 'send');
    const asked = vi.spyOn(Feints.prototype, 'answer');
    const heard = vi.spyOn(Feints.prototype, 'isAnswer');
    const world = await new World({ seed: 74, directoryHops: 4 }).start();
    await world.relays(9);
    const tab = world.add('tab', true);
    await world.until('it is registered', () => tab.node.registered, 5 * MINUTE);
    [sent, asked, heard].forEach((spy) => spy.mockClear());
    const before = tab.node.links.length;
    await world.until('it has signalled', () => sent.mock.calls.length > 2, 10 * MINUTE);
    const signals = sent.mock.calls.length;
    await world.clock.pass(5 * SECOND);
    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(signals);
    expect(heard.mock.results.filter(({ value }) => value === true).length).toBeGreaterThanOrEqual(signals);
    expect(tab.node.links.length).toBeGreaterThanOrEqual(before);
    expect(tab.seen('refused').filter(({ where }) => where === 'signal')).toEqual([]);
    expect(world.faults()).toEqual([]);
  });
});
