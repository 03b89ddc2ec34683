import { performance } from 'node:perf_hooks';
import { stopwatch, type Cpu } from './cpu.ts';
import type { BenchNetwork } from './network.ts';

export type Figure = 'build' | 'roundtrip' | 'throughput';
export const figures: Figure[] = ['build', 'roundtrip', 'throughput'];

/** How much is measured. */
export type Size = {
  builds: number;
  echoes: number;
  messages: number;
  bytes: number;
  /** What has not arrived after this long is not waited for. */
  limitMs: number;
};

export const full: Size = { builds: 40, echoes: 100, messages: 40, bytes: 16_000_000, limitMs: 45_000 };
export const quick: Size = { builds: 10, echoes: 20, messages: 8, bytes: 3_000_000, limitMs: 10_000 };

export type Spread = { count: number; medianMs: number; p95Ms: number; leastMs: number; mostMs: number };

export type Results = {
  /** A circuit of three hops, links up; `failed` were tried in vain and are not counted. */
  build?: Spread & { failed: number };
  /** A one-cell message to the contact through six relays and back by the same way. */
  echo?: Spread;
  /** From `send` to "delivered", encryption and storage included. */
  delivered?: Spread;
  throughput?: {
    bytes: number;
    seconds: number;
    megabytesPerSecond: number;
    /** Distinct relays among the six. */
    relays: number;
    cpuMsPerMegabyte: Cpu<number | null> & { all: number | null };
  };
};

/** Circuits that are built before it is counted, so that every link among the relays is up. */
const WARM_BUILDS = 8;

const MESSAGE_BYTES = 64 * 1024;

/** A figure that could not be measured is left out, and `failed` is told why. */
export const measure = async (
  network: BenchNetwork,
  wanted: readonly Figure[],
  size: Size,
  failed: (figure: Figure, error: unknown) => void,
): Promise<Results> => {
  const results: Results = {};
  const attempt = async (figure: Figure, run: () => Promise<void>): Promise<void> => {
    if (wanted.includes(figure)) await run().catch((error: unknown) => failed(figure, error));
  };
  await attempt('build', async () => {
    const { ms, failed: vain } = await network.caller.call('builds', size.builds, WARM_BUILDS);
    results.build = { ...spreadOf(ms), failed: vain };
  });
  let joined: Joined | undefined;
  await attempt('roundtrip', async () => {
    joined = await join(network);
    results.echo = spreadOf(await network.caller.call('echoes', joined.channel, size.echoes));
    results.delivered = spreadOf(await deliveries(network, size.messages));
  });
  await attempt('throughput', async () => {
    results.throughput = await throughput(network, joined ?? (await join(network)), size);
  });
  return results;
};

type Joined = { channel: number; relays: number };

const join = async ({ caller, callee }: BenchNetwork): Promise<Joined> => {
  const inbox = await callee.call('openInbox');
  const { channel, path } = await caller.call('connect', inbox);
  // The callee's exit is the fourth hop of the caller's circuit and the last of its own.
  const relays = new Set([...path, ...(await callee.call('path'))]).size;
  return { channel, relays };
};

const deliveries = async ({ caller, callee }: BenchNetwork, count: number): Promise<number[]> => {
  await Promise.all([caller.call('openClient', 'Caller'), callee.call('openClient', 'Callee')]);
  const conversation = await caller.call('accept', await callee.call('invite'));
  return caller.call('deliveries', conversation, count);
};

const throughput = async (
  { caller, callee, pids }: BenchNetwork,
  { channel, relays }: Joined,
  { bytes: wanted, limitMs }: Size,
): Promise<NonNullable<Results['throughput']>> => {
  const spent = stopwatch(pids);
  const startedAt = performance.now();
  const received = callee.call('receive', wanted, limitMs);
  const sent = caller.call('send', channel, wanted, MESSAGE_BYTES);
  sent.catch(() => undefined);
  const bytes = await received;
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = spent();
  const perMegabyte = (ms: number | undefined): number | null =>
    ms === undefined ? null : (ms * 1e6) / bytes;
  const parts = Object.values(cpu);
  const all = parts.includes(undefined) ? undefined : parts.reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
  const { server, relays: relaying, clients } = cpu;
  return {
    bytes,
    seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    relays,
    cpuMsPerMegabyte: {
      server: perMegabyte(server),
      relays: perMegabyte(relaying),
      clients: perMegabyte(clients),
      all: perMegabyte(all),
    },
  };
};

/** Percentiles by the nearest rank. */
export const spreadOf = (times: readonly number[]): Spread => {
  const sorted = times.toSorted((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { count: sorted.length, medianMs: rank(0.5), p95Ms: rank(0.95), leastMs: rank(0), mostMs: rank(1) };
};
