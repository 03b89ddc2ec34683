import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientApi } from '#web/api.ts';
import type { RelayLimits } from '#web/api-helping.ts';
import { delivered, meet, say } from '#tests/support/chat.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

const MOST = 3;

const neighboursOf = async (client: ClientApi): Promise<number> =>
  (await client.state()).links.filter(({ kind, state }) => kind !== 'directory' && state === 'open').length;

describe('limits that a user sets', () => {
  let network: TestNetwork;
  let client: ClientApi;

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 8 });
    ({ client } = await network.addClient({ relaying: true }));
    await client.start({ name: 'Alice' });
    await eventually('more links than the limit', async () => (await neighboursOf(client)) > MOST);
  }, 60_000);
  afterAll(() => network.stop());

  it('a client on its battery is no node, and one again once it is plugged in', async () => {
    const { node } = await client.state();
    const listed = async (): Promise<boolean> => (await network.nodes()).some((id) => id === node?.id);
    await eventually('being listed', listed);
    const { limits } = (await client.state()).relaying;
    await client.setRelayLimits({ ...limits, pauseOnBattery: true } satisfies RelayLimits);
    await client.setSurroundings({ battery: true, metered: null, visible: true });
    await eventually('being listed no more', async () => !(await listed()));
    const paused = await client.state();
    expect(paused.node).toBeNull();
    expect(paused.settings.relaying).toBe(true);
    expect(paused.relaying.paused).toBe('battery');
    await client.setSurroundings({ battery: false, metered: null, visible: true });
    await eventually('being listed again', listed);
    expect((await client.state()).relaying.paused).toBeNull();
  });

  it('a client with few neighbours still talks', async () => {
    await client.setMostNeighbours(MOST);
    const { client: other } = await network.addClient();
    await other.start({ name: 'Bob' });
    const { guest } = await meet(other, client);
    await delivered(guest, [await say(guest, 'through few')]);
    await eventually('no more links than that', async () => (await neighboursOf(client)) <= MOST, 60_000);
    await delivered(guest, [await say(guest, 'and on')]);
    expect((await client.state()).reach.mostNeighbours).toBe(MOST);
  });
});
