import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#server/clock.ts';
import { MemoryLive } from '#server/stores/memory.ts';
import type { Live, Presence, Route } from '#server/stores/ports.ts';
import { RedisLive } from '#server/stores/redis.ts';
import { nodeId, type Millis } from '#shared/units.ts';
import { redisCluster } from '#tests/support/redis-cluster.ts';
import { redisServer } from '#tests/support/stores.ts';
import { eventually } from '#tests/support/test-network.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

/** One engine for all tests of the file, emptied before each. */
type Engine = {
  version: string;
  /** A server process's own access to what all of them share. */
  open(): Promise<Live>;
  empty(): Promise<void>;
  pass(spanMs: Millis): Promise<void>;
  stop(): Promise<void>;
};

const waited = (spanMs: Millis): Promise<void> => new Promise((done) => setTimeout(done, spanMs));

const redisEngine = async (urls: string[], stop: () => Promise<void>): Promise<Engine> => {
  const clients = urls.map((url) => new Redis(url));
  const info = await clients[0]?.info('server');
  return {
    version: `redis-server ${/redis_version:(\S+)/.exec(info ?? '')?.[1] ?? '?'}`,
    open: () => RedisLive.open({ urls, clock: systemClock }),
    async empty() {
      await Promise.all(clients.map((client) => client.flushall()));
    },
    pass: waited,
    async stop() {
      for (const client of clients) client.disconnect();
      await stop();
    },
  };
};

const engines: Record<string, () => Promise<Engine>> = {
  memory() {
    const clock = new VirtualClock();
    let shared: MemoryLive | undefined;
    return Promise.resolve({
      version: 'this program',
      open: () => Promise.resolve((shared ??= new MemoryLive(clock))),
      empty: () => Promise.resolve((shared = undefined)),
      pass: (spanMs) => clock.pass(spanMs),
      stop: () => Promise.resolve(),
    });
  },
  async Redis() {
    const server = await redisServer();
    return redisEngine([server.url], () => server.stop());
  },
  async 'a Redis Cluster'() {
    const cluster = await redisCluster();
    return redisEngine(cluster.urls, () => cluster.stop());
  },
};

const presenceOf = (byte: number, more: Partial<Presence> = {}): Presence => ({
  node: nodeId(new Uint8Array(32).fill(byte)),
  descriptor: Uint8Array.of(byte, 1, 2, 3),
  published: 10,
  since: 20,
  seen: 30,
  ...more,
});

/** Long enough for a few calls on a busy machine; some engines really wait that long. */
const SHORT_MS = 500;
const LONG_MS = 60_000;
const ROUTES = 4;

describe.each(Object.entries(engines))('the live port over %s', (name, start) => {
  let engine: Engine;
  /** Of two server processes. */
  let live: Live;
  let other: Live;

  beforeAll(async () => {
    engine = await start();
    console.info(`the live port over ${name}: ${engine.version}`);
  }, 120_000);
  afterAll(() => engine.stop());
  beforeEach(async () => {
    await engine.empty();
    [live, other] = await Promise.all([engine.open(), engine.open()]);
  });
  afterEach(() => Promise.all([live.close(), other.close()]));

  describe('presences', () => {
    it('are known until they are removed', async () => {
      const presence = presenceOf(1);
      await live.setPresence(presence, LONG_MS);
      expect(await other.presence(presence.node)).toEqual(presence);
      expect(await other.presences()).toEqual([presence]);
      expect(await other.presenceCount()).toBe(1);
      await live.removePresence(presence.node);
      await live.removePresence(presence.node);
      expect(await other.presence(presence.node)).toBeUndefined();
      expect(await other.presences()).toEqual([]);
      expect(await other.presenceCount()).toBe(0);
    });

    it('keep every number and byte', async () => {
      const descriptor = Uint8Array.from({ length: 2_000 }, (_, i) => i % 256);
      const most = Number.MAX_SAFE_INTEGER;
      const presence = presenceOf(1, { descriptor, published: most, since: 0, seen: 1_900_000_000_000 });
      await live.setPresence(presence, LONG_MS);
      expect(await other.presences()).toEqual([presence]);
    });

    it('are forgotten at the end of their time', async () => {
      const [one, two] = [presenceOf(1), presenceOf(2)];
      await live.setPresence(one, SHORT_MS);
      await live.setPresence(two, LONG_MS);
      expect(await live.presenceCount()).toBe(2);
      await engine.pass(SHORT_MS + 10);
      expect(await live.presence(one.node)).toBeUndefined();
      expect(await live.presences()).toEqual([two]);
      expect(await live.presenceCount()).toBe(1);
    });

    it('take the place of the older one, and its time begins anew', async () => {
      await live.setPresence(presenceOf(1), SHORT_MS);
      const later = presenceOf(1, { seen: 230 });
      await live.setPresence(later, LONG_MS);
      await engine.pass(SHORT_MS + 10);
      expect(await live.presences()).toEqual([later]);
    });

    it('are all there when they are many', async () => {
      const many = Array.from({ length: 600 }, (_, i) => {
        const key = new Uint8Array(32);
        new DataView(key.buffer).setUint32(0, i);
        return presenceOf(1, { node: nodeId(key), seen: i });
      });
      await Promise.all(many.map((presence) => live.setPresence(presence, LONG_MS)));
      const found = await other.presences();
      expect(found.sort((a, b) => a.seen - b.seen)).toEqual(many);
      expect(await other.presenceCount()).toBe(many.length);
    });
  });

  describe('routes', () => {
    const add = (address: string, circuit: number, more: { process?: string; most?: number } = {}) =>
      live.addRoute(address, { process: more.process ?? 'p', circuit }, more.most ?? ROUTES, LONG_MS);

    it('stand in their order, and the oldest gives way over the limit', async () => {
      for (const circuit of [1, 2, 3]) await add('aa', circuit, { most: 2 });
      await add('bb', 4);
      expect(await other.routes('aa')).toEqual([
        { process: 'p', circuit: 2 },
        { process: 'p', circuit: 3 },
      ]);
      expect(await other.routes('cc')).toEqual([]);
    });

    it('keep their place when they are added again', async () => {
      for (const circuit of [1, 2, 1]) await add('aa', circuit);
      await add('aa', 1, { process: 'q' });
      expect(await other.routes('aa')).toEqual([
        { process: 'p', circuit: 1 },
        { process: 'p', circuit: 2 },
        { process: 'q', circuit: 1 },
      ]);
    });

    it('end by themselves, each in its own time', async () => {
      await live.addRoute('aa', { process: 'p', circuit: 1 }, ROUTES, SHORT_MS);
      await live.addRoute('aa', { process: 'p', circuit: 2 }, ROUTES, LONG_MS);
      await live.addRoute('bb', { process: 'p', circuit: 3 }, ROUTES, SHORT_MS);
      expect(await other.routes('aa')).toHaveLength(2);
      await engine.pass(SHORT_MS + 10);
      expect(await other.routes('aa')).toEqual([{ process: 'p', circuit: 2 }]);
      expect(await other.routes('bb')).toEqual([]);
    });

    it('last when they are added again in time, and come last when too late', async () => {
      const [one, two] = [1, 2].map((circuit): Route => ({ process: 'p', circuit })) as [Route, Route];
      await live.addRoute('aa', one, ROUTES, SHORT_MS);
      await live.addRoute('aa', two, ROUTES, LONG_MS);
      await live.addRoute('aa', one, ROUTES, LONG_MS);
      await live.addRoute('bb', one, ROUTES, SHORT_MS);
      await live.addRoute('bb', two, ROUTES, LONG_MS);
      await engine.pass(SHORT_MS + 10);
      expect(await other.routes('aa')).toEqual([one, two]);
      await live.addRoute('bb', one, ROUTES, LONG_MS);
      expect(await other.routes('bb')).toEqual([two, one]);
    });

    it('are removed one at a time', async () => {
      for (const circuit of [1, 2]) await add('aa', circuit);
      await other.removeRoute('aa', { process: 'p', circuit: 1 });
      await other.removeRoute('aa', { process: 'p', circuit: 9 });
      await other.removeRoute('aa', { process: 'q', circuit: 2 });
      await other.removeRoute('zz', { process: 'p', circuit: 1 });
      expect(await live.routes('aa')).toEqual([{ process: 'p', circuit: 2 }]);
    });
  });

  describe('delivery', () => {
    type Taken = [circuit: number, body: Uint8Array];
    const taker = async (store: Live, process: string): Promise<[Taken[], () => Promise<void>]> => {
      const taken: Taken[] = [];
      return [taken, await store.attach(process, (...each) => taken.push(each))];
    };
    const arrived = (taken: Taken[], count: number): Promise<void> =>
      eventually(`${String(count)} bodies`, () => taken.length >= count);

    it('reaches the process that is attached, and says when none is', async () => {
      const [[p, detach], [q]] = await Promise.all([taker(live, 'p'), taker(other, 'q')]);
      const body = Uint8Array.of(7, 0, 255);
      expect(await live.deliver({ process: 'q', circuit: 1 }, body)).toBe(true);
      expect(await other.deliver({ process: 'p', circuit: 2 }, body)).toBe(true);
      expect(await live.deliver({ process: 'p', circuit: 3 }, body)).toBe(true);
      expect(await live.deliver({ process: 'r', circuit: 1 }, body)).toBe(false);
      await Promise.all([arrived(p, 2), arrived(q, 1)]);
      await detach();
      await detach();
      expect(await other.deliver({ process: 'p', circuit: 2 }, body)).toBe(false);
      expect(q).toEqual([[1, body]]);
      expect(p.sort(([a], [b]) => a - b)).toEqual([
        [2, body],
        [3, body],
      ]);
    });

    it('brings every body once and in its order', async () => {
      const [taken] = await taker(live, 'p');
      for (let i = 0; i < 200; i++) {
        const answers = [1, 2, 3].map((circuit) =>
          other.deliver({ process: 'p', circuit }, Uint8Array.of(i, circuit)),
        );
        expect(await Promise.all(answers)).toEqual([true, true, true]);
      }
      await arrived(taken, 600);
      for (const circuit of [1, 2, 3]) {
        const bodies = taken.filter(([of]) => of === circuit).map(([, body]) => body);
        expect(bodies).toEqual(Array.from({ length: 200 }, (_, i) => Uint8Array.of(i, circuit)));
      }
    });

    it('goes on to the next taker of the same name', async () => {
      const [before, detach] = await taker(live, 'p');
      await other.deliver({ process: 'p', circuit: 1 }, Uint8Array.of(1));
      await arrived(before, 1);
      await detach();
      const [after] = await taker(other, 'p');
      await live.deliver({ process: 'p', circuit: 1 }, Uint8Array.of(2));
      await arrived(after, 1);
      expect([before, after]).toEqual([[[1, Uint8Array.of(1)]], [[1, Uint8Array.of(2)]]]);
    });
  });

  describe('leadership', () => {
    it('is of one of many who ask at once', async () => {
      const names = Array.from({ length: 8 }, (_, i) => `p${String(i)}`);
      const tokens = await Promise.all(
        names.map((process, i) => (i % 2 ? live : other).lead(process, LONG_MS, 0)),
      );
      expect(tokens.filter((token) => token !== undefined)).toEqual([1]);
    });

    it('keeps its token as long as it lasts', async () => {
      expect(await live.lead('p', SHORT_MS, 0)).toBe(1);
      expect(await live.lead('p', LONG_MS, 1)).toBe(1);
      await engine.pass(SHORT_MS + 10);
      expect(await other.lead('q', LONG_MS, 0)).toBeUndefined();
      expect(await live.lead('p', LONG_MS, 0)).toBe(1);
    });

    it('passes on after its time, with a higher token', async () => {
      expect(await live.lead('p', SHORT_MS, 0)).toBe(1);
      await engine.pass(SHORT_MS + 10);
      expect(await other.lead('q', LONG_MS, 0)).toBe(2);
      expect(await live.lead('p', LONG_MS, 0)).toBeUndefined();
    });

    it('is given up by who has it and nobody else', async () => {
      await live.lead('p', LONG_MS, 0);
      await other.retire('q');
      expect(await other.lead('q', LONG_MS, 0)).toBeUndefined();
      await live.retire('p');
      expect(await other.lead('q', LONG_MS, 0)).toBe(2);
      await other.retire('q');
      expect(await other.lead('q', LONG_MS, 0)).toBe(3);
    });

    it('has tokens above the floor', async () => {
      const high = 2 ** 50;
      expect(await live.lead('p', LONG_MS, high)).toBe(high + 1);
      expect(await live.lead('p', LONG_MS, high + 1)).toBe(high + 1);
      // Another has led since, in a store that was lost.
      expect(await live.lead('p', LONG_MS, high + 5)).toBe(high + 6);
      await live.retire('p');
      expect(await other.lead('q', LONG_MS, 0)).toBe(high + 7);
    });
  });

  describe('claims', () => {
    const of = (value: number): Uint8Array => Uint8Array.of(value, 0, 255);

    it('stand as the first one made them', async () => {
      expect(await live.claimed('a/1')).toBeUndefined();
      expect(await live.claim('a/1', of(1), LONG_MS)).toEqual(of(1));
      expect(await other.claim('a/1', of(2), LONG_MS)).toEqual(of(1));
      expect(await live.claim('a/1', of(1), LONG_MS)).toEqual(of(1));
      expect(await other.claimed('a/1')).toEqual(of(1));
      expect(await other.claimed('a/')).toBeUndefined();
      expect(await other.claim('a/10', of(3), LONG_MS)).toEqual(of(3));
      expect(await live.claim('a', new Uint8Array(), LONG_MS)).toEqual(new Uint8Array());
      expect(await other.claim('a', of(4), LONG_MS)).toEqual(new Uint8Array());
      expect(await other.claimed('a')).toEqual(new Uint8Array());
    });

    it('are one of fifty’s who make them at once', async () => {
      for (const name of ['x', 'y', 'z']) {
        const values = Array.from({ length: 50 }, (_, i) => of(i));
        const standing = await Promise.all(
          values.map((value, i) => (i % 2 ? live : other).claim(name, value, LONG_MS)),
        );
        const winners = values.filter((value, i) => standing[i]?.[0] === value[0]);
        expect(winners).toHaveLength(1);
        expect(standing).toEqual(values.map(() => winners[0]));
      }
    });

    it('are free again after their time, which another try does not lengthen', async () => {
      await live.claim('short', of(1), SHORT_MS);
      await live.claim('long', of(1), LONG_MS);
      expect(await other.claim('short', of(2), LONG_MS)).toEqual(of(1));
      await engine.pass(SHORT_MS + 10);
      expect(await other.claimed('short')).toBeUndefined();
      expect(await other.claim('short', of(3), LONG_MS)).toEqual(of(3));
      expect(await other.claim('long', of(3), LONG_MS)).toEqual(of(1));
    });

    it('are their own, whatever the caller does to the bytes', async () => {
      const value = of(1);
      await live.claim('own', value, LONG_MS);
      value.fill(9);
      (await live.claim('own', of(2), LONG_MS)).fill(7);
      (await live.claimed('own'))?.fill(8);
      expect(await live.claim('own', of(2), LONG_MS)).toEqual(of(1));
    });
  });

  it('tells one caller that it has come up empty', async () => {
    const answers = await Promise.all([live, other, live, other].map((each) => each.wasEmptied()));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await live.wasEmptied()).toBe(false);
  });

  it('answers while it is there', async () => {
    await expect(live.ping()).resolves.toBeUndefined();
  });
});
