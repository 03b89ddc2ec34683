import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cellCommand } from '#shared/cell/commands.ts';
import { LOOP_TARGETS, type Outcome } from '#shared/contribution/outcomes.ts';
import { MAX_LOOPS } from '#shared/node/loops.ts';
import type { TraceEvent } from '#shared/node/output.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { SimNode } from './sim-node.ts';
import { exchange, meet, openInboxes } from './talk.ts';
import { Vandals, type Vandalism } from './vandals.ts';
import { World } from './world.ts';

const NODES = 8;
const SPAN_MS: Millis = 12_000;
const LINGER_MS: Millis = 3_000;

let world: World;
let relays: SimNode[];
let auditor: SimNode;
let vandals: Vandals;
let lastHandle = 0;

beforeAll(async () => {
  world = await new World({ seed: 71 }).start();
  vandals = new Vandals(world);
  relays = await world.relays(NODES);
  auditor = world.add('auditor', false);
  await world.until(
    'the auditor has guards',
    () => guards().length === 2 && auditor.node.directoryReachable,
    20_000,
  );
}, 60_000);

afterEach(() => {
  for (const relay of relays) vandals.be(relay, undefined);
  expect(world.faults()).toEqual([]);
});

afterAll(() => vandals.end());

const guards = (): NodeId[] => (auditor.seen('guards').at(-1)?.guards ?? []).map(({ id }) => id);
/** None of them is a guard of the auditor's. */
const targets = (): SimNode[] => relays.filter(({ id }) => !guards().includes(id)).slice(0, LOOP_TARGETS);

const begin = (nodes: NodeId[], spanMs = SPAN_MS, lingerMs = LINGER_MS): number => {
  lastHandle += 1;
  auditor.command({ type: 'loop', handle: lastHandle, targets: nodes, spanMs, lingerMs });
  return lastHandle;
};
const outcomes = (handle: number): Outcome[] =>
  auditor.seen('looped').flatMap((event) => (event.handle === handle ? [event.outcome] : []));
const outcome = async (handle: number): Promise<Outcome | undefined> => {
  await world.until('the loop is over', () => outcomes(handle).length > 0, 120_000);
  return outcomes(handle)[0];
};
const loop = (nodes = targets()): Promise<Outcome | undefined> => outcome(begin(nodes.map(({ id }) => id)));
const suspectsOf = (result: Outcome | undefined): number[] =>
  result?.kind === 'failed' ? [0, 1, 2, 3].filter((place) => result.suspects & (1 << place)) : [];
const circuits = () => auditor.node.circuits.filter(({ purpose }) => purpose !== 'directory');

describe('what a node in the middle sees', () => {
  type Seen = { commands: string; received: number; sent: number };

  /** Of each circuit that it was asked to carry since the mark: the commands before it was used, and how many cells went each way. */
  const seenBy = (node: SimNode, mark: number): Seen[] => {
    const circuits = new Map<string, TraceEvent[]>();
    for (const trace of node.traces.slice(mark)) {
      if (trace.circuit === 0) continue;
      const key = `${String(trace.link)} ${String(trace.circuit)}`;
      circuits.set(key, [...(circuits.get(key) ?? []), trace]);
    }
    const begun = [...circuits.values()].filter(([first]) => first?.command === cellCommand.CREATE);
    return begun.map((traces) => ({
      commands: traces
        .slice(0, 10)
        .map(({ command, used, sent }) => `${sent ? '>' : '<'}${String(command)}:${String(used)}`)
        .join(' '),
      received: traces.filter(({ sent }) => !sent).length,
      sent: traces.filter(({ sent }) => sent).length,
    }));
  };
  const sorted = (seen: Seen[]): string[] => seen.map(({ commands }) => commands).sort();

  it('of a loop’s circuits is what it sees of users’: commands, lengths, and cells of a like number', async () => {
    const [alice, bob] = [world.add('alice', false), world.add('bob', false)];
    const nodes = targets();
    const marks = (): number[] => relays.map(({ traces }) => traces.length);
    await openInboxes(world, bob, 1);
    await world.clock.pass(20_000);
    let mark = marks();
    const talk = await meet(world, alice, bob);
    for (const length of [700, 200, 5_000, 200]) await exchange(world, talk, new Uint8Array(length));
    await world.clock.pass(3_000);
    const users = seenBy(talk.chain[2] as SimNode, mark[relays.indexOf(talk.chain[2] as SimNode)] ?? 0);
    for (const user of [alice, bob]) user.command({ type: 'stop' });
    await world.clock.pass(10_000);
    mark = marks();
    expect(await loop(nodes)).toEqual({ kind: 'passed' });
    const [m1] = nodes as [SimNode];
    const loops = seenBy(m1, mark[relays.indexOf(m1)] ?? 0);
    expect(loops).toHaveLength(2);
    // Both sides of a circuit that is extended beyond the node: the same cells, in the same order.
    for (const commands of sorted(loops)) expect(sorted(users)).toContain(commands);
    for (const { received, sent } of loops) {
      expect(received).toBeLessThan(120);
      expect(sent).toBeLessThan(120);
    }
  });
});

describe('a loop', () => {
  it('passes through honest nodes, once, and leaves nothing behind', async () => {
    const handle = begin(targets().map(({ id }) => id));
    expect(await outcome(handle)).toEqual({ kind: 'passed' });
    expect(circuits().map(({ purpose }) => purpose)).toEqual(['inbox', 'conversation']);
    const [m1, e1, x, m2] = targets().map(({ id }) => id);
    expect(circuits().map(({ path }) => path.slice(1))).toEqual([
      [m2, x],
      [m1, e1, x],
    ]);
    await world.clock.pass(LINGER_MS + 20_000);
    expect(circuits()).toEqual([]);
    expect(outcomes(handle)).toHaveLength(1);
    expect(auditor.node.sizes.timers).toBeLessThan(20);
  });

  it('may have the other guard among its targets, and passes in whatever order they stand', async () => {
    const [first, second, third] = targets();
    const other = relays.find(({ id }) => id === guards()[0]);
    if (!first || !second || !third || !other) throw new Error('too few nodes');
    const handles = [0, 1, 2, 3].map((place) =>
      begin([first, second, third].toSpliced(place, 0, other).map(({ id }) => id)),
    );
    for (const handle of handles) expect(await outcome(handle)).toEqual({ kind: 'passed' });
  });

  const places = [0, 1, 2, 3].map((place) => ({ place, name: ['m1', 'e1', 'X', 'm2'][place] }));
  const bad = (place: number, what: Vandalism): Promise<Outcome | undefined> => {
    const nodes = targets();
    vandals.be(nodes[place] as SimNode, what);
    return loop(nodes);
  };

  it.each(places)('finds that $name drops cells: lost, and all are suspects', async ({ place }) => {
    expect(await bad(place, 'drop')).toEqual({ kind: 'failed', fault: 'lost', suspects: 15 });
  });

  it.each(places)('finds that $name holds cells for three seconds: late', async ({ place }) => {
    expect(await bad(place, 'delay')).toEqual({ kind: 'failed', fault: 'late', suspects: 15 });
  });

  it.each(places)('finds that $name takes no circuits: unbuilt, and it is one of two', async ({ place }) => {
    const result = await bad(place, 'refuse');
    expect(result).toMatchObject({ kind: 'failed', fault: 'unbuilt' });
    expect(suspectsOf(result)).toContain(place);
    expect(suspectsOf(result).length).toBeLessThanOrEqual(2);
  });

  it.each(places.filter(({ place }) => place !== 2))(
    'finds that $name spoils cells: lost',
    async ({ place }) => {
      expect(await bad(place, 'spoil')).toEqual({ kind: 'failed', fault: 'lost', suspects: 15 });
    },
  );

  it('finds a node that is gone', async () => {
    const nodes = targets();
    const [, , x] = nodes;
    if (!x) throw new Error('too few nodes');
    world.unreachable.add(x);
    for (const carrier of x.carriers.values()) carrier.close();
    x.carriers.clear();
    const result = await loop(nodes);
    expect(result).toMatchObject({ kind: 'failed', fault: 'unbuilt' });
    expect(suspectsOf(result)).toContain(2);
    world.unreachable.delete(x);
    await world.clock.pass(30_000);
  });

  it('says nothing when its guard takes no circuits, or goes while it runs', async () => {
    for (const relay of relays) if (guards().includes(relay.id)) vandals.be(relay, 'refuse');
    expect(await loop()).toEqual({ kind: 'unrun' });
    for (const relay of relays) vandals.be(relay, undefined);
    const nodes = targets();
    const handle = begin(nodes.map(({ id }) => id));
    const talks = (): boolean => circuits().some(({ path }) => path.length === 4);
    await world.until('the conversation stands', talks, 60_000);
    await world.clock.pass(1_000);
    const guard = circuits().find(({ path }) => path.length === 4)?.path[0];
    auditor.command({ type: 'unlink', node: guard as NodeId });
    expect(await outcome(handle)).toEqual({ kind: 'unrun' });
  });

  it('says nothing of nodes that are not listed, that are the same, or that leave it no guard', async () => {
    const [m1, e1, x, m2] = targets().map(({ id }) => id) as [NodeId, NodeId, NodeId, NodeId];
    const [first, second] = guards() as [NodeId, NodeId];
    const nowhere = auditor.id;
    expect(await outcome(begin([m1, e1, x, nowhere]))).toEqual({ kind: 'unrun' });
    expect(await outcome(begin([m1, e1, m1, m2]))).toEqual({ kind: 'unrun' });
    expect(await outcome(begin([m1, e1, x]))).toEqual({ kind: 'unrun' });
    const used =
      auditor
        .seen('guards')
        .at(-1)
        ?.guards.map(({ id }) => id) ?? [];
    if (used.length === 2) expect(await outcome(begin([first, second, x, m2]))).toEqual({ kind: 'unrun' });
  });

  it('runs as one of so many at most, and ends with the node', async () => {
    const nodes = targets().map(({ id }) => id);
    const handles = Array.from({ length: MAX_LOOPS + 1 }, () => begin(nodes, 60_000, 60_000));
    expect(outcomes(handles.at(-1) as number)).toEqual([{ kind: 'unrun' }]);
    await world.clock.pass(2_000);
    auditor.command({ type: 'stop' });
    await world.clock.pass(10_000);
    for (const handle of handles) expect(outcomes(handle)).toEqual([{ kind: 'unrun' }]);
    expect(circuits()).toEqual([]);
  });
});
