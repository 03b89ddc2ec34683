import { beforeEach, describe, expect, it } from 'vitest';
import { decode } from '#shared/bytes/codec.ts';
import { presentation } from '#shared/contribution/statement.ts';
import { tokenKeysOf } from '#shared/contribution/tokens.ts';
import { evaluateBlinded } from '#shared/crypto/voprf.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import type { Consensus } from '#shared/directory/consensus.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Command } from '#shared/node/input.ts';
import { Contribution } from '#web/core/contribution/contribution.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import type { ProverTask, ProverWorker } from '#web/core/prover.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import { rngOf } from '#tests/shared/node/bench.ts';
import { consensusOf, idOf, seed } from '#tests/support/sample-network.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';
import { closedWith, EPOCH, plan, portsFrom } from './fixture.ts';

type Commit = Extract<Command, { type: 'commit' }>;

let clock: VirtualClock;
let store: Store;
let policy: Consensus['params']['policy'];
let relaying: boolean;
let commits: Commit[];
let asked: DirectoryRequest[];
let leaves: Uint8Array;
let tasks: ProverTask[];
let fetches: number[];
let carried: { circuits: number; bytes: number };
let core: Contribution;

const keysAt = (epoch: number) => tokenKeysOf(seed('directory'), epoch);

const answer = (request: DirectoryRequest): DirectoryResponse => {
  asked.push(request);
  if (request.type !== 'issue') return { type: 'ok' };
  const { evaluated, proof } = evaluateBlinded(keysAt(EPOCH + 1), request.blinded, rngOf(8));
  return { type: 'issued', epoch: EPOCH + 1, evaluated: [...evaluated], proof };
};

const network = {
  command: (command: Command) => void (command.type === 'commit' && commits.push(command)),
  ask: (_: string, request: DirectoryRequest) => Promise.resolve(answer(request)),
  askWithWork: (_: string, { request }: { request(work: number): DirectoryRequest }) =>
    Promise.resolve(answer(request(1))),
  fetchTwice: () => Promise.resolve([leaves, leaves]),
} as unknown as Network;

/** Proves at once. */
const prover = (): ProverWorker => {
  const worker: ProverWorker = {
    onmessage: null,
    onerror: null,
    postMessage: (order) => {
      if (order === 'fetch') {
        fetches.push(clock.now());
        return worker.onmessage?.({ data: { type: 'fetched' } });
      }
      tasks.push(order);
      const proved = { proof: new Uint8Array(256), nullifier: 5n };
      worker.onmessage?.({ data: { type: 'proved', proved } });
    },
    terminate: () => undefined,
  };
  return worker;
};

const open = async (started: (() => ProverWorker) | null = prover, seed = 1): Promise<Contribution> =>
  new Contribution({
    store,
    records: await store.all('contribution'),
    ports: portsFrom(clock, seed) as unknown as Host['ports'],
    network,
    prover: started ?? undefined,
    node: idOf('mine'),
    relaying: () => relaying,
    carried: () => ({ now: 2, total: carried }),
    changed: () => undefined,
  });

const list = (over: Partial<Consensus> = {}): Consensus => {
  const epoch = Math.floor(clock.now() / plan.epochMs);
  const known = consensusOf([]);
  const params = { ...known.params, epochMs: plan.epochMs, policy };
  return { ...known, epoch, params, tokenKey: keysAt(epoch).public, contributionEpoch: 0, ...over };
};
const hear = async (over: Partial<Consensus> = {}, on = core): Promise<void> => {
  on.onNode({ type: 'consensus', consensus: list(over) });
  await clock.pass(0);
};
/** A client that relayed through EPOCH, some time after its scores were fixed. */
const contributed = async (others = 9): Promise<void> => {
  await hear();
  const { root, leaves: all } = closedWith(others, [{ commitment: commits[0]?.commitment ?? 0n, score: 6 }]);
  leaves = all;
  await clock.pass(plan.epochMs);
  await hear({ contributionEpoch: EPOCH, contributionRoot: root });
  await clock.pass(0.7 * plan.epochMs);
};

beforeEach(async () => {
  clock = new VirtualClock(EPOCH * plan.epochMs + 1000);
  store = memoryStore();
  [policy, relaying, commits, asked, tasks, fetches] = ['enforce', true, [], [], [], []];
  carried = { circuits: 0, bytes: 0 };
  core = await open();
});

describe('contribution', () => {
  it('commits the node once to each epoch, while it relays', async () => {
    await hear();
    await hear();
    expect(commits.map(({ epoch }) => epoch)).toEqual([EPOCH]);
    await clock.pass(plan.epochMs);
    await hear();
    expect(commits.map(({ epoch }) => epoch)).toEqual([EPOCH, EPOCH + 1]);
    expect(commits[0]?.commitment).not.toBe(commits[1]?.commitment);
    relaying = false;
    await clock.pass(plan.epochMs);
    await hear();
    expect(commits).toHaveLength(2);
    relaying = true;
    core.switched();
    await clock.pass(0);
    expect(commits).toHaveLength(3);
  });

  it('commits to nothing where nothing counts, or nothing could be proved', async () => {
    policy = 'off';
    await hear();
    policy = 'enforce';
    await hear({}, await open(null));
    expect(commits).toEqual([]);
  });

  it('commits to the same after a reload', async () => {
    await hear();
    await hear({}, await open());
    expect(commits).toHaveLength(2);
    expect(commits[1]).toEqual(commits[0]);
  });

  it('proves once, and buys tokens with it', async () => {
    await contributed();
    expect(core.view()).toMatchObject({
      policy: 'enforce',
      proof: { epoch: { epoch: EPOCH }, stage: { kind: 'verified' } },
      tokens: 32,
      error: null,
    });
    await hear({ contributionEpoch: EPOCH });
    await clock.pass(plan.epochMs);
    expect([tasks.length, asked.length]).toEqual([1, 1]);
  });

  it('proves in a network that only observes too, and then spends nothing', async () => {
    policy = 'observe';
    await contributed();
    expect(core.view().tokens).toBe(32);
    await core.pay('lookup', { type: 'lookup', descriptorId: new Uint8Array(32) });
    expect([asked.at(-1)?.type, core.view().tokens]).toEqual(['lookup', 32]);
  });

  it('pays with what a proof bought, and with work before there is one', async () => {
    await hear();
    const publish = { type: 'lookup', descriptorId: new Uint8Array(32) } as const;
    clock = new VirtualClock((EPOCH + 1) * plan.epochMs + 1);
    core = await open();
    await hear();
    const paid = core.pay('lookup', publish);
    await clock.pass(0);
    await paid;
    expect(asked.map(({ type }) => type)).toEqual(['issue', 'paid']);
    expect(core.view().tokens).toBe(7);
  });

  it('refuses to prove among too few, and to speak of what it does not know', async () => {
    await contributed(5);
    expect(core.view().proof.stage).toEqual({ kind: 'crowd-too-small', crowd: 6, least: 8 });
    expect(tasks).toEqual([]);
    expect(await core.ticket(idOf('exit'), new Uint8Array(16))).toBeUndefined();
  });

  it('fetches what proving needs once, at a time that has nothing to do with a proof', async () => {
    const times = new Set<number>();
    for (let seed = 1; seed <= 5; seed++) {
      clock = new VirtualClock(EPOCH * plan.epochMs);
      fetches = [];
      core = await open(prover, seed);
      await hear();
      expect(fetches).toEqual([]);
      await clock.pass(plan.epochMs / 2);
      expect([fetches.length, tasks.length]).toEqual([1, 0]);
      times.add(fetches[0] ?? 0);
      await contributed();
      expect(fetches).toHaveLength(1);
      tasks = [];
      core.stop();
    }
    expect(times.size).toBe(5);
  });

  it('makes tickets once it qualified', async () => {
    const ask = (): Promise<Uint8Array | undefined> => core.ticket(idOf('exit'), new Uint8Array(16));
    expect(await ask()).toBeUndefined();
    await contributed();
    const ticket = await ask();
    expect(decode(presentation, ticket ?? new Uint8Array())).toMatchObject({ epoch: EPOCH, nullifier: 5n });
    expect(tasks).toHaveLength(2);
  });

  it('answers without a ticket where proving fails, and says why', async () => {
    await contributed();
    core.stop();
    expect(await core.ticket(idOf('exit'), new Uint8Array(16))).toBeUndefined();
  });

  it('remembers what went wrong last, and when', async () => {
    network.fetchTwice = () => Promise.reject(new RemoteError('timeout'));
    await contributed();
    const { error, proof } = core.view();
    expect(error?.code).toBe('timeout');
    expect(error?.at).toBeLessThanOrEqual(clock.now());
    expect(proof.stage.kind).toMatch(/waiting|failed/);
    network.fetchTwice = () => Promise.resolve([leaves, leaves]);
  });

  it('counts what was carried, by days', async () => {
    carried = { circuits: 3, bytes: 5000 };
    await clock.pass(30_000);
    expect(core.view().days).toMatchObject([{ circuits: 3, bytes: 5000 }]);
    carried = { circuits: 4, bytes: 6000 };
    core.stop();
    await clock.pass(0);
    expect((await open()).view().days).toMatchObject([{ circuits: 4, bytes: 6000 }]);
  });

  it('tells at once what was carried when relaying is switched', async () => {
    carried = { circuits: 2, bytes: 5_000 };
    expect(core.view().days).toEqual([]);
    core.switched();
    expect(core.view().days).toMatchObject([{ circuits: 2, bytes: 5_000 }]);
  });

  it('shows heartbeats and what an audit came to', () => {
    const result = { epoch: EPOCH - 1, tested: 0xfff, passed: 0b1, fault: 'unbuilt' } as const;
    core.onNode({ type: 'heartbeat', at: clock.now(), outcome: 'late', result });
    expect(core.view().heartbeats).toEqual([{ at: clock.now(), outcome: 'late' }]);
    expect(core.view().audit).toBeNull();
    core.onNode({ type: 'consensus', consensus: list() });
    expect(core.view().audit).toMatchObject({ passed: 1, tier: null, fault: 'unbuilt' });
  });
});
