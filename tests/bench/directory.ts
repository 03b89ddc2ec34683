import { readFileSync } from 'node:fs';
import { directoryAt } from '#tests/support/directory-peer.ts';
import { mongoServer, redisServer } from '#tests/support/stores.ts';
import { TestNetwork } from '#tests/support/test-network.ts';
import { Crowd, rateOf, type Kind, type Rate } from './directory-load.ts';
import { load } from './report.ts';

export type Setup = {
  name: string;
  servers: number;
  /** Redis and the MongoDB protocol; else in process and SQLite. */
  shared: boolean;
};

const setups: Setup[] = [
  { name: '1 process, embedded', servers: 1, shared: false },
  { name: '1 process, Redis and MongoDB', servers: 1, shared: true },
  { name: '3 processes, Redis and MongoDB', servers: 3, shared: true },
];

export type DirectorySize = { peers: number; nodes: number };
export const fullDirectory: DirectorySize = { peers: 100, nodes: 10_000 };
export const quickDirectory: DirectorySize = { peers: 60, nodes: 500 };

export type Measured = { setup: Setup; loadBefore: number; loadAfter: number; rates: Record<Kind, Rate> };

export type Memory = { nodes: number; beforeMiB: number; afterMiB: number; mibPerThousand: number };

export type DirectoryReport = { peers: number; measured: Measured[]; memory: Memory | null };

const kinds = ['heartbeats', 'signals', 'descriptor fetches', 'deposits'] as const;

/** No work and no token is asked, which would be the peers' own; nobody is audited; and there is room for them all. */
const roomy = {
  ...{ HG_ADMISSION_WORK_BITS: '0', HG_CONTRIBUTION: 'off', HG_LOCAL_AUDITOR: '0' },
  ...{ HG_MAX_LINKS: '20000', HG_LOG_LEVEL: 'error' },
};

/** Memory that could not be measured is left out, and `failed` is told why. */
export const measureDirectory = async (
  { peers, nodes }: DirectorySize,
  failed: (error: unknown) => null,
): Promise<DirectoryReport> => {
  const measured: Measured[] = [];
  for (const setup of setups)
    measured.push(await withNetwork(setup, (network) => measure(setup, network, peers)));
  const memory = await withNetwork(setups[0] as Setup, (network) => memoryOf(network, nodes)).catch(failed);
  return { peers, measured, memory };
};

const withNetwork = async <T>(
  { servers, shared }: Setup,
  work: (network: TestNetwork) => Promise<T>,
): Promise<T> => {
  const stores = shared ? await Promise.all([redisServer(), mongoServer()]) : undefined;
  const urls = stores && { HG_REDIS_URL: stores[0].url, HG_MONGODB_URL: stores[1].url };
  const network = await TestNetwork.start({ apart: true, servers, env: { ...roomy, ...urls } });
  try {
    return await work(network);
  } finally {
    await network.stop();
    await Promise.all(stores?.map((store) => store.stop()) ?? []);
  }
};

const measure = async (setup: Setup, network: TestNetwork, peers: number): Promise<Measured> => {
  const loadBefore = load();
  const crowd = new Crowd(await directoryAt(network.url));
  try {
    await crowd.open(peers);
    const registrations = await rateOf(network.pids, async () => {
      await crowd.register();
      return crowd.size;
    });
    await crowd.listen();
    const rates = { registrations } as Record<Kind, Rate>;
    for (const kind of kinds) rates[kind] = await rateOf(network.pids, () => crowd.load(kind));
    return { setup, loadBefore, loadAfter: load(), rates };
  } finally {
    crowd.close();
  }
};

/** Of one process, of which each node has a link, a circuit, a presence and a route. */
const memoryOf = async (network: TestNetwork, nodes: number): Promise<Memory | null> => {
  const [pid] = network.pids;
  const beforeMiB = residentMiB(pid);
  if (beforeMiB === undefined) return null;
  const crowd = new Crowd(await directoryAt(network.url));
  try {
    await crowd.open(nodes);
    await crowd.register();
    const afterMiB = residentMiB(pid) ?? NaN;
    return { nodes, beforeMiB, afterMiB, mibPerThousand: ((afterMiB - beforeMiB) / nodes) * 1_000 };
  } finally {
    crowd.close();
  }
};

/** VmRSS of /proc/PID/status (proc(5)), which is in kB; undefined without a /proc. */
const residentMiB = (pid: number | undefined): number | undefined => {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
  } catch {
    return undefined;
  }
};

export const directoryTable = ({ peers, measured, memory }: DirectoryReport): string => {
  const heads = ['', ...measured.map(({ setup }) => setup.name)];
  const cell = ({ perSecond, serverCpuMs }: Rate): string =>
    `${perSecond.toFixed(0)}/s, ${serverCpuMs === null ? '–' : serverCpuMs.toFixed(2)} ms`;
  const rows = (['registrations', ...kinds] as const).map((kind) => [
    kind,
    ...measured.map(({ rates }) => cell(rates[kind])),
  ]);
  const loads = ['load before, after'].concat(
    measured.map(({ loadBefore, loadAfter }) => `${loadBefore.toFixed(2)}, ${loadAfter.toFixed(2)}`),
  );
  const all = [heads, ...rows, loads];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const lines = all.map((row) => row.map((each, i) => each.padEnd(widths[i] ?? 0)).join('  '));
  const kept = memory
    ? `memory of one process: ${memory.beforeMiB.toFixed(0)} MiB, with ${String(memory.nodes)} nodes ${memory.afterMiB.toFixed(0)} MiB: ${memory.mibPerThousand.toFixed(1)} MiB per 1,000 nodes`
    : 'memory: not measured here';
  return [
    `the directory under ${String(peers)} peers that share its machine: rate, and CPU of all server processes for one`,
    '',
    ...lines,
    kept,
  ].join('\n');
};
