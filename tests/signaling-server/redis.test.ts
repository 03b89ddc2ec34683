import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '#server/clock.ts';
import { MOST_WAITING } from '#server/stores/ports.ts';
import { queueKeys, Taker, type TakerConnection } from '#server/stores/redis-queue.ts';
import { RedisLive } from '#server/stores/redis.ts';
import { redisServer, type StoreServer } from '#tests/support/stores.ts';
import { eventually } from '#tests/support/test-network.ts';

let server: StoreServer;
let live: RedisLive;

beforeEach(async () => {
  server = await redisServer();
  live = await RedisLive.open({ urls: [server.url], clock: systemClock });
});
afterEach(async () => {
  await live.close();
  await server.stop();
});

const route = { process: 'p', circuit: 1 };
const LONG_MS = 60_000;

/** Runs a command at the engine, past the store. */
const raw = async (command: string, ...args: (string | number)[]): Promise<unknown> => {
  const client = new Redis(server.url);
  try {
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
};

const fails = async (call: () => Promise<unknown>): Promise<boolean> => {
  const begin = Date.now();
  try {
    await call();
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'storage' });
    expect(String(error)).not.toMatch(/127\.0\.0\.1|redis:|\d{4,}/);
    expect(Date.now() - begin).toBeLessThan(3_000);
    return true;
  }
};

it('takes deliveries again soon after the store was emptied', async () => {
  const taken: Uint8Array[] = [];
  await live.attach('p', (_circuit, body) => taken.push(body));
  expect(await live.wasEmptied()).toBe(true);
  await raw('FLUSHALL');
  await eventually('it is attached', () => live.deliver(route, Uint8Array.of(1)), 4_000);
  await eventually('it arrives', () => taken.length > 0);
  expect(taken).toEqual([Uint8Array.of(1)]);
  expect(await live.wasEmptied()).toBe(true);
  expect(await live.wasEmptied()).toBe(false);
});

it('keeps the latest bodies for a process that does not take them', async () => {
  await raw('SET', 'hg:queue:{p}:alive', '1', 'PX', LONG_MS);
  const bodies = Array.from({ length: 200 }, (_, i) => Uint8Array.of(i));
  for (const body of bodies) expect(await live.deliver(route, body)).toBe(true);
  const taken: Uint8Array[] = [];
  await live.attach('p', (_circuit, body) => taken.push(body));
  await eventually('they arrive', () => taken.length >= MOST_WAITING);
  expect(taken).toEqual(bodies.slice(-MOST_WAITING));
});

it('shows within 10 s that a process died', async () => {
  await live.attach('p', () => undefined);
  expect(await raw('PTTL', 'hg:queue:{p}:alive')).toBeLessThan(10_000);
});

it('brings a body once although connections break all the time', async () => {
  const taken: number[] = [];
  await live.attach('p', (_circuit, body) => taken.push(body[0] ?? 0));
  const sender = await RedisLive.open({ urls: [server.url], clock: systemClock });
  const client = new Redis(server.url);
  const answered: number[] = [];
  // No more than may wait while the taker's own connection is away.
  for (let i = 0; i < MOST_WAITING; i++) {
    if (i % 6 === 5) await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await sender.deliver(route, Uint8Array.of(i)).then(
      (queued) => queued && answered.push(i),
      () => undefined,
    );
    await eventually('the sender is back', () =>
      sender.ping().then(
        () => true,
        () => false,
      ),
    );
  }
  await eventually('all arrive', () => answered.every((each) => taken.includes(each)));
  expect(taken).toEqual([...new Set(taken)].sort((a, b) => a - b));
  expect(answered.length).toBeGreaterThan(MOST_WAITING / 2);
  client.disconnect();
  await sender.close();
});

it('takes the same once more when the answer got lost', async () => {
  const client = new Redis(server.url);
  const taken: number[] = [];
  let lost = 0;
  const connection: TakerConnection = {
    async run(script, keys, args) {
      const answer = (await client.callBuffer('EVAL', script, keys.length, ...keys, ...args)) as Buffer[];
      if (answer.length === 0 || lost++ % 2 === 1) return answer;
      throw new Error('the connection broke');
    },
    async waitFor(key, limitS) {
      await client.blpop(key, limitS);
    },
    close: () => {
      client.disconnect();
    },
  };
  const taker = new Taker(
    connection,
    queueKeys('hg:', 'p'),
    (_circuit, body) => taken.push(body[0] ?? 0),
    systemClock,
  );
  await eventually('it is attached', () => live.deliver(route, Uint8Array.of(0)));
  for (let i = 1; i < 6; i++) {
    await live.deliver(route, Uint8Array.of(i));
    await eventually('it arrives', () => taken.includes(i));
  }
  await taker.stop();
  expect(taken).toEqual([0, 1, 2, 3, 4, 5]);
  expect(lost).toBeGreaterThan(5);
});

it('says "storage" at once while Redis is away, and goes on when it is back', async () => {
  const taken: Uint8Array[] = [];
  await live.attach('p', (_circuit, body) => taken.push(body));
  await server.kill('SIGKILL');
  expect(await fails(() => live.ping())).toBe(true);
  expect(await fails(() => live.presences())).toBe(true);
  expect(await fails(() => live.deliver(route, Uint8Array.of(1)))).toBe(true);
  expect(await fails(() => live.lead('p', LONG_MS, 0))).toBe(true);
  await server.restart();
  await eventually('it answers', async () => !(await fails(() => live.ping())), 5_000);
  await eventually('it is attached', () => live.deliver(route, Uint8Array.of(2)), 5_000);
  await eventually('it arrives', () => taken.length > 0);
  expect(taken).toEqual([Uint8Array.of(2)]);
});

it('says "storage" of a Redis that hangs', async () => {
  if (server.pid === undefined) throw new Error('it does not run');
  process.kill(server.pid, 'SIGSTOP');
  try {
    expect(await fails(() => live.ping())).toBe(true);
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await eventually('it answers', async () => !(await fails(() => live.ping())), 10_000);
});

it('starts although Redis is away, and uses it once it is there', async () => {
  await server.kill('SIGKILL');
  const early = await RedisLive.open({ urls: [server.url], clock: systemClock });
  try {
    const taken: Uint8Array[] = [];
    const detach = await early.attach('q', (_circuit, body) => taken.push(body));
    expect(await fails(() => early.ping())).toBe(true);
    await server.restart();
    await eventually('it answers', async () => !(await fails(() => early.ping())), 5_000);
    await eventually(
      'it is attached',
      () => early.deliver({ process: 'q', circuit: 1 }, Uint8Array.of(1)),
      5_000,
    );
    await eventually('it arrives', () => taken.length > 0);
    await detach();
  } finally {
    await early.close();
  }
});

it('says what Redis says when it refuses', async () => {
  await raw('CONFIG', 'SET', 'maxmemory', '1');
  await expect(live.wasEmptied()).rejects.toThrow('Redis says OOM');
});
