import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hex } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import type { Code } from '#shared/errors.ts';
import type { Carrier, CarrierEvents } from '#shared/link/carrier.ts';
import { systemClock, type Clock } from './clock.ts';
import type { Config } from './config.ts';
import { Directory } from './directory.ts';
import { Health } from './health.ts';
import { createHttp } from './http.ts';
import { loadKeys, type DirectoryKeys } from './keys.ts';
import { createLinks, type LinksOptions } from './links.ts';
import type { Logger } from './log.ts';
import { Passages } from './passages.ts';
import { createMetrics, noMetrics, startMetrics, type Metrics, type MetricsSources } from './metrics.ts';
import { releaseSignature } from './release.ts';
import { systemRng } from './rng.ts';
import type { Circuits } from './services/context.ts';
import { EXIT_FAILURE, StartError } from './start-error.ts';
import { openStores } from './stores/open.ts';

export const LINK_PATH = '/link';

const AUDITOR_SEED_LENGTH = 32;

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
  /** The node underneath turned something away. */
  refused(where: string, code: Code): void;
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
  /** The secret seed of this process's own auditor, where it has one: the auditor's key signs what it asks of this process. */
  auditor: { seed: Uint8Array } | undefined;
  /** Says at first that it is not ready any more, for as long as is configured. */
  stop(): Promise<void>;
};

/**
 * Starts one directory process; resolves once it listens and has asked its stores for a consensus. Throws `StartError` or
 * `storage`.
 */
export const startServer = async (options: ServerOptions): Promise<RunningServer> => {
  const { config, log, createHop, clock = systemClock } = options;
  const keys = loadKeys(config.keysFile);
  const { live, archive } = await openStores(config, clock);
  const health = new Health({ stores: { live, archive }, clock, log });
  let draining = false;
  const meter = createMeter(config, {
    ...{ clock, stores: ['live', 'archive'] },
    links: () => sockets.links(),
    passages: () => sockets.passages(),
    nodes: () => live.presenceCount(),
    consensus: () => directory.consensus,
    leads: () => directory.leads,
    away: () => health.away,
  });
  const hop = createHop({
    ...{ keys, log, clock, refused: (where, code) => directory.refused(where, code) },
    request: (circuit, body) => directory.request(circuit, body),
    closed: (circuit) => void directory.closed(circuit),
  });
  const auditor = createAuditor(config);
  const auditorKeys = auditor ? [...config.auditorKeys, auditor.key] : config.auditorKeys;
  const directory = new Directory({
    ...{ ...config, auditorKeys },
    ...{ keys, live, archive, clock, rng: systemRng, log, process: randomUUID(), circuits: hop },
    metrics: meter.metrics,
    limits: { workBits: config.admissionWorkBits },
  });
  const server = createHttp({
    ...{ ...config, clock, linkPath: LINK_PATH },
    consensus: () => directory.consensus,
    readiness: () => ({ draining, away: health.away }),
    releaseSignature: releaseSignature(config.webDir, keys.signing.secret),
  });
  const sockets = takeSockets(config, {
    ...{ server, clock, accept: (carrier) => hop.accept(carrier) },
    refused: (where, code) => directory.refused(where, code),
  });

  const stop = async (): Promise<void> => {
    health.stop();
    sockets.close();
    server.close();
    server.closeAllConnections();
    hop.stop();
    await directory.stop();
    await Promise.all([live.close(), archive.close()]);
    meter.stop();
  };
  const drain = async (): Promise<void> => {
    draining = true;
    directory.drain();
    if (config.drainMs > 0) await new Promise<void>((done) => void clock.after(config.drainMs, done));
    await stop();
  };
  try {
    health.start();
    await directory.start();
    await meter.serve();
    const port = await listen(server, config);
    log.info({ port, links: config.maxLinks }, 'the directory listens');
    return { port, keys, directory, auditor, stop: drain };
  } catch (error) {
    await stop();
    throw error;
  }
};

type Taking = Pick<LinksOptions, 'server' | 'accept'> & {
  clock: Clock;
  refused(where: string, code: Code): void;
};

/** Links to the directory, and those between two nodes that it passes on. */
const takeSockets = (
  { maxLinks, maxServerLinks }: Config,
  { server, clock, accept, refused }: Taking,
): { links(): number; passages(): number; close(): void } => {
  const passages = new Passages({
    ...{ most: maxServerLinks, clock },
    refused: (code) => {
      refused('passage', code);
    },
  });
  const links = createLinks({
    ...{ server, path: LINK_PATH, maxLinks, passages, accept },
    refused: (code) => {
      refused('link', code);
    },
  });
  return {
    links: () => links.count(),
    passages: () => passages.count,
    close() {
      links.close();
      passages.close();
    },
  };
};

/** A key for the auditor beside this process, which nobody else knows. */
const createAuditor = ({ localAuditor }: Config): { seed: Uint8Array; key: string } | undefined => {
  if (!localAuditor) return undefined;
  const seed = systemRng(AUDITOR_SEED_LENGTH);
  return { seed, key: hex(signKeypair(seed).public) };
};

type Meter = { metrics: Metrics; serve(): Promise<void>; stop(): void };

/** Nothing is counted where nobody can read it. */
const createMeter = ({ metrics: { port, host } }: Config, sources: MetricsSources): Meter => {
  const nothing = (): void => undefined;
  if (port === 0) return { metrics: noMetrics, serve: () => Promise.resolve(), stop: nothing };
  const { metrics, registry } = createMetrics(sources);
  let stop = nothing;
  return {
    metrics,
    async serve() {
      ({ stop } = await startMetrics({ port, host, registry }));
    },
    stop: () => {
      stop();
    },
  };
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
