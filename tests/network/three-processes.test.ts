import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConsensus } from '#shared/directory/consensus.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import { burst, burstTexts, delivered, heard, meet, say, type Side } from '#tests/support/chat.ts';
import { chainOf } from '#tests/support/chain.ts';
import { mongoToBeHad } from '#tests/support/mongo-program.ts';
import { mongoServer, redisServer, type StoreServer } from '#tests/support/stores.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

const SERVERS = 3;
const RELAYS = 12;
const CONSENSUS_MS = 3_000;
const COUNT = 30;
const BACK_MS = 45_000;

describe.skipIf(!mongoToBeHad())('three server processes, one directory', () => {
  let redis: StoreServer;
  let mongo: StoreServer;
  let network: TestNetwork;
  let alice: Side;
  let bob: Side;

  beforeAll(async () => {
    [redis, mongo] = await Promise.all([redisServer(), mongoServer()]);
    network = await TestNetwork.start({
      servers: SERVERS,
      relays: RELAYS,
      env: {
        HG_REDIS_URL: redis.url,
        HG_MONGODB_URL: mongo.url,
        HG_CONSENSUS_MS: String(CONSENSUS_MS),
      },
    });
    const [{ client: guest }, { client: host }] = [
      await network.addClient({ server: 0 }),
      await network.addClient({ server: 1 }),
    ];
    await guest.start({ name: 'Alice' });
    await host.start({ name: 'Bob' });
    ({ guest: alice, host: bob } = await meet(guest, host));
  }, 90_000);
  afterAll(async () => {
    await network.stop();
    await Promise.all([redis.stop(), mongo.stop()]);
  });

  const servers = Array.from({ length: SERVERS }, (_, index) => index);

  it('show the same nodes, under one key, whichever of them is asked', async () => {
    expect(network.connections.every((count) => count > 0)).toBe(true);
    const keys = new Set<string>();
    for (const index of servers) {
      await eventually('all nodes', async () => (await network.nodes(index)).length === RELAYS);
      const bytes = await (await fetch(`${network.urlOf(index)}/consensus`)).bytes();
      const { directoryKey, directoryOnionKey } = readConsensus(bytes).verify({});
      keys.add(`${directoryKey.toString()} ${directoryOnionKey.toString()}`);
    }
    expect(keys.size).toBe(1);
  });

  it.each(servers)(
    'lose nothing when process %i is killed under load',
    async (index) => {
      const topic = `kill ${String(index)}`;
      const sent = [burst(alice, topic, COUNT), burst(bob, topic, COUNT)] as const;
      const registrations = network.relays.map(({ events }) => events.length);
      await network.killServer(index);
      await Promise.all([delivered(alice, await sent[0]), delivered(bob, await sent[1])]);
      expect(await heard(alice, topic)).toEqual(burstTexts(topic, COUNT));
      expect(await heard(bob, topic)).toEqual(burstTexts(topic, COUNT));

      // Whoever was linked to it comes back through another.
      const again = (events: NodeEvent[]): boolean =>
        events.some((event) => event.type === 'registered' && event.on);
      const listed = (events: NodeEvent[]): boolean => {
        const last = events.findLast((event) => event.type === 'registered');
        return last?.type === 'registered' && last.on;
      };
      await eventually(
        'the nodes of the dead process',
        () =>
          network.relays.some(({ events }, i) => again(events.slice(registrations[i]))) &&
          network.relays.every(({ events }) => listed(events)),
        BACK_MS,
      );
      for (const other of servers.filter((each) => each !== index)) {
        await eventually('all nodes', async () => (await network.nodes(other)).length === RELAYS, BACK_MS);
      }
      await network.startServer(index);
      await eventually('the one that is back', async () => (await network.nodes(index)).length === RELAYS);
    },
    120_000,
  );

  it('let a newcomer on one of them reach who is on another', async () => {
    const { client: carol } = await network.addClient({ server: 2 });
    await carol.start({ name: 'Carol' });
    const { link } = await bob.client.createInvite();
    const side = { client: carol, conversation: await carol.acceptInvite(link) };
    await delivered(side, [await say(side, 'Hello from a third')]);
  }, 60_000);

  it('made one chain, without a fork and without a gap of two intervals', async () => {
    const chain = await chainOf(mongo.url);
    expect(chain.length).toBeGreaterThan(SERVERS);
    for (const [i, { sequence, previous, time, fence }] of chain.entries()) {
      expect(sequence).toBe(i + 1);
      const before = chain[i - 1];
      if (!before) continue;
      expect(previous).toEqual(before.hash);
      expect(time - before.time).toBeLessThanOrEqual(2 * CONSENSUS_MS);
      expect(fence).toBeGreaterThanOrEqual(before.fence);
    }
    // Each kill of a leader brought another one.
    expect(new Set(chain.map(({ fence }) => fence)).size).toBeGreaterThan(1);
  });
});
