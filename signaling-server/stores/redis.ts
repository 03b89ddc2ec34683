import { Cluster, Redis, ReplyError } from 'ioredis';
import { bytes, decode, encode, struct, u64 } from '#shared/bytes/codec.ts';
import { LocalError } from '#shared/errors.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import { MOST_WAITING, type Delivery, type Live, type Presence, type Route } from './ports.ts';
import { ALIVE_MS, queueKeys, Taker, WAITING_MS, type TakerConnection } from './redis-queue.ts';
import * as scripts from './redis-scripts.ts';

/** A call that has no answer by then has failed, and a connection that says nothing for so long is made anew. */
const ANSWER_MS: Millis = 2_000;
const SILENCE_MS: Millis = 5_000;
const LONGEST_BACKOFF_MS: Millis = 1_000;
const FETCHED_AT_ONCE = 256;

type Argument = string | number | Buffer;

export type RedisOptions = {
  /** redis:// or rediss://, with user and password where there are any; several are nodes of one cluster. */
  urls: string[];
  /** Before every key. */
  prefix?: string;
  clock: Clock;
};

/** published (8) ‖ since (8) ‖ seen (8) ‖ descriptor with its length before it (2): what stands under a node's key. */
const presenceCodec = struct({ published: u64, since: u64, seen: u64, descriptor: bytes(0xffff) });

/**
 * `live` in Redis, single or a cluster. Under the prefix: `node:` id, the presence, with `nodes`, an index of their ids by
 * when they expire; `route:` address; `queue:{process}:…`, what is due to circuits (redis-queue.ts); `lead:{leader}:…`, lock
 * and fence; `claim:` name; `standing`, which is there unless the store was emptied. While the engine is away every call throws
 * `storage` within 2 s; the connection comes back by itself.
 */
export class RedisLive implements Live {
  readonly #client: Redis | Cluster;
  readonly #options: RedisOptions;
  readonly #prefix: string;
  readonly #detaches = new Map<Taker, () => Promise<void>>();

  private constructor(options: RedisOptions) {
    this.#options = options;
    this.#prefix = options.prefix ?? 'hg:';
    this.#client = connect(options.urls);
  }

  /** Waits for the engine for a short time; one that is away at the start is one that is away, which `ping` tells. */
  static async open(options: RedisOptions): Promise<RedisLive> {
    const live = new RedisLive(options);
    await ready(live.#client, options.clock);
    return live;
  }

  async setPresence({ node, ...rest }: Presence, ttlMs: Millis): Promise<void> {
    const value = Buffer.from(encode(presenceCodec, rest));
    await Promise.all([
      this.#call('SET', this.#key('node:', node), value, 'PX', whole(ttlMs)),
      this.#run(scripts.indexNode, [this.#key('nodes')], node, whole(ttlMs)),
    ]);
  }

  async presence(node: NodeId): Promise<Presence | undefined> {
    const value = await this.#call('GET', this.#key('node:', node));
    return value instanceof Buffer ? readPresence(node, value) : undefined;
  }

  async presences(): Promise<Presence[]> {
    const nodes = texts(await this.#run(scripts.indexedNodes, [this.#key('nodes')])) as NodeId[];
    const found: Presence[] = [];
    for (let at = 0; at < nodes.length; at += FETCHED_AT_ONCE) {
      // Sent together, and so one round trip, although each key may have its own slot.
      const some = nodes.slice(at, at + FETCHED_AT_ONCE).map((node) => this.presence(node));
      for (const presence of await Promise.all(some)) if (presence) found.push(presence);
    }
    return found;
  }

  async presenceCount(): Promise<number> {
    return Number(await this.#run(scripts.countNodes, [this.#key('nodes')]));
  }

  async removePresence(node: NodeId): Promise<void> {
    await Promise.all([
      this.#call('DEL', this.#key('node:', node)),
      this.#call('ZREM', this.#key('nodes'), node),
    ]);
  }

  async addRoute(address: string, route: Route, most: number, ttlMs: Millis): Promise<void> {
    await this.#run(scripts.addRoute, [this.#key('route:', address)], routeText(route), most, whole(ttlMs));
  }

  async removeRoute(address: string, route: Route): Promise<void> {
    await this.#run(scripts.removeRoute, [this.#key('route:', address)], routeText(route));
  }

  async routes(address: string): Promise<Route[]> {
    return texts(await this.#run(scripts.routes, [this.#key('route:', address)])).map(readRoute);
  }

  /** Also while the engine is away: then from when it is back on. */
  async attach(process: string, delivery: Delivery): Promise<() => Promise<void>> {
    const { urls, clock } = this.#options;
    const keys = queueKeys(this.#prefix, process);
    const connection = connect(urls);
    await Promise.all([
      ready(connection, clock),
      this.#call('SET', keys.alive, '1', 'PX', ALIVE_MS).catch(() => undefined),
    ]);
    const taker = new Taker(takerConnection(connection), keys, delivery, clock);
    const detach = async (): Promise<void> => {
      if (!this.#detaches.delete(taker)) return;
      const stopped = taker.stop();
      // The engine forgets by itself what can't be told to it now.
      await this.#call('RPUSH', keys.bell, '1').catch(() => undefined);
      await stopped;
      await this.#call('DEL', keys.alive, keys.batch, keys.bell).catch(() => undefined);
    };
    this.#detaches.set(taker, detach);
    return detach;
  }

  async deliver({ process, circuit }: Route, body: Uint8Array): Promise<boolean> {
    const { alive, ready: circuits, waiting, bell } = queueKeys(this.#prefix, process);
    const keys = [alive, circuits, waiting, bell];
    return (
      (await this.#run(scripts.deliver, keys, circuit, Buffer.from(body), MOST_WAITING, WAITING_MS)) === 1
    );
  }

  async lead(process: string, ttlMs: Millis, floor: number): Promise<number | undefined> {
    const token = await this.#run(scripts.lead, this.#leadKeys(), process, whole(ttlMs), floor);
    return token instanceof Buffer ? Number(token.toString()) : undefined;
  }

  async retire(process: string): Promise<void> {
    await this.#run(scripts.retire, this.#leadKeys().slice(0, 1), process);
  }

  async claim(name: string, value: Uint8Array, ttlMs: Millis): Promise<Uint8Array> {
    const key = this.#key('claim:', name);
    const standing = await this.#run(scripts.claim, [key], Buffer.from(value), whole(ttlMs));
    return new Uint8Array(standing as Buffer);
  }

  async claimed(name: string): Promise<Uint8Array | undefined> {
    const standing = await this.#call('GET', this.#key('claim:', name));
    return standing instanceof Buffer ? new Uint8Array(standing) : undefined;
  }

  async wasEmptied(): Promise<boolean> {
    return (await this.#call('SET', this.#key('standing'), '1', 'NX')) !== null;
  }

  ping(): Promise<void> {
    return guarded(() => pingEach(this.#client));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#detaches.values()].map((detach) => detach()));
    this.#client.disconnect();
  }

  #leadKeys(): string[] {
    return [this.#key('lead:{leader}:lock'), this.#key('lead:{leader}:fence')];
  }

  #key(kind: string, name = ''): string {
    return `${this.#prefix}${kind}${name}`;
  }

  #call(command: string, ...args: Argument[]): Promise<unknown> {
    return guarded(() => this.#client.callBuffer(command, args));
  }

  #run(script: string, keys: string[], ...args: Argument[]): Promise<unknown> {
    return this.#call('EVAL', script, keys.length, ...keys, ...args);
  }
}

const backoff = (times: number): Millis => Math.min(LONGEST_BACKOFF_MS, 50 * 2 ** Math.min(times, 10));

/** Nothing waits for a connection that is not there, and nothing is sent twice: who called is told and may try again. */
const patience = {
  connectTimeout: ANSWER_MS,
  commandTimeout: ANSWER_MS,
  socketTimeout: SILENCE_MS,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
};

const connect = (urls: string[]): Redis | Cluster => {
  const [first, ...more] = urls;
  if (first === undefined) throw new LocalError('storage', 'no address of a Redis is given');
  const client =
    more.length > 0
      ? connectCluster(first, urls)
      : new Redis(first, { ...patience, retryStrategy: backoff, enableOfflineQueue: false });
  // Failures show in the calls that meet them; without a listener each would also be printed.
  client.on('error', () => undefined);
  return client;
};

/** Nodes that the cluster names by itself are asked with the name and secret of the first. */
const connectCluster = (first: string, urls: string[]): Cluster => {
  const { username, password, protocol } = new URL(first);
  return new Cluster(urls, {
    enableOfflineQueue: false,
    clusterRetryStrategy: backoff,
    clusterNodeRetryStrategy: backoff,
    retryDelayOnFailover: 0,
    redisOptions: {
      ...patience,
      ...(username !== '' && { username: decodeURIComponent(username) }),
      ...(password !== '' && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
  });
};

/** Resolves when the engine answers, or else after a while. */
const ready = async (client: Redis | Cluster, clock: Clock): Promise<void> => {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(ANSWER_MS, resolve);
    client.once('ready', () => {
      cancel();
      resolve();
    });
  });
  // A cluster's nodes are connected by the first call to each, and refuse others until then.
  await pingEach(client).catch(() => undefined);
};

const pingEach = async (client: Redis | Cluster): Promise<void> => {
  const nodes = client instanceof Redis ? [client] : client.nodes('master');
  if (nodes.length === 0) throw new Error('no node is known');
  await Promise.all(nodes.map((node) => node.ping()));
};

const takerConnection = (client: Redis | Cluster): TakerConnection => ({
  run: (script, keys, args) => client.callBuffer('EVAL', script, keys.length, ...keys, ...args),
  async waitFor(key, limitS) {
    await client.callBuffer('BLPOP', key, limitS);
  },
  close: () => {
    client.disconnect();
  },
});

/** The engine's own word for what is wrong, such as NOAUTH or OOM, tells nothing of where it is. */
const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const word = error instanceof ReplyError ? /^[A-Z]+\b/.exec((error as Error).message)?.[0] : undefined;
    throw new LocalError('storage', word === undefined ? 'Redis does not answer' : `Redis says ${word}`);
  }
};

const readPresence = (node: NodeId, value: Buffer): Presence => ({
  node,
  ...decode(presenceCodec, new Uint8Array(value)),
});

const routeText = ({ process, circuit }: Route): string => `${String(circuit)} ${process}`;

const readRoute = (text: string): Route => {
  const space = text.indexOf(' ');
  return { circuit: Number(text.slice(0, space)), process: text.slice(space + 1) };
};

const texts = (answer: unknown): string[] => (answer as Buffer[]).map((each) => each.toString());

/** Redis takes whole milliseconds, at least one. */
const whole = (spanMs: Millis): number => Math.max(1, Math.ceil(spanMs));
