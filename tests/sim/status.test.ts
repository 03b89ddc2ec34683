import { expect, it } from 'vitest';
import { SimClient } from './sim-client.ts';
import { World } from './world.ts';

it.each([
  [1, 9, { kind: 'limited', why: 'direct', nodes: null }],
  [4, 9, { kind: 'ready' }],
  [4, 6, { kind: 'limited', why: 'few-nodes', nodes: 6 }],
] as const)(
  'with circuits of %i hops to the directory and %i nodes a client knows how anonymous it is',
  async (directoryHops, relays, status) => {
    const world = await new World({ seed: 72, directoryHops }).start();
    await world.relays(relays);
    const client = await SimClient.open(world, 'client');
    await client.does((api) => api.start({ name: 'Alice' }));
    const works = async (): Promise<boolean> => 'circuits' in (await client.api.state()).status;
    await client.until('has circuits', works, 60_000);
    expect((await client.api.state()).status).toMatchObject(status);
  },
);
