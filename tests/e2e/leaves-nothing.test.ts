import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { signRecord, signHandle } from '#shared/directory/records.ts';
import { decodeAddress } from '#shared/rendezvous/address.ts';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { burst, delivered, meet, type Side } from '#tests/support/chat.ts';
import { directoryAt } from '#tests/support/directory-peer.ts';
import { Asker, letterTo, newMailbox } from '#tests/support/mail-load.ts';
import { containsOne, secretsOf, sessionsOf, watchSessions } from '#tests/support/sessions-seen.ts';
import { dumpMongo, dumpRedis, type Dump } from '#tests/support/store-dump.ts';
import { mongoToBeHad } from '#tests/support/mongo-program.ts';
import { mongoServer, redisServer, type StoreServer } from '#tests/support/stores.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

const TABS = 5;
const COUNT = 10;
const NAMES = ['Alice Aldersey', 'Bob Birchwood'] as const;
const TOPIC = 'what nobody else may read';

const IPV4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/;
const IPV6 = /(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{1,4}(?![\w:])/i;

/** A whole run, with real tabs on real stores; what is left of it, and what was there on the way. */
describe.skipIf(!mongoToBeHad())('what a directory keeps and logs of a conversation of two tabs', () => {
  let redis: StoreServer;
  let mongo: StoreServer;
  let network: TestNetwork;
  let browser: Browser;
  let users: [Tab, Tab];
  let sides: Side[];
  const log: string[] = [];
  const kept: Dump = { texts: [], bytes: [] };
  let secrets: Buffer[];

  const look = async (): Promise<void> => {
    for (const { texts, bytes } of [await dumpRedis(redis.url), await dumpMongo(mongo.url)]) {
      kept.texts.push(...texts);
      kept.bytes.push(...bytes);
    }
  };

  const openTab = async (): Promise<Tab> => {
    const context = await newContext(browser, network.url);
    await watchSessions(context);
    return Tab.open(context, network.url);
  };

  beforeAll(async () => {
    [redis, mongo] = await Promise.all([redisServer(), mongoServer()]);
    network = await TestNetwork.start({
      ...{ webDir, apart: true, onLog: (line: string) => void log.push(line) },
      env: { HG_REDIS_URL: redis.url, HG_MONGODB_URL: mongo.url, HG_LOG_LEVEL: 'trace' },
    });
    browser = await launch();
    const tabs = await Promise.all(Array.from({ length: TABS }, openTab));
    users = [await openTab(), await openTab()];
    await eventually('a consensus of the tabs', async () => (await network.nodes()).length >= TABS);
    await users[0].start(NAMES[0]);
    await users[1].start(NAMES[1]);
    const { guest, host } = await meet(users[0].client, users[1].client);
    sides = [guest, host];
    await look();
    for (const side of sides) await delivered(side, await burst(side, TOPIC, COUNT));
    await storeRecords();
    await look();

    const sessions = (await Promise.all([...tabs, ...users].map(sessionsOf))).flat();
    const addresses = await Promise.all(
      users.map(async ({ client }) => (await client.state()).profile.address ?? ''),
    );
    secrets = [
      ...['a=fingerprint', 'a=candidate', 'ice-ufrag', 'ice-pwd', TOPIC, ...NAMES, ...addresses].map(text),
      ...addresses.map(decodeAddress),
      ...sessions.flatMap(secretsOf),
    ].map((each) => Buffer.from(each));
    expect(sessions.length).toBeGreaterThan(TABS);
    await network.stopServer();
    await look();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await network.stop();
    await Promise.all([redis.stop(), mongo.stop()]);
  });

  const storeRecords = async (): Promise<void> => {
    const asker = new Asker(await directoryAt(network.url));
    const owner = signKeypair(new Uint8Array(32).fill(3));
    await asker.ask(() => ({ type: 'deposit', ...letterTo(newMailbox()) }));
    const record = signRecord(owner, { slot: 0, revision: 1, blob: new Uint8Array(4_096).fill(9) });
    await asker.ask(() => ({ type: 'put-record', ...record }));
    const handle = signHandle(owner, { name: 'somebody', revision: Date.now(), content: new Uint8Array(64) });
    await asker.ask(() => ({ type: 'put-handle', ...handle }));
    asker.close();
  };

  it('is there at all', () => {
    expect(kept.texts.length).toBeGreaterThan(TABS);
    expect(kept.bytes.length).toBeGreaterThan(TABS);
    expect(log.length).toBeGreaterThan(TABS);
    expect(containsOne(Buffer.concat(kept.bytes), [Buffer.alloc(4_096, 9)])).toBe(true);
  });

  it('holds no IP address', () => {
    const addressed = (line: string): boolean => IPV4.test(line) || IPV6.test(line);
    expect([...kept.texts, ...log].filter(addressed)).toEqual([]);
    expect(kept.bytes.filter((each) => IPV4.test(Buffer.from(each).toString('latin1')))).toEqual([]);
  });

  it('holds no session description, no plain text and no address of a user', () => {
    const all = [...kept.bytes, ...[...kept.texts, ...log].map((each) => Buffer.from(each))];
    expect(all.filter((each) => containsOne(each, secrets))).toEqual([]);
  });
});
