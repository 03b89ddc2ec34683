import { describe, expect, it } from 'vitest';
import { equal, hex, unhex } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import { presentation } from '#shared/contribution/statement.ts';
import type { InboxRef } from '#shared/node/input.ts';
import { ticketScope, ticketSignal } from '#shared/rendezvous/ticket.ts';
import type { NodeId } from '#shared/units.ts';
import type { SimNode } from './sim-node.ts';
import { exchange, meet, openInboxes, reconnect } from './talk.ts';
import { World } from './world.ts';

const EPOCH_MS = 60_000;

const tagOf = (inbox: InboxRef): string => `${hex(inbox.tag)}@${inbox.exit}`;

/** The last epoch whose scores are fixed, as the node knows. */
const provedBy = (node: SimNode): number => node.seen('consensus').at(-1)?.consensus.contributionEpoch ?? 0;

/** A proof that this world's exits take. */
const yes = new Uint8Array(256).fill(7);

const signalOf = (each: string): bigint => {
  const [tag = '', exit = ''] = each.split('@');
  return ticketSignal(exit as NodeId, unhex(tag));
};

const codes = (node: SimNode): string[] => node.seen('refused').map(({ where, code }) => `${where} ${code}`);

describe('in a network that asks for tickets', { timeout: 180_000 }, () => {
  it('a newcomer opens inboxes by work, keeps them, and resumes one by signature alone', async () => {
    const world = await new World({ seed: 61, contribution: 'enforce', epochMs: EPOCH_MS }).start();
    const relays = await world.relays(8);
    const [alice, bob] = [world.add('alice', false), world.add('bob', false)];
    let asked = 0;
    bob.present = () => void (asked += 1);
    const inboxes = (await openInboxes(world, bob)).map(tagOf);
    expect(asked).toBe(2);
    await exchange(world, await meet(world, alice, bob), new Uint8Array(1000));

    // Its leases would have ended twice by now.
    await world.clock.pass(2 * EPOCH_MS);
    expect(bob.inboxes.map(tagOf)).toEqual(inboxes);
    expect(asked).toBeGreaterThanOrEqual(8);
    await exchange(world, await meet(world, alice, bob), new Uint8Array(1000));

    const stands = (): boolean => {
      const open = bob.node.circuits.filter(({ purpose, state }) => purpose === 'inbox' && state === 'open');
      return open.length === 2;
    };
    const exits = bob.inboxes.map(({ exit }) => exit);
    const circuit = bob.node.circuits.find(({ purpose }) => purpose === 'inbox');
    const middle = relays.find(({ id }) => id === circuit?.path[1]);
    expect(exits).not.toContain(middle?.id);
    const before = asked;
    middle?.kill();
    await world.until('a circuit is lost', () => !stands(), 5_000);
    await world.until('the inbox is back', stands, 10_000);
    await world.clock.pass(500);
    expect(bob.inboxes.map(tagOf)).toEqual(inboxes);
    expect(asked).toBe(before);
    await exchange(world, await reconnect(world, alice, bob, 15_000), new Uint8Array(1000));
    expect(world.faults()).toEqual([]);
  });

  it('a proof opens an inbox without work, and again for each lease', async () => {
    const world = await new World({ seed: 62, contribution: 'enforce', epochMs: EPOCH_MS }).start();
    const relays = await world.relays(8);
    const [alice, bob] = [world.add('alice', false), world.add('bob', false)];
    await world.until('an epoch is closed', () => provedBy(bob) > 0, 3 * EPOCH_MS);
    await world.clock.pass(10_000);
    const shown: string[] = [];
    // The first exit finds every proof false: who comes there goes elsewhere, under another tag.
    let stubborn: SimNode | undefined;
    bob.present = (exit, tag) => {
      stubborn ??= world.byId(exit);
      shown.push(`${hex(tag)}@${exit}`);
      const nullifier = ticketScope(exit);
      return encode(presentation, { epoch: provedBy(bob), threshold: 3, nullifier, proof: yes });
    };
    for (const relay of relays)
      relay.verifies = ({ scope, nullifier, signalHash }, proof) =>
        relay !== stubborn &&
        equal(proof, yes) &&
        nullifier === scope &&
        shown.some((each) => each.endsWith(relay.id) && signalHash === signalOf(each));
    await openInboxes(world, bob, 4);
    const inboxes = bob.inboxes.map(tagOf);
    expect(shown).toEqual(expect.arrayContaining(inboxes));
    await world.clock.pass(EPOCH_MS);
    expect(bob.inboxes.map(tagOf)).toEqual(inboxes);
    expect(new Set(shown).size).toBe(5);
    for (const relay of relays) expect(codes(relay)).toEqual(relay === stubborn ? ['inbox refused'] : []);
    await exchange(world, await meet(world, alice, bob), new Uint8Array(1000));
    expect(world.faults()).toEqual([]);
  });

  it('who finds every place taken waits, and has the one that its owner gives up', async () => {
    const options = { contribution: 'enforce', epochMs: EPOCH_MS, maxInboxes: 1 } as const;
    const world = await new World({ seed: 63, ...options }).start();
    const relays = await world.relays(4);
    for (const relay of relays) relay.verifies = (_, proof) => equal(proof, yes);
    const all = ['ann', 'ben', 'cid', 'dan', 'late'].map((name) => world.add(name, false));
    const [ann, late] = [all[0] as SimNode, all[4] as SimNode];
    all.forEach((owner, i) => {
      owner.present = () =>
        encode(presentation, { epoch: provedBy(owner), threshold: 3, nullifier: BigInt(i), proof: yes });
    });
    await world.until('an epoch is closed', () => provedBy(late) > 0, 3 * EPOCH_MS);
    await world.clock.pass(10_000);
    for (const owner of all.slice(0, 4)) await openInboxes(world, owner, 1, 300_000);
    expect(new Set(all.slice(0, 4).map(({ inboxes }) => inboxes[0]?.exit)).size).toBe(4);
    late.command({ type: 'open-inboxes', count: 1 });
    await world.clock.pass(45_000);
    expect(late.inboxes).toEqual([]);
    expect(relays.flatMap(codes)).toContain('inbox too-many');
    const freed = ann.inboxes[0]?.exit;
    ann.command({ type: 'open-inboxes', count: 0 });
    await world.until('the late one has an inbox', () => late.inboxes.length === 1, 300_000);
    expect(late.inboxes[0]?.exit).toBe(freed);
    await exchange(world, await reconnect(world, ann, late, 15_000), new Uint8Array(1000));
    expect(world.faults()).toEqual([]);
  });
});
