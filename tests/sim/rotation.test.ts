import { expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { readConsensus } from '#shared/directory/consensus.ts';
import { World } from './world.ts';

const onionKeys = (world: World): Map<string, string> => {
  const bytes = world.directory.services.consensus?.bytes ?? new Uint8Array(0);
  const { nodes } = readConsensus(bytes).verify({});
  return new Map(nodes.map(({ id, onionKey }) => [id, hex(onionKey)]));
};

it('nodes replace their keys, list the new ones, and still answer who knows the old ones', async () => {
  const world = await new World({ rotationMs: 60_000 }).start();
  await world.relays(4);
  const before = onionKeys(world);
  const alice = world.add('alice', false);
  await world.until('alice has a circuit to the directory', () => alice.node.directoryReachable, 10_000);
  await world.until(
    'all keys are new',
    () => [...onionKeys(world)].every(([id, key]) => before.get(id) !== key),
    120_000,
  );
  expect(onionKeys(world).size).toBe(4);
  alice.command({ type: 'open-inboxes', count: 1 });
  await world.until('an inbox is open', () => alice.events.some(({ type }) => type === 'inboxes'), 20_000);
  const faults = world.nodes.flatMap(({ events }) => events.filter(({ type }) => type === 'fault'));
  expect(faults).toEqual([]);
});
