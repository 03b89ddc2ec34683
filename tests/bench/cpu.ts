import { readFileSync, readdirSync } from 'node:fs';

/** The unit of CPU times in /proc, which Linux fixes at 100 a second for programs. */
const TICK_MS = 10;

/** Fields of /proc/PID/stat counted after the program's name in parentheses (proc(5)): parent, then CPU times. */
const PARENT = 1;
const USER = 11;
const SYSTEM = 12;

type Stat = { parent: number; cpuMs: number };

const statOf = (pid: number): Stat | undefined => {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const ticks = (fields[USER] ?? 0) + (fields[SYSTEM] ?? 0);
    return { parent: fields[PARENT] ?? 0, cpuMs: ticks * TICK_MS };
  } catch {
    return undefined;
  }
};

/** CPU time so far of these processes and all below them, in ms with a grain of 10; undefined without a /proc. */
export const cpuOfTrees = (roots: readonly number[]): number | undefined => {
  const stats = allStats();
  if (!stats) return undefined;
  const belongs = (pid: number): boolean => {
    if (roots.includes(pid)) return true;
    const parent = stats.get(pid)?.parent ?? 0;
    return parent > 1 && belongs(parent);
  };
  let sum = 0;
  for (const [pid, { cpuMs }] of stats) if (belongs(pid)) sum += cpuMs;
  return sum;
};

const allStats = (): Map<number, Stat> | undefined => {
  if (!statOf(process.pid)) return undefined;
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? statOf(pid) : undefined;
    if (stat) stats.set(pid, stat);
  }
  return stats;
};

/** CPU time by party, named as in the report. */
export type Cpu<T> = { server: T; relays: T; clients: T };

/** Measures what each party spends until the returned function is called. */
export const stopwatch = (pids: Cpu<number[]>): (() => Cpu<number | undefined>) => {
  const read = (): Cpu<number | undefined> => ({
    server: cpuOfTrees(pids.server),
    relays: cpuOfTrees(pids.relays),
    clients: cpuOfTrees(pids.clients),
  });
  const before = read();
  const spent = (from: number | undefined, to: number | undefined): number | undefined =>
    from === undefined || to === undefined ? undefined : to - from;
  return () => {
    const after = read();
    return {
      server: spent(before.server, after.server),
      relays: spent(before.relays, after.relays),
      clients: spent(before.clients, after.clients),
    };
  };
};
