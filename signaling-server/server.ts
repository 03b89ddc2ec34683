import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Carrier, CarrierEvents } from '#shared/link/carrier.ts';
import { systemClock, type Clock } from './clock.ts';
import type { Config } from './config.ts';
import { Directory } from './directory.ts';
import { createHttp } from './http.ts';
import { loadKeys, type DirectoryKeys } from './keys.ts';
import { createLinks } from './links.ts';
import type { Logger } from './log.ts';
import type { Circuits } from './services/context.ts';
import { EXIT_FAILURE, StartError } from './start-error.ts';
import { MemoryLive } from './stores/memory.ts';
import { SqliteArchive } from './stores/sqlite.ts';

export const LINK_PATH = '/link';
const ARCHIVE_FILE = 'archive.sqlite';

/** The node that makes the directory a hop: links lead to it, and its circuits end in the services. */
export type Hop = Circuits & {
  accept(carrier: Carrier): CarrierEvents;
  stop(): void;
};

export type HopOptions = {
  keys: DirectoryKeys;
  log: Logger;
  clock: Clock;
  /** Answers one request of a circuit; never rejects. */
  request(circuit: { handle: number; binding: Uint8Array }, body: Uint8Array): Promise<Uint8Array>;
  closed(circuit: number): void;
};

export type ServerOptions = {
  config: Config;
  log: Logger;
  createHop(options: HopOptions): Hop;
  clock?: Clock;
};

export type RunningServer = {
  port: number;
  keys: DirectoryKeys;
  directory: Directory;
  stop(): Promise<void>;
};

/** Starts one directory process; resolves once it listens and has a consensus. Throws `StartError` or `storage`. */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  const { config, log, createHop, clock = systemClock } = options;
  const keys = loadKeys(config.dataDir);
  const live = new MemoryLive(clock);
  const archive = new SqliteArchive(join(config.dataDir, ARCHIVE_FILE));
  const hop = createHop({
    ...{ keys, log, clock },
    request: (circuit, body) => directory.request(circuit, body),
    closed: (circuit) => void directory.closed(circuit),
  });
  const process = randomUUID();
  const directory = new Directory({ ...config, keys, live, archive, clock, log, process, circuits: hop });
  const { webDir, iceServers, candidates, maxLinks } = config;
  const server = createHttp({
    webDir,
    iceServers,
    candidates,
    linkPath: LINK_PATH,
    consensus: () => directory.consensus,
  });
  const links = createLinks({ server, path: LINK_PATH, maxLinks, accept: (carrier) => hop.accept(carrier) });

  const stop = async (): Promise<void> => {
    links.close();
    server.close();
    server.closeAllConnections();
    hop.stop();
    await directory.stop();
    await live.close();
    await archive.close();
  };
  try {
    await directory.start();
    const port = await listen(server, config);
    log.info({ port, links: maxLinks }, 'the directory listens');
    return { port, keys, directory, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const listen = async (server: Server, { port, host }: Config): Promise<number> => {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new StartError(
      whyNot((error as NodeJS.ErrnoException).code ?? 'unknown', port, host),
      EXIT_FAILURE,
    );
  }
  return (server.address() as AddressInfo).port;
};

const whyNot = (code: string, port: number, host: string): string => {
  const other = `Set HG_PORT to another one, for example: HG_PORT=${String(port === 8080 ? 8090 : 8080)} npm start`;
  if (code === 'EADDRINUSE') return `Port ${String(port)} is in use by another program. ${other}`;
  if (code === 'EACCES') return `Port ${String(port)} may not be opened by this user. ${other}`;
  return `Hourglass cannot listen on ${host}, port ${String(port)} (${code}). HG_HOST and HG_PORT set where it listens.`;
};
