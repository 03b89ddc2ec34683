import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { findMongo, type MongoProgram } from '#tests/support/mongo-program.ts';
import { findRedisServer } from '#tests/support/programs.ts';
import { eventually } from '#tests/support/test-network.ts';

/** A store that runs for a test, on loopback and with data of its own. */
export type StoreServer = {
  url: string;
  /** Changes with every start; undefined while it doesn't run, and of one that is not this test's. */
  readonly pid: number | undefined;
  /** Resolves when it is dead; of one that is not this test's it throws. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** After `kill`: on the same port, with the data that it had written. Resolves once it serves. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
};

const MOST_TRIES = 3;

/** A program that listens on `port`, started anew by `restart`. */
export class Service {
  readonly port: number;
  readonly #command: string;
  readonly #args: string[];
  readonly #folder: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, command: string, args: string[]) {
    this.port = port;
    this.#folder = folder;
    this.#command = command;
    this.#args = args;
  }

  /** `args` is given the port and the folder of its data. */
  static async start(command: string, args: (port: number, folder: string) => string[]): Promise<Service> {
    for (let tries = 1; ; tries++) {
      const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'hourglass-store-'))];
      const service = new Service(port, folder, command, args(port, folder));
      try {
        await service.restart();
        return service;
      } catch (error) {
        await service.stop();
        // Another program may have taken the port in between.
        if (tries === MOST_TRIES) throw error;
      }
    }
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async restart(): Promise<void> {
    const child = spawn(this.#command, this.#args, { stdio: 'ignore' });
    // A worker of the test run that ends leaves nothing behind.
    const end = (): void => void child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => {
      process.off('exit', end);
      if (this.#child === child) this.#child = undefined;
    });
    this.#child = child;
    await eventually(`${this.#command} serves`, async () => {
      if (!this.#child) throw new Error(`${this.#command} ended at its start`);
      return answers(this.port);
    });
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A Redis that keeps nothing on disk: one that is started again is empty. */
export const redisServer = async (): Promise<StoreServer> => {
  const service = await Service.start(findRedisServer(), redisArguments);
  return storeServer(service, `redis://127.0.0.1:${String(service.port)}`);
};

export const redisArguments = (port: number, folder: string): string[] => [
  ...['--port', String(port), '--bind', '127.0.0.1'],
  ...['--dir', folder, '--save', '', '--appendonly', 'no'],
];

/** A server of MongoDB's protocol; the URL names a database of its own. Throws when none is to be had. */
export const mongoServer = async (): Promise<StoreServer> => {
  const program = findMongo();
  if (!program) throw new Error('no server of MongoDB’s protocol is to be had');
  const name = `hourglass-${randomUUID()}`;
  if (program.kind === 'running') return running(databaseUrl(program.url, name));
  const service = await Service.start(program.path, mongoArguments(program.kind));
  return storeServer(service, `mongodb://127.0.0.1:${String(service.port)}/${name}`);
};

/** The same server with another database. */
export const databaseUrl = (url: string, name: string): string => {
  const [, server = url, query = ''] = /^([^:]+:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(url) ?? [];
  return `${server}/${name}${query}`;
};

const mongoArguments = (kind: MongoProgram['kind']) => (port: number, folder: string) =>
  kind === 'mongod'
    ? ['--port', String(port), '--bind_ip', '127.0.0.1', '--dbpath', folder]
    : [
        '--handler=sqlite',
        `--sqlite-url=file:${folder}/`,
        `--state-dir=${folder}`,
        '--telemetry=disable',
        `--listen-addr=127.0.0.1:${String(port)}`,
        '--debug-addr=-',
      ];

const storeServer = (service: Service, url: string): StoreServer => ({
  url,
  get pid() {
    return service.pid;
  },
  kill: (signal) => service.kill(signal),
  restart: () => service.restart(),
  stop: () => service.stop(),
});

const running = (url: string): StoreServer => {
  const notOurs = (): Promise<never> => Promise.reject(new Error('the server at MONGODB_URL is not ours'));
  const stop = async (): Promise<void> => {
    const client = new MongoClient(url);
    await client.db().dropDatabase();
    await client.close();
  };
  return { url, pid: undefined, kill: notOurs, restart: notOurs, stop };
};

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (value: boolean) => (): void => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', done(true)).once('error', done(false));
  });
