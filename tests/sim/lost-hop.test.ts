import { beforeEach, describe, expect, it } from 'vitest';
import type { InboxRef } from '#shared/node/input.ts';
import { hex } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import { requestCodec, responseCodec } from '#shared/directory/messages.ts';
import type { SimNode } from './sim-node.ts';
import { closing, exchange, heard, meet, meetApart, openInboxes, reconnect, say, type Talk } from './talk.ts';
import { World } from './world.ts';

const LOOK_UPS = 20;

const tagOf = (inbox: InboxRef | undefined): string => (inbox ? `${hex(inbox.tag)}@${inbox.exit}` : 'none');

/** Where in the chain of caller, six nodes, owner. */
const positions = [
  ['the caller’s guard', 1],
  ['the caller’s middle', 2],
  ['the caller’s exit', 3],
  ['the owner’s exit', 4],
  ['the owner’s middle', 5],
  ['the owner’s guard', 6],
] as const;

describe('a node that is lost', () => {
  let world: World;
  let alice: SimNode;
  let bob: SimNode;
  let talk: Talk;
  let used: InboxRef;

  beforeEach(async () => {
    world = await new World({ seed: 41 }).start();
    await world.relays(8);
    alice = world.add('alice', false);
    bob = world.add('bob', false);
    await openInboxes(world, bob);
    // So that one loss is one loss.
    talk = await meetApart(world, alice, bob, bob.inboxes.toReversed());
    const exit = talk.chain[4]?.id;
    used = bob.inboxes.find((inbox) => inbox.exit === exit) as InboxRef;
  }, 60_000);

  const lose = (at: number): void => talk.chain[at]?.kill();

  it.each(positions)('as %s closes the channel by a code, and another one opens', async (_, at) => {
    say(alice, talk.callerChannel, new Uint8Array(20_000));
    lose(at);
    const closed = (): boolean =>
      closing(alice, talk.callerChannel) !== undefined && closing(bob, talk.ownerChannel) !== undefined;
    await world.until('both channels are closed', closed, 1000);
    expect(closing(alice, talk.callerChannel)).not.toBe('finished');
    expect(closing(bob, talk.ownerChannel)).not.toBe('finished');
    const again = await reconnect(world, alice, bob, 15_000);
    expect(again.chain).not.toContain(talk.chain[at]);
    await exchange(world, again, new Uint8Array(5000));
    expect(world.faults()).toEqual([]);
  });

  /** The circuit of the inbox that the conversation came through. */
  const inboxStands = (): boolean =>
    bob.node.circuits.some(
      ({ purpose, state, path }) => purpose === 'inbox' && state === 'open' && path.at(-1) === used.exit,
    );

  it.each(positions.slice(0, 3))('as %s leaves the inbox as it is', async (_, at) => {
    lose(at);
    await world.clock.pass(20_000);
    expect(bob.inboxes.map(tagOf)).toContain(tagOf(used));
    expect(
      bob.seen('circuit-failed').filter((each) => each.purpose === 'inbox' && each.path.at(-1) === used.exit),
    ).toEqual([]);
    expect(inboxStands()).toBe(true);
  });

  it.each(positions.slice(4))('as %s brings the inbox back under its tag at its exit', async (_, at) => {
    lose(at);
    await world.clock.pass(100);
    expect(inboxStands()).toBe(false);
    await world.until('the inbox is back', inboxStands, 15_000);
    await world.clock.pass(500);
    expect(bob.inboxes.map(tagOf)).toContain(tagOf(used));
    const again = await meet(world, alice, bob, [used], 15_000);
    expect(again.chain[4]?.id).toBe(used.exit);
    await exchange(world, again, new Uint8Array(5000));
  });

  it('as the owner’s exit leads to an inbox elsewhere, under another tag', async () => {
    const kept = bob.inboxes.filter((inbox) => inbox !== used).map(tagOf);
    lose(4);
    const moved = (): boolean =>
      bob.inboxes.length === 2 && !bob.inboxes.some(({ exit }) => exit === used.exit);
    await world.until('the inbox has moved', moved, 60_000);
    const tags = bob.inboxes.map(tagOf);
    expect(tags).toEqual(expect.arrayContaining(kept));
    expect(tags.join()).not.toContain(hex(used.tag));
    const fresh = bob.inboxes.filter((inbox) => !kept.includes(tagOf(inbox)));
    const again = await meet(world, alice, bob, fresh, 15_000);
    await exchange(world, again, new Uint8Array(5000));
    expect(world.faults()).toEqual([]);
  });

  it('in every place at once is survived too', async () => {
    for (const [, at] of positions.filter(([, position]) => [1, 3, 5].includes(position))) lose(at);
    await world.clock.pass(1000);
    const again = await reconnect(world, alice, bob, 60_000);
    await exchange(world, again, new Uint8Array(100));
  });

  it('silently, its links left hanging, is found out by the links’ own pings', async () => {
    const [, , middle] = talk.chain;
    middle?.driver.stop();
    say(alice, talk.callerChannel, new Uint8Array(100));
    const closed = (): boolean => closing(alice, talk.callerChannel) !== undefined;
    await world.until('the channel is closed', closed, 13_000);
    expect(heard(bob, talk.ownerChannel)).toEqual([]);
    const again = await reconnect(world, alice, bob, 30_000);
    await exchange(world, again, new Uint8Array(100));
  });

  it('is the owner: the caller hears so, and that the inbox is away', async () => {
    bob.kill();
    await world.until('the channel is closed', () => closing(alice, talk.callerChannel) !== undefined, 1000);
    expect(closing(alice, talk.callerChannel)).toBe('destroyed');
    alice.command({ type: 'connect', handle: 9001, inboxes: [used] });
    const failure = (): string | undefined =>
      alice.seen('channel-failed').find(({ handle }) => handle === 9001)?.code;
    await world.until('the call fails', () => failure() !== undefined, 15_000);
    expect(failure()).toBe('unreachable');
  });
});

it('nodes that are gone say nothing in the directory’s place, and requests find another way', async () => {
  const world = await new World({ seed: 43, directoryHops: 4 }).start();
  const relays = await world.relays(9);
  const alice = world.add('alice', false);
  await openInboxes(world, alice);
  for (const relay of relays.slice(0, 2)) relay.kill();
  const body = encode(requestCodec, { type: 'lookup', descriptorId: new Uint8Array(32) });
  for (let handle = 1; handle <= LOOK_UPS; handle++) {
    alice.command({ type: 'ask', handle, purpose: 'lookup', body });
    await world.until('it is answered', () => alice.seen('answered').length >= handle, 60_000);
  }
  const results = alice.seen('answered').map(({ result }) => result);
  const said = results.flatMap((result) => ('body' in result ? [decode(responseCodec, result.body)] : []));
  expect(new Set(said.map((each) => each.type === 'error' && each.code))).toEqual(new Set(['not-found']));
  expect(said.length).toBeGreaterThan(0.9 * LOOK_UPS);
  const others = results.flatMap((result) => ('code' in result ? [result.code] : []));
  expect(others.filter((code) => code !== 'unreachable')).toEqual([]);
});

describe('a directory that is killed and started again', () => {
  it.each([1, 4])('is back within 15 seconds, with circuits of %s hops to it', async (directoryHops) => {
    const world = await new World({ seed: 42, directoryHops }).start();
    const relays = await world.relays(8);
    const [alice, bob] = [world.add('alice', false), world.add('bob', false)];
    await openInboxes(world, bob);
    const talk = await meet(world, alice, bob);
    const sequence = alice.seen('consensus').at(-1)?.consensus.sequence ?? 0;
    const published = bob.inboxes.map(tagOf);
    await world.restartDirectory(3000);
    const startedAt = world.clock.now();
    // In the midst of it: a conversation needs no directory.
    await exchange(world, talk, new Uint8Array(50_000));
    const left = (): number => startedAt + 15_000 - world.clock.now();
    await world.until('all are registered', () => relays.every(({ node }) => node.registered), left());
    for (const relay of relays) expect((await world.directory.live.presence(relay.id))?.node).toBe(relay.id);
    const newer = (): boolean =>
      world.nodes.every((node) => (node.seen('consensus').at(-1)?.consensus.sequence ?? 0) > sequence);
    await world.until('everyone has a newer consensus', newer, left());
    for (const node of world.nodes) {
      expect(node.seen('consensus').at(-1)?.consensus.nodes).toHaveLength(8);
      expect(node.seen('alarm')).toEqual([]);
    }
    expect(bob.inboxes.map(tagOf)).toEqual(published);
    expect(closing(alice, talk.callerChannel)).toBeUndefined();
    await exchange(world, talk, new Uint8Array(1000));
    // New links are signalled again.
    const carol = world.add('carol', false);
    const other = await reconnect(world, carol, bob, 20_000);
    await exchange(world, other, new Uint8Array(1000));
    expect(world.faults()).toEqual([]);
  });
});
