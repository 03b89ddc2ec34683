import { describe, expect, it } from 'vitest';
import { readConsensus } from '#shared/directory/consensus.ts';
import type { Millis } from '#shared/units.ts';
import { SecondHistory } from '#tests/support/second-history.ts';
import type { SimNode } from './sim-node.ts';
import { SimClient } from './sim-client.ts';
import { World } from './world.ts';

const NODES = 8;
/** By then each has asked for a consensus twice, and told its neighbours of it. */
const ROUND_MS: Millis = 12_000;

const networkOf = async (seed: number): Promise<{ world: World; nodes: SimNode[] }> => {
  const world = await new World({ seed }).start();
  return { world, nodes: await world.relays(NODES) };
};

/** A newcomer, and one who leaves: the list is another one. */
const change = async (world: World): Promise<void> => {
  const sequence = (): number =>
    readConsensus(world.directory.services.consensus?.bytes as Uint8Array).verify({}).sequence;
  const before = sequence();
  world.add(`newcomer ${String(before)}`, true);
  await world.until('another consensus', () => sequence() > before, 20_000);
};

const alarmed = ({ events }: SimNode): boolean =>
  events.some((event) => event.type === 'alarm' && event.code === 'equivocation');

describe('a directory', () => {
  it('that says the same to everybody is believed', async () => {
    const { world, nodes } = await networkOf(11);
    await change(world);
    await world.clock.pass(2 * ROUND_MS);
    expect(nodes.filter(alarmed)).toEqual([]);
    expect(nodes.every(({ node }) => node.registered && node.directoryReachable)).toBe(true);
  });

  it.each([
    ['shows half of the nodes another history', () => true],
    // No number is signed twice: only what each names as the one before it tells.
    [
      'shows them the odd numbers and others the even ones',
      (sequence: number, odd: boolean) => (sequence % 2 === 1) === odd,
    ],
  ])('that %s is found out within two rounds, and nobody uses either', async (_, shows) => {
    const { world, nodes } = await networkOf(12);
    const second = new SecondHistory(world.keys.signing);
    const fooled = new Set(nodes.filter((__, i) => i % 2 === 1).map(({ name }) => name));
    const last = new Map<boolean, Uint8Array>();
    world.directory.lie = (to, bytes) => {
      const { sequence } = readConsensus(bytes).verify({});
      const one = fooled.has(to);
      if (shows(sequence, one)) last.set(one, one ? second.of(bytes) : bytes);
      return last.get(one) ?? bytes;
    };
    await change(world);
    await world.clock.pass(ROUND_MS / 4);
    await change(world);
    await world.clock.pass(2 * ROUND_MS);
    expect(nodes.filter((node) => !alarmed(node)).map(({ name }) => name)).toEqual([]);
    for (const { node } of nodes) {
      expect(node.circuits).toEqual([]);
      expect(node.directoryReachable).toBe(false);
    }
    // Nor do they come back to it.
    await world.clock.pass(10 * ROUND_MS);
    expect(nodes.every(({ node }) => node.circuits.length === 0)).toBe(true);
    expect(world.faults()).toEqual([]);
  });

  it('that was found out is not used in later sessions either, and the user is told', async () => {
    const { world } = await networkOf(14);
    const second = new SecondHistory(world.keys.signing);
    const alice = await SimClient.open(world, 'alice', { relaying: true });
    const status = async (client: SimClient): Promise<string> => (await client.api.state()).status.kind;
    await alice.until('is linked', async (api) => (await api.state()).links.length > 3, 30_000);
    world.directory.lie = (to, bytes) => (to === 'alice' ? second.of(bytes) : bytes);
    await change(world);
    await alice.until('hears of it', async () => (await status(alice)) === 'distrusted', 2 * ROUND_MS);
    expect(alice.events).toContainEqual({ type: 'alarm', code: 'equivocation' });
    await alice.close();
    world.directory.lie = (_, bytes) => bytes;
    const [later, other] = [
      await SimClient.open(world, 'later', { store: alice.store }),
      await SimClient.open(world, 'other'),
    ];
    await later.until('knows it still', async () => (await status(later)) === 'distrusted', ROUND_MS);
    expect((await later.api.state()).circuits).toEqual([]);
    expect(await status(other)).not.toBe('distrusted');
    await later.close();
    await other.close();
  });

  it('is not convicted by what it did not sign', async () => {
    const { world, nodes } = await networkOf(13);
    const [liar, ...others] = nodes as [SimNode, ...SimNode[]];
    const before = liar.node.links.length;
    world.tamper = (from, _, data) => {
      if (from !== liar || data[4] !== 7) return [data];
      const forged = data.slice();
      // In the hash of its statement.
      forged[60] = (forged[60] as number) ^ 1;
      return [forged];
    };
    await change(world);
    await world.clock.pass(2 * ROUND_MS);
    expect(others.filter(alarmed)).toEqual([]);
    const refused = others.flatMap(({ events }) =>
      events.filter(
        (event) => event.type === 'refused' && event.where === 'link' && event.code === 'bad-signature',
      ),
    );
    expect(refused.length).toBeGreaterThan(0);
    expect(before).toBeGreaterThan(NODES - 1);
  });
});
