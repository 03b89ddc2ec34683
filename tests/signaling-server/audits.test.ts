import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { fieldBytes } from '#shared/contribution/field.ts';
import { auditCommitment, loopCount } from '#shared/contribution/plan.ts';
import { epochReportCodec, recompute, type EpochReport } from '#shared/contribution/report.ts';
import { slotsIn } from '#shared/contribution/scores.ts';
import { TreeBuilder, type Entry } from '#shared/contribution/tree.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import { readConsensus } from '#shared/directory/consensus.ts';
import { outcomesCodec } from '#server/services/audit-documents.ts';
import type { DocumentRecord } from '#server/stores/ports.ts';
import {
  ALL_SLOTS,
  auditorKeys,
  epochs,
  failing,
  options,
  refOf,
  SETTLE_MS,
  SimAuditor,
  toNextEpoch,
  work,
} from './auditing.ts';
import { beaten, DirectoryFixture, type Client } from './directory-fixture.ts';

const NODES = 10;
const EMPTY = new Uint8Array(32);

let folder: string;
let one: DirectoryFixture;
let two: DirectoryFixture;
let running: DirectoryFixture[];

const begin = async (fixture: DirectoryFixture): Promise<DirectoryFixture> => {
  await fixture.directory.start();
  running.push(fixture);
  return fixture;
};

const end = async (fixture: DirectoryFixture): Promise<void> => {
  running = running.filter((each) => each !== fixture);
  await fixture.directory.stop();
};

const beside = (process: 0 | 1): DirectoryFixture =>
  new DirectoryFixture('', options(process), undefined, one);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-audits-'));
  running = [];
  one = await begin(new DirectoryFixture(join(folder, 'archive.sqlite'), options(0)));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const fixture of [...running].reverse()) await end(fixture);
  await one.archive.close();
  rmSync(folder, { recursive: true });
});

const join10 = async (fixture = one, count = NODES): Promise<Client[]> => {
  const nodes = Array.from({ length: count }, (_, i) => fixture.client(10 + i));
  for (const node of nodes) expect(await node.register()).toEqual({ type: 'ok' });
  return nodes;
};

/** Each commits itself to its own number from 1,000 on. */
const commit = async (nodes: Client[], counter = 0): Promise<void> => {
  for (const [i, node] of nodes.entries()) await node.beat(counter, undefined, BigInt(1_000 + i));
};

const now = (): number => one.clock.now();
const epoch = (): number => Math.floor(now() / epochs.epochMs);
const documents = (prefix = ''): Promise<DocumentRecord[]> => one.archive.documents(prefix, now());

const ask = (request: DirectoryRequest, fixture = one): Promise<DirectoryResponse> =>
  fixture.client(201).ask(request);

const leavesOf = async (of: number, fixture = one): Promise<Entry[]> => {
  const answer = await ask({ type: 'leaves', epoch: of }, fixture);
  if (answer.type !== 'leaves') throw new Error(JSON.stringify(answer));
  return answer.entries;
};

const reportOf = async (of: number, fixture = one): Promise<EpochReport> => {
  const answer = await ask({ type: 'report', epoch: of }, fixture);
  if (answer.type !== 'report') throw new Error(JSON.stringify(answer));
  return decode(epochReportCodec, answer.bytes);
};

/** What the report gives to the nodes that committed themselves. */
const entriesFrom = (report: EpochReport, nodes: Client[]): Entry[] =>
  nodes.flatMap(({ id }, i) => {
    const tier = recompute(report)[report.nodes.indexOf(id)]?.tier;
    return tier === undefined ? [] : [{ commitment: BigInt(1_000 + i), score: tier }];
  });

const auditor = (fixture: DirectoryFixture, process: 0 | 1, bad?: Client): SimAuditor =>
  new SimAuditor(fixture, auditorKeys[process], bad && failing(bad.id));

describe('an epoch of two processes', () => {
  beforeEach(async () => {
    two = await begin(beside(1));
  });

  it('has each loop of its plan once, and ends with scores that follow from the report', async () => {
    const nodes = await join10();
    const bad = nodes[3] as Client;
    const auditors = [auditor(one, 0, bad), auditor(two, 1, bad)] as const;
    const first = epoch();
    await toNextEpoch(one, -1_000, ...auditors);
    expect(auditors.map(({ tasks }) => tasks)).toEqual([[], []]);
    const plan = one.consensus.auditPlan;
    await toNextEpoch(one, 0, ...auditors);

    await commit(nodes);
    await toNextEpoch(one, 0, ...auditors);
    const audited = auditors.flatMap(({ tasks }) => tasks).filter((task) => task.epoch === first + 1);
    expect(new Set(audited.map(refOf)).size).toBe(audited.length);
    expect(audited).toHaveLength(12 * loopCount(NODES));
    for (const { tasks } of auditors) expect(tasks.length).toBeGreaterThan(0);
    expect(await ask({ type: 'report', epoch: first + 1 })).toEqual({ type: 'error', code: 'not-found' });

    await work(one, SETTLE_MS + 5_000, ...auditors);
    const report = await reportOf(first + 1, two);
    expect(auditCommitment(report.epoch, report.seed)).toEqual(plan);
    expect(report.nodes).toEqual(nodes.map(({ id }) => id).sort());
    const leaves = await leavesOf(first + 1, two);
    expect(leaves).toEqual(entriesFrom(report, nodes));
    expect(leaves.map(({ commitment }) => commitment)).not.toContain(1_003n);
    expect(leaves).toHaveLength(NODES - 1);
    for (const fixture of [one, two]) {
      expect(fixture.consensus.contributionEpoch).toBe(first + 1);
      expect(fixture.consensus.contributionRoot).toEqual(fieldBytes(new TreeBuilder(leaves).finish().root));
    }
  });

  it('ends at each with what its nodes are told of themselves', async () => {
    const nodes = [...(await join10(one, 5)), ...(await join10(two, NODES)).slice(5)];
    const bad = nodes[7] as Client;
    const auditors = [auditor(one, 0, bad), auditor(two, 1, bad)] as const;
    await toNextEpoch(one, 0);
    const audited = epoch();
    await commit(nodes);
    expect(await bad.beat(1)).toEqual(beaten);
    await toNextEpoch(one, SETTLE_MS + 5_000, ...auditors);
    expect(await bad.beat(2)).toEqual({
      ...beaten,
      ...{ epoch: audited, tested: ALL_SLOTS, passed: 0, fault: 'lost' },
    });
    const good = await nodes[0]?.beat(2);
    expect(good).toMatchObject({ type: 'beat', epoch: audited, tested: ALL_SLOTS, fault: undefined });
    expect(slotsIn(good?.type === 'beat' ? good.passed : 0)).toBeGreaterThanOrEqual(9);
    expect(await two.client(77).register()).toEqual({ type: 'ok' });
  });

  it('goes on when its leader dies', async () => {
    const nodes = await join10(two);
    await toNextEpoch(one, 0);
    const audited = epoch();
    await commit(nodes);
    const other = auditor(two, 1);
    await work(one, 20_000, other);
    const lead = one.live.lead.bind(one.live);
    vi.spyOn(one.live, 'lead').mockImplementation((process, ...rest) =>
      process === 'one' ? Promise.reject(new Error('frozen')) : lead(process, ...rest),
    );
    await toNextEpoch(one, 0, other);
    expect(two.directory.leads).toBe(true);
    await work(one, SETTLE_MS + 5_000, other);
    const report = await reportOf(audited, two);
    // While nobody led for a little more than a slot, one had no loops.
    const tested = report.slots.filter((slot) => slot.nodes.length === NODES);
    expect(tested.length).toBeGreaterThanOrEqual(10);
    expect(await leavesOf(audited)).toEqual(entriesFrom(report, nodes));
    expect(two.consensus.contributionEpoch).toBe(audited);
  });

  it('counts nothing of the loops that a process took with it', async () => {
    const nodes = await join10();
    await toNextEpoch(one, 0);
    const audited = epoch();
    await commit(nodes);
    const dying = auditor(two, 1);
    await work(one, epochs.slotMs, dying);
    // It has told of all but those of its last poll.
    await one.clock.pass(3_500);
    const lost = await dying.take();
    expect(lost.length).toBeGreaterThan(0);
    await end(two);
    await toNextEpoch(one, SETTLE_MS + 5_000, auditor(one, 0));
    const report = await reportOf(audited);
    for (const { slot, loop } of lost) expect(report.slots[slot]?.outcomes[loop]).toEqual({ kind: 'unrun' });
    expect(await leavesOf(audited)).toHaveLength(NODES);
  });

  it('is closed by the first of two that both take themselves for the leader', async () => {
    const put = one.archive.putDocument.bind(one.archive);
    const stored: string[] = [];
    vi.spyOn(one.archive, 'putDocument').mockImplementation(async (document) => {
      const first = await put(document);
      if (/^(epoch|report|plan|slot)/.test(document.id)) stored.push(`${document.id} ${String(first)}`);
      return first;
    });
    vi.spyOn(one.live, 'lead').mockResolvedValue(9);
    await commit(await join10());
    await toNextEpoch(one, 0);
    const audited = epoch();
    await toNextEpoch(one, SETTLE_MS + 5_000, auditor(one, 0));
    for (const id of [`epoch/${String(audited)}`, `report/${String(audited)}`])
      expect(stored.filter((each) => each === `${id} true`)).toHaveLength(1);
    expect(two.consensus.contributionRoot).toEqual(one.consensus.contributionRoot);
    expect(one.consensus.contributionEpoch).toBe(audited);
  });
});

describe('a directory that starts again', () => {
  it('goes on with the loops that it had not handed out, and forgets which auditor has one', async () => {
    const nodes = await join10();
    await toNextEpoch(one, 0);
    const audited = epoch();
    await commit(nodes);
    const before = auditor(one, 0);
    await work(one, 22_000, before);
    await end(one);
    const again = await begin(beside(0));
    const after = auditor(again, 0);
    await after.take(64, before.done(before.tasks));
    await toNextEpoch(again, SETTLE_MS + 5_000, after);
    const refs = [...before.tasks, ...after.tasks].filter((task) => task.epoch === audited).map(refOf);
    expect(new Set(refs).size).toBe(refs.length);
    expect(refs).toHaveLength(12 * loopCount(NODES));
    const report = await reportOf(audited, again);
    const unrun = report.slots.flatMap(({ outcomes }) => outcomes.filter(({ kind }) => kind === 'unrun'));
    expect(unrun.length).toBeGreaterThan(0);
    expect(unrun.length).toBeLessThan(loopCount(NODES));
    expect(await leavesOf(audited, again)).toEqual(entriesFrom(report, nodes));
  });

  it('knows the last closed epoch from its first consensus on, and what came of it', async () => {
    const nodes = await join10();
    await toNextEpoch(one, 0);
    const audited = epoch();
    await commit(nodes);
    await toNextEpoch(one, SETTLE_MS + 5_000, auditor(one, 0));
    const { contributionRoot } = one.consensus;
    await end(one);
    // There is a plan of an epoch in which nobody was audited.
    await one.clock.pass(3.5 * epochs.epochMs);
    const stated: unknown[] = [];
    const append = one.archive.appendConsensus.bind(one.archive);
    vi.spyOn(one.archive, 'appendConsensus').mockImplementation((record) => {
      const { contributionEpoch, contributionRoot: root } = readConsensus(record.bytes).verify({});
      stated.push([contributionEpoch, root]);
      return append(record);
    });
    const again = await begin(beside(0));
    await again.clock.pass(5_000);
    expect(stated[0]).toEqual([audited, contributionRoot]);
    const node = again.client(10);
    await node.register();
    expect(await node.beat(0)).toMatchObject({ type: 'beat', epoch: audited, tested: ALL_SLOTS });
  });
});

it('an epoch that ended while no process ran is closed in the next one', async () => {
  const nodes = await join10();
  await toNextEpoch(one, 0);
  const audited = epoch();
  await commit(nodes);
  await work(one, epochs.epochMs - 1_000, auditor(one, 0));
  await end(one);
  await one.clock.pass(1.9 * epochs.epochMs);
  const again = await begin(beside(0));
  await again.clock.pass(3_000);
  expect(again.consensus.contributionEpoch).toBe(audited);
  expect(await leavesOf(audited, again)).toEqual(entriesFrom(await reportOf(audited, again), nodes));
  expect(await leavesOf(audited, again)).toHaveLength(NODES);
});

it('the scores of an epoch follow from the report that came first', async () => {
  const nodes = await join10();
  await toNextEpoch(one, 0);
  const audited = epoch();
  await commit(nodes);
  const put = one.archive.putDocument.bind(one.archive);
  vi.spyOn(one.archive, 'putDocument').mockImplementation(async (document) => {
    if (!document.id.startsWith('report/')) return put(document);
    // Another process, which has read fewer outcomes, is faster.
    const { slots, ...report } = decode(epochReportCodec, document.bytes);
    const fewer = slots.map((slot, at) =>
      at < 6 ? slot : { ...slot, outcomes: slot.outcomes.map(() => ({ kind: 'unrun' as const })) },
    );
    await put({ ...document, bytes: encode(epochReportCodec, { ...report, slots: fewer }) });
    return put(document);
  });
  await toNextEpoch(one, SETTLE_MS + 5_000, auditor(one, 0));
  const leaves = await leavesOf(audited);
  expect(leaves).toEqual(entriesFrom(await reportOf(audited), nodes));
  expect(new Set(leaves.map(({ score }) => score))).toEqual(new Set([6]));
});

describe('after the close', () => {
  it('nothing that comes changes what was stored', async () => {
    const nodes = await join10();
    await toNextEpoch(one, 0);
    const audited = epoch();
    await commit(nodes);
    const late = auditor(one, 0);
    await work(one, epochs.epochMs - epochs.slotMs, late);
    await one.clock.pass(0.75 * epochs.slotMs);
    const held = await late.take();
    expect(held).toHaveLength(loopCount(NODES));
    await toNextEpoch(one, SETTLE_MS + 5_000);
    const fixed = [...(await documents('epoch/')), ...(await documents('report/'))];
    expect(fixed).toHaveLength(2);
    const told = (await documents(`outcomes/${String(audited)}/`)).length;
    await late.take(0, late.done(held));
    expect(await documents(`outcomes/${String(audited)}/`)).toHaveLength(told);
    await one.archive.putDocument({
      id: `outcomes/${String(audited)}/0/late`,
      bytes: encode(outcomesCodec, [{ loop: 0, outcome: { kind: 'unrun' } }]),
      expires: now() + epochs.epochMs,
    });
    const latecomer = one.client(99);
    await latecomer.register();
    await latecomer.beat(0, audited, 5n);
    await one.clock.pass(10_000);
    expect([...(await documents('epoch/')), ...(await documents('report/'))]).toEqual(fixed);
  });

  it('what led to it goes after three epochs, and its scores stay for a day of hours', async () => {
    await commit(await join10());
    await toNextEpoch(one, 0);
    const audited = String(epoch());
    await toNextEpoch(one, SETTLE_MS + 5_000, auditor(one, 0));
    await end(one);
    await one.clock.pass(3 * epochs.epochMs);
    for (const kind of ['plan', 'slot', 'outcomes', 'commitment'])
      expect(await documents(`${kind}/${audited}`)).toEqual([]);
    await one.clock.pass(20 * epochs.epochMs);
    for (const kind of ['epoch', 'report']) expect(await documents(`${kind}/${audited}`)).toHaveLength(1);
    await one.clock.pass(3 * epochs.epochMs);
    expect(await documents()).toEqual([]);
  });
});

describe('commitments', () => {
  it('are the first of a node and epoch, written once, of epochs that are now', async () => {
    const [node] = await join10(one, 1);
    if (!node) throw new Error('no node');
    await toNextEpoch(one, 1_000);
    const put = vi.spyOn(one.archive, 'putDocument');
    await node.beat(0, epoch(), 7n);
    await node.beat(1, epoch(), 8n);
    // One epoch ended lately, the other does not begin soon.
    await node.beat(2, epoch() - 1, 9n);
    await node.beat(3, epoch() + 1, 10n);
    const id = (of: number): string => `commitment/${String(of)}/${node.id}`;
    const written = put.mock.calls
      .map(([document]) => document)
      .filter(({ id: each }) => each.startsWith('com'));
    expect(written.map(({ id: each, bytes }) => [each, bytes])).toEqual([
      [id(epoch()), fieldBytes(7n)],
      [id(epoch() - 1), fieldBytes(9n)],
    ]);
  });

  it('of several nodes that are the same give one entry, with the best of their scores', async () => {
    const nodes = Array.from({ length: NODES }, (_, i) => one.client(10 + i)).sort((a, b) =>
      a.id < b.id ? -1 : 1,
    );
    // Two come in the middle of the epoch; of each of them another one tells the same, before it or after it.
    const late = [nodes[1], nodes[8]] as Client[];
    for (const node of nodes) if (!late.includes(node)) await node.register();
    await toNextEpoch(one, 0);
    const audited = epoch();
    const all = auditor(one, 0);
    await work(one, 6 * epochs.slotMs, all);
    for (const node of late) await node.register();
    const told = [5n, 5n, ...[2, 3, 4, 5, 6, 7].map((i) => BigInt(1_000 + i)), 6n, 6n];
    for (const [i, node] of nodes.entries()) await node.beat(0, undefined, told[i]);
    await toNextEpoch(one, SETTLE_MS + 5_000, all);
    const report = await reportOf(audited);
    const tierOf = (node: Client): unknown => recompute(report)[report.nodes.indexOf(node.id)]?.tier;
    for (const node of late) expect([3, 6]).toContain(tierOf(node));
    const leaves = await leavesOf(audited);
    expect(leaves.slice(0, 2)).toEqual([5n, 6n].map((commitment) => ({ commitment, score: 12 })));
    expect(leaves).toHaveLength(NODES - 2);
  });

  it('that cannot be stored do not cost a node its place', async () => {
    const [node] = await join10(one, 1);
    vi.spyOn(one.archive, 'putDocument').mockRejectedValueOnce(new Error('away'));
    expect(await node?.beat(0, undefined, 7n)).toEqual(beaten);
    await node?.beat(1, undefined, 7n);
    expect(await documents('commitment/')).toHaveLength(1);
  });
});

describe('an auditor', () => {
  beforeEach(async () => {
    await join10();
    await toNextEpoch(one, 0);
  });

  it('is served with a key that this process knows, and its signature', async () => {
    const known = auditor(one, 0);
    const request = known.request(4);
    expect(await auditor(one, 1).ask(auditor(one, 1).request(4))).toEqual({ type: 'error', code: 'refused' });
    expect(await known.ask({ ...request, room: 5 } as DirectoryRequest)).toEqual({
      type: 'error',
      code: 'bad-signature',
    });
    expect(await ask(request)).toEqual({ type: 'error', code: 'bad-signature' });
    expect(await known.ask(request)).toMatchObject({ type: 'loops' });
  });

  it('takes no more than it has room for, nothing before it is due, nothing of a slot that is over', async () => {
    const all = auditor(one, 0);
    expect(await all.take()).toEqual([]);
    await one.clock.pass(0.75 * epochs.slotMs);
    expect(await all.take(0)).toEqual([]);
    expect(await all.take(2)).toHaveLength(2);
    expect((await all.take()).length).toBe(loopCount(NODES) - 2);
    await one.clock.pass(0.75 * epochs.slotMs);
    // Of the slot after that, up to its middle.
    const next = await all.take();
    expect(next.length).toBeGreaterThan(3);
    expect(next.length).toBeLessThan(loopCount(NODES));
    // The rest of it is never seen.
    await one.clock.pass(0.75 * epochs.slotMs);
    expect(new Set((await all.take()).map(({ slot }) => slot))).toEqual(new Set([2]));
  });

  it('is believed of loops that it was given, once', async () => {
    const all = auditor(one, 0);
    await one.clock.pass(0.75 * epochs.slotMs);
    const [first, second, third] = all.done(await all.take(3));
    if (!first || !second || !third) throw new Error('no loops');
    await all.take(0, [
      first,
      { ...second, loop: 60_000 },
      { ...second, slot: 255 },
      { ...second, epoch: 1 },
    ]);
    await all.take(0, [{ ...first, outcome: { kind: 'unrun' } }, second]);
    const told = (await documents('outcomes/')).map(({ bytes }) => decode(outcomesCodec, bytes));
    const both = [first, second].map(({ loop, outcome }) => [{ loop, outcome }]);
    expect(told).toHaveLength(2);
    expect(told).toEqual(expect.arrayContaining(both));
  });

  it('may tell again what could not be stored, and claim again what could not be claimed', async () => {
    const all = auditor(one, 0);
    await one.clock.pass(0.75 * epochs.slotMs);
    const away = new Error('away');
    const claim = vi.spyOn(one.live, 'claim').mockRejectedValue(away);
    expect(await all.take()).toEqual([]);
    claim.mockRestore();
    const loops = await all.take();
    expect(loops).toHaveLength(loopCount(NODES));
    vi.spyOn(one.archive, 'putDocument').mockRejectedValueOnce(away);
    expect(await all.ask(all.request(1, all.done(loops)))).toMatchObject({ type: 'error' });
    await all.take(0, all.done(loops));
    const [told] = await documents('outcomes/');
    expect(decode(outcomesCodec, told?.bytes ?? EMPTY)).toHaveLength(loops.length);
  });
});

describe('audits', () => {
  it('go on when the archive is back', async () => {
    await join10();
    await toNextEpoch(one, 0);
    const document = vi.spyOn(one.archive, 'document').mockRejectedValue(new Error('away'));
    await one.clock.pass(3 * epochs.slotMs);
    document.mockRestore();
    const all = auditor(one, 0);
    await work(one, 2 * epochs.slotMs, all);
    expect(all.tasks.length).toBeGreaterThanOrEqual(loopCount(NODES));
  });

  it('have no loops under five nodes, and their epochs end all the same', async () => {
    await commit(await join10(one, 4));
    await toNextEpoch(one, 0);
    const audited = epoch();
    const all = auditor(one, 0);
    await toNextEpoch(one, SETTLE_MS + 5_000, all);
    expect(all.tasks).toEqual([]);
    expect(one.consensus.contributionEpoch).toBe(audited);
    expect(await leavesOf(audited)).toEqual([]);
  });

  it('are committed to in every consensus, each for the epoch after its own', async () => {
    const stated = new Map<number, Set<string>>();
    const append = one.archive.appendConsensus.bind(one.archive);
    vi.spyOn(one.archive, 'appendConsensus').mockImplementation((record) => {
      const consensus = readConsensus(record.bytes).verify({});
      const plans = stated.get(consensus.epoch) ?? new Set();
      stated.set(consensus.epoch, plans.add(consensus.auditPlan.join()));
      return append(record);
    });
    await join10();
    await one.clock.pass(3 * epochs.epochMs + SETTLE_MS);
    expect(stated.size).toBe(4);
    for (const [of, plans] of stated) {
      expect(plans.size).toBe(1);
      const [seed] = await documents(`plan/${String(of + 1)}`);
      expect([...plans]).toEqual([auditCommitment(of + 1, seed?.bytes ?? EMPTY).join()]);
    }
  });

  it('that are off leave nothing in the stores', async () => {
    await end(one);
    const off = await begin(new DirectoryFixture('', { ...options(0), contribution: 'off' }, undefined, one));
    const before = await documents();
    await commit(await join10(off));
    await off.clock.pass(2 * epochs.epochMs + SETTLE_MS);
    expect(await auditor(off, 0).take()).toEqual([]);
    expect((await documents()).filter(({ id }) => !before.some((each) => each.id === id))).toEqual([]);
    expect(off.consensus).toMatchObject({ contributionEpoch: 0, contributionRoot: EMPTY, auditPlan: EMPTY });
    expect(off.consensus.params.policy).toBe('off');
  });
});
