import { expect, it } from 'vitest';
import { readConsensus } from '#shared/directory/consensus.ts';
import type { CircuitView } from '#web/api.ts';
import { SimClient } from './sim-client.ts';
import { World } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const positions = ['guard', 'middle', 'exit'] as const;

/** The circuit by which a tab registered and beats. */
const own = async (tab: SimClient): Promise<CircuitView | undefined> => {
  const { circuits } = await tab.api.state();
  return circuits.find(
    ({ purpose, state, hops }) => purpose === 'directory' && state === 'open' && hops.length === 4,
  );
};

it.each(positions)(
  'a node whose circuit to the directory loses its %s is listed all the while',
  async (lost) => {
    const world = await new World({ seed: 71, directoryHops: 4 }).start();
    await world.relays(12);
    const tab = await SimClient.open(world, 'tab', { relaying: true });
    await tab.until('has a circuit', async () => (await own(tab)) !== undefined, MINUTE);
    await tab.until('is a node', async (api) => (await api.state()).node?.registered === true, MINUTE);
    const { id = '' } = (await tab.api.state()).node ?? {};
    const listed = (): boolean => {
      const { bytes } = world.directory.services.consensus ?? {};
      if (bytes === undefined) return false;
      const { nodes } = readConsensus(bytes).verify({ now: world.clock.now() });
      return nodes.some((node) => node.id === id);
    };
    await world.until('it is listed', listed, MINUTE);

    const before = await own(tab);
    const gone = before?.hops[positions.indexOf(lost)]?.node ?? '';
    world.byId(gone as typeof world.directoryId).kill();
    for (let passed = 0; passed < 3 * MINUTE; passed += SECOND) {
      await world.clock.pass(SECOND);
      expect(listed()).toBe(true);
    }
    const after = await own(tab);
    expect(after?.hops.map(({ node }) => node)).not.toContain(gone);
    expect((await tab.api.state()).node?.registered).toBe(true);
    expect(world.faults()).toEqual([]);
  },
);
