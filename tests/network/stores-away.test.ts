import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import type { Answer } from '#shared/node/directory-circuit.ts';
import { meet, delivered, say, type Side } from '#tests/support/chat.ts';
import { directoryAt, DirectoryPeer, type DirectoryTarget } from '#tests/support/directory-peer.ts';
import { Asker, collectAll, letterTo, newMailbox } from '#tests/support/mail-load.ts';
import { mongoToBeHad } from '#tests/support/mongo-program.ts';
import { mongoServer, redisServer, type StoreServer } from '#tests/support/stores.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

const RELAYS = 8;
const HEALED_MS = 90_000;
const BACK_MS = 30_000;

/** They are killed here, so they have to be this test's own. */
const ours = (process.env['MONGODB_URL'] ?? '') === '' && mongoToBeHad();

describe.skipIf(!ours)('a directory', () => {
  let redis: StoreServer;
  let mongo: StoreServer;
  let network: TestNetwork;
  let target: DirectoryTarget;
  let alice: Side;

  beforeAll(async () => {
    [redis, mongo] = await Promise.all([redisServer(), mongoServer()]);
    const env = { HG_REDIS_URL: redis.url, HG_MONGODB_URL: mongo.url, HG_CONSENSUS_MS: '3000' };
    network = await TestNetwork.start({ apart: true, relays: RELAYS, env, onLog: () => undefined });
    target = await directoryAt(network.url);
    const [{ client: guest }, { client: host }] = [await network.addClient(), await network.addClient()];
    await guest.start({ name: 'Alice' });
    await host.start({ name: 'Bob' });
    ({ guest: alice } = await meet(guest, host));
  }, 90_000);
  afterAll(async () => {
    await network.stop();
    await Promise.all([redis.stop(), mongo.stop()]);
  });

  const readiness = async (): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${network.url}/readyz`);
    return { status: response.status, body: await response.json() };
  };
  const ready = async (): Promise<boolean> => (await readiness()).status === 200;

  const askOnce = async (
    make: (peer: DirectoryPeer) => Parameters<DirectoryPeer['ask']>[0],
  ): Promise<Answer> => {
    const peer = await DirectoryPeer.open(target);
    try {
      return await peer.ask(make(peer));
    } finally {
      peer.close();
    }
  };

  describe('whose Redis loses all it had', () => {
    it('has everyone who is there again, and nothing that must last is lost', async () => {
      const [asker, mailbox] = [new Asker(target), newMailbox()];
      const letter = letterTo(mailbox);
      await asker.ask(() => ({ type: 'deposit', ...letter }));
      const startedAt = Date.now();
      const client = new Redis(redis.url);
      await client.flushall();
      const healed = async (): Promise<boolean> => {
        const present = await client.keys('*node:*');
        return present.length >= RELAYS && (await network.nodes()).length === RELAYS;
      };
      await eventually('presence', healed, HEALED_MS);
      expect(Date.now() - startedAt).toBeLessThan(HEALED_MS);
      await client.quit();
      expect(await collectAll(asker, mailbox)).toEqual(new Map([[hex(letter.id), hex(letter.blob)]]));
      asker.close();
      // Signals find their way again: a newcomer links, looks up and talks.
      await delivered(alice, [await say(alice, 'after the flush')]);
      const { client: carol } = await network.addClient();
      await carol.start({ name: 'Carol' });
      const { link } = await alice.client.createInvite();
      const side = { client: carol, conversation: await carol.acceptInvite(link) };
      await delivered(side, [await say(side, 'Hello from a newcomer')], HEALED_MS);
    }, 180_000);
  });

  describe('whose store is away', () => {
    it('makes the server not ready, and requests come later', async () => {
      await redis.kill();
      await eventually('no readiness', async () => !(await ready()), BACK_MS);
      expect((await readiness()).body).toEqual({ status: 'away', stores: ['live'] });
      const reply = new Uint8Array(16).fill(7);
      expect(await askOnce(() => ({ type: 'listen', reply }))).toEqual({ type: 'error', code: 'try-later' });
      expect(await (await fetch(`${network.url}/healthz`)).json()).toEqual({ status: 'ok' });
      await delivered(alice, [await say(alice, 'without Redis')]);
      await redis.restart();
      await eventually('readiness', ready, BACK_MS);
      expect(await askOnce(() => ({ type: 'listen', reply }))).toEqual({ type: 'ok' });
      await eventually('all nodes', async () => (await network.nodes()).length === RELAYS, HEALED_MS);
    }, 180_000);

    it('has stored a message whole or not at all', async () => {
      const [asker, mailbox] = [new Asker(target), newMailbox()];
      const [before, during] = [letterTo(mailbox), letterTo(mailbox)];
      await asker.ask(() => ({ type: 'deposit', ...before }));
      await mongo.kill();
      await eventually('no readiness', async () => !(await ready()), BACK_MS);
      expect((await readiness()).body).toEqual({ status: 'away', stores: ['archive'] });
      const refused = await askOnce(() => ({ type: 'deposit', ...during }));
      expect(refused).toEqual({ type: 'error', code: 'try-later' });
      await mongo.restart();
      await eventually('readiness', ready, BACK_MS);
      await asker.ask(() => ({ type: 'deposit', ...during }));
      const all = await collectAll(asker, mailbox);
      expect(all).toEqual(new Map([before, during].map(({ id, blob }) => [hex(id), hex(blob)])));
      asker.close();
      const { sequence } = await latest();
      await eventually('the next consensus', async () => (await latest()).sequence > sequence, BACK_MS);
    }, 180_000);
  });

  const latest = async (): Promise<{ sequence: number }> => {
    const tag = (await fetch(`${network.url}/consensus`)).headers.get('etag') ?? '"0-"';
    return { sequence: Number(tag.slice(1).split('-', 1)[0]) };
  };
});
