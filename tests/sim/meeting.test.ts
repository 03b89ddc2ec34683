import { describe, expect, it } from 'vitest';
import { World, type SimNode } from './world.ts';
import type { InboxRef } from '#shared/node/input.ts';

const inboxesOf = (node: SimNode): InboxRef[] =>
  node.events.flatMap((event) => (event.type === 'inboxes' ? [event.inboxes] : [])).at(-1) ?? [];

describe('two users meet through circuits', () => {
  it('passes messages both ways', async () => {
    const world = await new World().start();
    const relays = await world.relays(8);
    console.log(relays.map((r) => r.node.links.length));
    const alice = world.add('alice', false);
    const bob = world.add('bob', false);
    bob.command({ type: 'open-inboxes', count: 2 });
    await world.clock.pass(3000); const t = (n: SimNode) => console.log(n.name, n.events.filter((e) => !['changed','guards'].includes(e.type)).map((e) => JSON.stringify({ ...e, consensus: e.type==='consensus' ? e.consensus.nodes.length : undefined })).slice(0,30), n.node.links.length); t(relays[0]!); t(bob);
    await world.until(() => inboxesOf(bob).length === 2, 60_000);
    alice.command({ type: 'connect', handle: 1, inboxes: inboxesOf(bob) });
    await world.until(() => alice.events.some((e) => e.type === 'channel-open'), 30_000);
    const open = alice.events.find((e) => e.type === 'channel-open')!;
    const incoming = bob.events.find((e) => e.type === 'channel-incoming')!;
    const big = new Uint8Array(200_000).map((_, i) => i);
    alice.command({ type: 'channel-send', channel: open.channel, data: big });
    bob.command({ type: 'channel-send', channel: incoming.channel, data: big });
    bob.command({ type: 'channel-trust', channel: incoming.channel });
    await world.until(() => [alice, bob].every((n) => n.events.some((e) => e.type === 'channel-message')), 60_000);
    for (const n of [alice, bob]) {
      const got = n.events.find((e) => e.type === 'channel-message')!;
      expect(got.data).toEqual(big);
    }
    expect(world.nodes.flatMap((n) => n.faults())).toEqual([]);
    console.log(alice.events.filter((e) => e.type !== 'changed' && e.type!=='consensus' && e.type!=='guards').map((e) => e.type + ('code' in e ? e.code : '')));
  });
});
