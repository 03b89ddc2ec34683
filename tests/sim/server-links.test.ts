import { beforeAll, describe, expect, it } from 'vitest';
import { exchange, meet, openInboxes, reconnect } from './talk.ts';
import type { SimNode } from './sim-node.ts';
import { World } from './world.ts';

const words = (text: string): Uint8Array => new TextEncoder().encode(text);
const waysOf = (node: SimNode): Set<string | undefined> =>
  new Set(node.node.links.filter(({ kind }) => kind !== 'directory').map(({ way }) => way));
/** Its browser has no WebRTC. */
const blocked = (world: World, name: string, relaying: boolean): SimNode => {
  const node = world.add(name, relaying);
  node.command({ type: 'connectivity', webrtc: false, reachable: false });
  return node;
};

describe('users whose browsers have no WebRTC', () => {
  let world: World;
  let relays: SimNode[];
  let ada: SimNode;
  let ben: SimNode;

  beforeAll(async () => {
    world = await new World({ seed: 61 }).start();
    relays = await world.relays(6);
    [ada, ben] = [blocked(world, 'ada', true), blocked(world, 'ben', true)];
    await world.until('both are registered', () => [ada, ben].every(({ node }) => node.registered), 60_000);
  });

  it('talk through links by way of the server, and the others keep theirs', async () => {
    await openInboxes(world, ben);
    const talk = await meet(world, ada, ben);
    await exchange(world, talk, words('by the server'));
    for (const node of [ada, ben]) expect(waysOf(node)).toEqual(new Set(['server']));
    const between = relays.flatMap(({ node }) =>
      node.links.filter(({ peer }) => relays.some(({ id }) => id === peer)),
    );
    expect(new Set(between.map(({ way }) => way))).toEqual(new Set(['direct']));
    expect(world.passed).toBeGreaterThan(0);
    expect(world.faults()).toEqual([]);
  });

  it('say so in their descriptors, and stand on nobody’s path while there are others', async () => {
    const carol = world.add('carol', false);
    await openInboxes(world, carol);
    for (let i = 0; i < 8; i++) {
      const { chain } = await meet(world, carol, ben);
      for (const node of chain.slice(1, -1)) expect(relays).toContain(node);
    }
    const carried = [ada, ben].map(({ node }) => node.carried);
    expect(carried).toEqual([0, 0]);
    const listed = relays[0]?.seen('consensus').at(-1)?.consensus.nodes ?? [];
    for (const { id, capabilities } of listed)
      expect(capabilities.server, world.byId(id).name).toBe(id === ada.id || id === ben.id);
  });

  it('are offered no other links by who knows', async () => {
    const { offered } = world;
    const [relay] = relays;
    const link = () => relay?.node.links.find(({ peer }) => peer === ada.id);
    relay?.command({ type: 'unlink', node: ada.id });
    relay?.command({ type: 'link', node: ada.id });
    await world.until('the link', () => link()?.state === 'open', 5_000);
    expect([link()?.way, world.offered]).toEqual(['server', offered]);
  });

  it('have links for their circuits and guards alone', () => {
    for (const node of [ada, ben])
      expect(node.node.links.filter(({ kind }) => kind === 'peer').length).toBeLessThanOrEqual(5);
  });
});

it('nodes without WebRTC carry circuits where there are no others', async () => {
  const world = await new World({ seed: 62 }).start();
  const nodes = Array.from({ length: 5 }, (_, i) => blocked(world, `tab ${String(i)}`, true));
  await world.until('all are registered', () => nodes.every(({ node }) => node.registered), 60_000);
  const [ada, ben] = [blocked(world, 'ada', false), blocked(world, 'ben', false)];
  await openInboxes(world, ben);
  await exchange(world, await reconnect(world, ada, ben, 30_000), words('among ourselves'));
  expect(nodes.some(({ node }) => node.carriedInAll.circuits > 0)).toBe(true);
  // Two that call each other at once have one link.
  const [one, two] = nodes as [SimNode, SimNode];
  const between = (a: SimNode, b: SimNode) => a.node.links.filter(({ peer }) => peer === b.id);
  one.command({ type: 'unlink', node: two.id });
  await world.until('they have none', () => between(two, one).length === 0, 5_000);
  one.command({ type: 'link', node: two.id });
  two.command({ type: 'link', node: one.id });
  await world.clock.pass(5_000);
  for (const [a, b] of [
    [one, two],
    [two, one],
  ] as const)
    expect(between(a, b).map(({ state, way }) => [state, way])).toEqual([['open', 'server']]);
  expect(world.faults()).toEqual([]);
});

it.each([0, 20, 60, 120])(
  'two that want a link, the second %i ms later, see one being made',
  async (laterMs) => {
    const world = await new World({ seed: 66 }).start();
    const [one, two] = await world.relays(3);
    if (!one || !two) throw new Error('three relays');
    const between = (a: SimNode, b: SimNode) => a.node.links.filter(({ peer }) => peer === b.id);
    one.command({ type: 'unlink', node: two.id });
    await world.until('they have none', () => between(two, one).length === 0, 5_000);
    one.command({ type: 'link', node: two.id });
    const asked = world.clock.now() + laterMs;
    let both = false;
    await world.until(
      'the link',
      () => {
        if (!both && world.clock.now() >= asked) {
          both = true;
          two.command({ type: 'link', node: one.id });
        }
        const seen = [between(one, two), between(two, one)];
        for (const links of seen) expect(links.length).toBeLessThanOrEqual(1);
        return both && seen.every(([link]) => link?.state === 'open');
      },
      10_000,
    );
    expect(world.faults()).toEqual([]);
  },
);

it('a link that two networks let not through goes by way of the server, and is dialled so from then on', async () => {
  const world = await new World({ seed: 63 }).start();
  const [near, far, other] = await world.relays(3);
  if (!near || !far || !other) throw new Error('three relays');
  const to = (from: SimNode, peer: SimNode) => from.node.links.find((link) => link.peer === peer.id);
  world.walled.add(far);
  near.command({ type: 'unlink', node: far.id });
  near.command({ type: 'link', node: far.id });
  await world.until('the link', () => to(near, far)?.state === 'open', 60_000);
  expect([to(near, far)?.way, to(far, near)?.way, to(near, other)?.way]).toEqual([
    'server',
    'server',
    'direct',
  ]);
  near.command({ type: 'unlink', node: far.id });
  near.command({ type: 'link', node: far.id });
  // Less than a WebRTC link would be waited for in vain.
  await world.until('the link again', () => to(near, far)?.state === 'open', 2_000);
  expect(world.faults()).toEqual([]);
});

it('a node that lost WebRTC after it was listed is linked to all the same', async () => {
  const world = await new World({ seed: 64 }).start();
  const [near, far] = await world.relays(3);
  if (!near || !far) throw new Error('three relays');
  near.command({ type: 'unlink', node: far.id });
  far.command({ type: 'connectivity', webrtc: false, reachable: false });
  near.command({ type: 'link', node: far.id });
  const link = () => near.node.links.find(({ peer }) => peer === far.id);
  // Sooner than a consensus says so.
  await world.until('the link', () => link()?.state === 'open', 600);
  expect(link()?.way).toBe('server');
});

it('links that end at once when their rules change are made anew, those by way of the server stay', async () => {
  const world = await new World({ seed: 65 }).start();
  const relays = await world.relays(4);
  const [near] = relays;
  const user = blocked(world, 'user', false);
  await openInboxes(world, user);
  if (!near) throw new Error('four relays');
  near.command({ type: 'relink' });
  const peers = near.node.links.filter(({ kind }) => kind === 'peer');
  expect(peers.filter(({ way, state }) => state === 'open' && way !== 'server')).toEqual([]);
  await world.until(
    'the links are back',
    () => near.node.links.filter(({ state, way }) => state === 'open' && way === 'direct').length >= 1,
    60_000,
  );
  expect(near.node.directoryReachable).toBe(true);
});
