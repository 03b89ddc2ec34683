import { beforeAll, describe, expect, it } from 'vitest';
import { cellCommand } from '#shared/cell/commands.ts';
import { usedLength } from '#shared/cell/geometry.ts';
import type { TraceEvent } from '#shared/node/output.ts';
import type { SimNode } from './sim-node.ts';
import { closing, exchange, heard, meet, openInboxes, say } from './talk.ts';
import { World } from './world.ts';

const relay = new Set<number>([cellCommand.RELAY, cellCommand.RELAY_EARLY]);
const filled = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => i * 7);

describe('two users meet through circuits', () => {
  let world: World;
  let alice: SimNode;
  let bob: SimNode;

  beforeAll(async () => {
    world = await new World({ seed: 11 }).start();
    await world.relays(8);
    alice = world.add('alice', false);
    bob = world.add('bob', false);
    await openInboxes(world, bob);
  });

  it('stand six nodes apart, three of each side’s choosing', async () => {
    const { chain, callerChannel } = await meet(world, alice, bob);
    expect(chain).toHaveLength(8);
    const nodes = chain.slice(1, -1).map(({ name }) => name);
    const [callers, owners] = [nodes.slice(0, 3), nodes.slice(3)];
    expect(new Set(callers).size).toBe(3);
    expect(new Set(owners).size).toBe(3);
    expect(callers).not.toContain(owners[0]);
    expect(new Set(nodes).size).toBeGreaterThanOrEqual(4);
    const users = [alice.id, bob.id];
    for (const user of [alice, bob]) {
      expect(user.node.links.filter(({ peer }) => peer !== undefined && users.includes(peer))).toEqual([]);
    }
    alice.command({ type: 'channel-close', channel: callerChannel });
    expect(world.faults()).toEqual([]);
  });

  it('pass messages of any size both ways, whole and in order', async () => {
    const talk = await meet(world, alice, bob);
    bob.command({ type: 'channel-trust', channel: talk.ownerChannel });
    const messages = [0, 1, 1040, 5000, 200_000, 3].map(filled);
    for (const data of messages) {
      say(alice, talk.callerChannel, data);
      say(bob, talk.ownerChannel, data.toReversed());
    }
    const whole = (): boolean =>
      [heard(alice, talk.callerChannel), heard(bob, talk.ownerChannel)].every(
        ({ length }) => length === messages.length,
      );
    await world.until('all messages', whole, 60_000);
    expect(heard(bob, talk.ownerChannel)).toEqual(messages);
    expect(heard(alice, talk.callerChannel)).toEqual(messages.map((data) => data.toReversed()));
    expect(world.faults()).toEqual([]);
  });

  it('are carried by nodes that count circuits and bytes, and nobody is counted twice', async () => {
    const talk = await meet(world, alice, bob);
    bob.command({ type: 'channel-trust', channel: talk.ownerChannel });
    const nodes = [...new Set(talk.chain.slice(1, -1))];
    const total = (): number => nodes.reduce((sum, { node }) => sum + node.carriedInAll.bytes, 0);
    for (const { node } of nodes) expect(node.carriedInAll.circuits).toBeGreaterThanOrEqual(node.carried);
    const before = total();
    const length = 200_000;
    await exchange(world, talk, filled(length));
    // Six places on the way, and whatever acknowledges it and happens beside it.
    const carried = (total() - before) / length;
    expect(carried).toBeGreaterThan(2 * 6);
    expect(carried).toBeLessThan(2 * 6 * 1.5);
    expect(alice.node.carriedInAll).toEqual({ circuits: 0, bytes: 0 });
  });

  it('need no trust for as much as a first window holds, at once', async () => {
    const talk = await meet(world, alice, bob);
    await exchange(world, talk, filled(60_000));
    bob.command({ type: 'channel-trust', channel: talk.ownerChannel });
    await world.clock.pass(200);
    await exchange(world, talk, filled(200_000));
    expect(world.faults()).toEqual([]);
  });

  it('open the window of a channel on which nothing was said yet', async () => {
    const talk = await meet(world, alice, bob);
    await world.clock.pass(1000);
    bob.command({ type: 'channel-trust', channel: talk.ownerChannel });
    await world.clock.pass(1000);
    await exchange(world, talk, filled(10_000));
    expect(closing(alice, talk.callerChannel)).toBeUndefined();
  });

  it.each(['caller', 'owner'] as const)('both hear that the %s is finished', async (side) => {
    const talk = await meet(world, alice, bob);
    await exchange(world, talk, filled(10));
    const circuits = (): number =>
      alice.node.circuits.filter(({ purpose }) => purpose === 'conversation').length;
    const before = circuits();
    const [who, channel] = side === 'caller' ? [alice, talk.callerChannel] : [bob, talk.ownerChannel];
    who.command({ type: 'channel-close', channel });
    await world.clock.pass(500);
    expect(closing(alice, talk.callerChannel)).toBe('finished');
    expect(closing(bob, talk.ownerChannel)).toBe('finished');
    expect(circuits()).toBe(before - 1);
    expect(world.faults()).toEqual([]);
  });

  it('use a length on each link that depends on the position alone', () => {
    const seen = new Map<string, Set<number>>();
    const note = (node: SimNode, trace: TraceEvent): void => {
      const key = `${node.name} ${trace.link} ${trace.circuit}`;
      seen.set(key, (seen.get(key) ?? new Set()).add(trace.used));
    };
    for (const node of world.nodes) {
      for (const trace of node.traces) if (relay.has(trace.command)) note(node, trace);
    }
    const lengths = [...seen.values()];
    expect(lengths.length).toBeGreaterThan(50);
    for (const used of lengths) expect(used.size).toBe(1);
    const all = new Set(lengths.flatMap((used) => [...used]));
    expect([...all].sort((a, b) => b - a)).toEqual([1, 2, 3, 4].map(usedLength));
    // An own circuit's first link is the user's: both of them see the longest cells alone.
    for (const user of [alice, bob]) {
      const used = new Set(
        user.traces.filter(({ command }) => relay.has(command)).map((trace) => trace.used),
      );
      expect([...used]).toEqual([usedLength(1)]);
    }
  });
});
