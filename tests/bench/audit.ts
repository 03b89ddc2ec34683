import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { epochPlan, SLOTS } from '#shared/contribution/epochs.ts';
import { SEED_LENGTH, slotPlan } from '#shared/contribution/plan.ts';
import { CELL_LENGTH } from '#shared/cell/geometry.ts';
import type { NodeId } from '#shared/units.ts';
import { systemRng } from '#relay/host.ts';
import { stopwatch } from './cpu.ts';
import type { LoopTask } from './endpoint.ts';
import { BenchNetwork } from './network.ts';

export type AuditParty = 'auditor' | 'relays' | 'server';

/** Loops of an auditor that run all at once. What the network spends when idle is taken off. */
export type Audit = {
  relays: number;
  loops: number;
  outcomes: Record<string, number>;
  spanMs: number;
  /** In and out of the auditor. On its whole way a cell of a loop crosses seven links, two of them the auditor's. */
  cellsALoop: number;
  bytesALoop: number;
  cpuMsALoop: Record<AuditParty, number | null>;
  /** What each spent while no loop ran. */
  idleCpuMsASecond: Record<AuditParty, number | null>;
};

export type AuditSize = { loops: number; epochMs: number; idleMs: number };
export const fullAudit: AuditSize = { loops: 60, epochMs: 3_600_000, idleMs: 20_000 };
export const quickAudit: AuditSize = { loops: 24, epochMs: 60_000, idleMs: 5_000 };

const RELAYS = 8;
/** So that links and code are warm. */
const WARM_EPOCH_MS = 60_000;
const WARM_LOOPS = 12;

export const measureAudit = async ({ loops, epochMs, idleMs }: AuditSize): Promise<Audit> => {
  const network = await BenchNetwork.start({ kind: 'headless', relays: RELAYS });
  try {
    const ids = (await network.nodes()).slice(0, RELAYS);
    const { caller } = network;
    await caller.call('loops', planned(ids, WARM_EPOCH_MS).slice(0, WARM_LOOPS));
    const idle = await measured(network, () => sleep(idleMs));
    const tasks = planned(ids, epochMs).slice(0, loops);
    let outcomes: string[] = [];
    const busy = await measured(network, async () => {
      outcomes = await caller.call('loops', tasks);
    });
    const share = busy.ms / idle.ms;
    const cpuOf = (party: AuditParty): number | null => {
      const [spent, spared] = [busy.cpuMs[party], idle.cpuMs[party]];
      return spent === undefined || spared === undefined ? null : (spent - share * spared) / tasks.length;
    };
    const idleOf = (party: AuditParty): number | null => {
      const spared = idle.cpuMs[party];
      return spared === undefined ? null : (spared * 1_000) / idle.ms;
    };
    const bytesALoop = (busy.bytes - share * idle.bytes) / tasks.length;
    return {
      ...{ relays: RELAYS, loops: tasks.length, outcomes: countOf(outcomes), bytesALoop },
      spanMs: tasks.reduce((sum, { spanMs }) => sum + spanMs, 0) / tasks.length,
      cellsALoop: bytesALoop / CELL_LENGTH,
      cpuMsALoop: { auditor: cpuOf('auditor'), relays: cpuOf('relays'), server: cpuOf('server') },
      idleCpuMsASecond: { auditor: idleOf('auditor'), relays: idleOf('relays'), server: idleOf('server') },
    };
  } finally {
    await network.stop();
  }
};

type Spent = { ms: number; bytes: number; cpuMs: Record<AuditParty, number | undefined> };

const measured = async ({ caller, pids }: BenchNetwork, work: () => Promise<void>): Promise<Spent> => {
  const before = await caller.call('traffic');
  const spent = stopwatch({ ...pids, clients: [caller.pid] });
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  const { server, relays, clients } = spent();
  const bytes = (await caller.call('traffic')) - before;
  return { ms, bytes, cpuMs: { auditor: clients, relays, server } };
};

/** An epoch's loops of these nodes, to be run all at once. */
const planned = (nodes: readonly NodeId[], epochMs: number): LoopTask[] => {
  const seed = systemRng(SEED_LENGTH);
  return Array.from({ length: SLOTS }, (_, slot) =>
    slotPlan({ seed, epoch: 1, slot }, nodes, epochPlan(epochMs)),
  )
    .flat()
    .map(({ targets, spanMs }) => ({ targets, spanMs, lingerMs: 0 }));
};

const countOf = (outcomes: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const each of outcomes) counts[each] = (counts[each] ?? 0) + 1;
  return counts;
};
