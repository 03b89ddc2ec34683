import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Millis } from '#shared/units.ts';
import type { Clock } from './clock.ts';
import { EXIT_FAILURE, StartError } from './start-error.ts';

/** What the directory counts: sums over everybody, told apart by kinds of requests and codes alone. */
export type Metrics = {
  /** A request of a circuit was answered; `code` is `none` or the error's. */
  requestAnswered(type: string, code: string, tookMs: Millis): void;
  /** Something was turned away; `where` is the part that did it, such as `link` or `circuit`. */
  refused(where: string, code: string): void;
};

/** What is asked when somebody reads the metrics. */
export type MetricsSources = {
  clock: Clock;
  links(): number;
  /** Links between nodes that are passed on. */
  passages(): number;
  /** Nodes that are present; undefined when their store does not say. */
  nodes(): Promise<number | undefined>;
  consensus(): { sequence: number; time: Millis } | undefined;
  /** Whether this process makes the consensus. */
  leads(): boolean;
  /** Names of all stores, and of those that are away. */
  stores: string[];
  away(): string[];
};

/** Where nobody reads metrics, nothing is counted. */
export const noMetrics: Metrics = { requestAnswered: () => undefined, refused: () => undefined };

const PREFIX = 'hourglass_';
const SECONDS = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 2.5, 5];

/** A label has one of few values, and none that could tell of anybody: words of small letters. */
const label = (value: string): string => (/^[a-z-]{1,32}$/.test(value) ? value : 'other');

export const createMetrics = (sources: MetricsSources): { metrics: Metrics; registry: Registry } => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  addGauges(registry, sources);
  const registers = [registry];
  const requests = new Counter({
    ...{ name: `${PREFIX}requests_total`, help: 'Requests of circuits by kind and code.', registers },
    labelNames: ['type', 'code'],
  });
  const seconds = new Histogram({
    ...{ name: `${PREFIX}request_seconds`, help: 'Time until a request was answered.', registers },
    ...{ labelNames: ['type'], buckets: SECONDS },
  });
  const refused = new Counter({
    ...{ name: `${PREFIX}refused_total`, help: 'What was turned away, by part and code.', registers },
    labelNames: ['where', 'code'],
  });
  const metrics: Metrics = {
    requestAnswered(type, code, tookMs) {
      requests.inc({ type: label(type), code: label(code) });
      seconds.observe({ type: label(type) }, tookMs / 1_000);
    },
    refused(where, code) {
      refused.inc({ where: label(where), code: label(code) });
    },
  };
  return { metrics, registry };
};

const addGauges = (registry: Registry, sources: MetricsSources): void => {
  const gauge = (name: string, help: string, read: () => Promise<number | undefined>): void => {
    new Gauge({
      ...{ name: `${PREFIX}${name}`, help, registers: [registry] },
      async collect() {
        this.set((await read().catch(() => undefined)) ?? NaN);
      },
    });
  };
  const { clock, consensus } = sources;
  gauge('links', 'WebSocket links of this process.', async () => sources.links());
  gauge('passages', 'Links between nodes that this process passes on.', async () => sources.passages());
  gauge('nodes', 'Nodes that are present at the directory.', () => sources.nodes());
  gauge('leader', '1 where this process makes the consensus.', async () => Number(sources.leads()));
  gauge('consensus_sequence', 'Number of the latest consensus.', async () => consensus()?.sequence);
  gauge('consensus_age_seconds', 'Age of the latest consensus.', async () => {
    const latest = consensus();
    return latest && (clock.now() - latest.time) / 1_000;
  });
  new Gauge({
    ...{ name: `${PREFIX}store_away`, help: '1 while a store does not answer.', registers: [registry] },
    labelNames: ['store'],
    collect() {
      const away = sources.away();
      for (const store of sources.stores) this.set({ store: label(store) }, Number(away.includes(store)));
    },
  });
};

export type MetricsServer = { port: number; stop(): void };

/** Serves GET /metrics and nothing else, on a port of its own. Throws `StartError` when it can't listen. */
export const startMetrics = async (options: {
  port: number;
  host: string;
  registry: Registry;
}): Promise<MetricsServer> => {
  const { port, host, registry } = options;
  const server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000 }, answer(registry));
  server.maxConnections = 16;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new StartError(
      `Metrics cannot be served on ${host}, port ${String(port)} (${code}). HG_METRICS_HOST and HG_METRICS_PORT set where.`,
      EXIT_FAILURE,
    );
  }
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
};

const answer =
  (registry: Registry): RequestListener =>
  (request, response) => {
    const refuse = (status: number): void => {
      response.writeHead(status, { Connection: 'close' }).end();
    };
    if (request.method !== 'GET') {
      refuse(405);
    } else if (request.url !== '/metrics') {
      refuse(404);
    } else {
      registry.metrics().then(
        (text) => response.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
        () => {
          refuse(500);
        },
      );
    }
  };
