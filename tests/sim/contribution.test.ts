import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { epochAt, epochPlan, epochStart } from '#shared/contribution/epochs.ts';
import { closeTime } from '#shared/contribution/plan.ts';
import { slotsIn } from '#shared/contribution/scores.ts';
import { tierOf } from '#shared/contribution/tiers.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import type { AuditResult } from '#shared/directory/audit.ts';
import { requestCodec, responseCodec } from '#shared/directory/messages.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import { Auditor } from '#relay/auditor.ts';
import { commitAfresh } from '#relay/commit.ts';
import type { EventOf, SimNode } from './sim-node.ts';
import { Vandals, type Vandalism } from './vandals.ts';
import { World } from './world.ts';

const EPOCH_MS: Millis = 120_000;
const plan = epochPlan(EPOCH_MS);
const HONEST = 12;
/** Slots that the auditor is there. */
const AUDITED = 7;
const vandalism: Vandalism[] = ['drop', 'delay', 'refuse'];

const commits = (world: World, node: SimNode): SimNode => {
  node.listeners.push(
    commitAfresh(world.rng(50_000 + world.nodes.indexOf(node)), (each) => node.command(each)),
  );
  return node;
};

const audit = (world: World, seed: Uint8Array): SimNode => {
  const node = world.add('auditor', false);
  const auditor = new Auditor({
    keys: signKeypair(seed),
    command: (each) => node.command(each),
    timer: world.clock.after,
    refused: (code) => expect.unreachable(code),
  });
  node.listeners.push((event) => auditor.event(event));
  return node;
};

const resultOf = (node: SimNode): AuditResult | undefined =>
  node.seen('heartbeat').findLast(({ result }) => result)?.result;

describe('an epoch in which some nodes are bad', () => {
  let world: World;
  let vandals: Vandals;
  let auditor: SimNode;
  let honest: SimNode[];
  let bad: SimNode[];
  let epoch: number;

  beforeAll(async () => {
    const seed = new Uint8Array(32).fill(5);
    const auditorKey = signKeypair(seed).public;
    const options = { epochMs: EPOCH_MS, contribution: 'observe', auditor: auditorKey } as const;
    world = await new World({ seed: 81, ...options }).start();
    // No plan was made for the epoch in which the directory began.
    await world.clock.pass(EPOCH_MS - 25_000);
    epoch = epochAt(world.clock.now(), plan) + 1;
    vandals = new Vandals(world);
    honest = await world.relays(HONEST);
    auditor = audit(world, seed);
    await world.until('the auditor has guards', () => auditor.seen('guards').length > 0, 20_000);
    bad = vandalism.map((what) => world.add(`who does ${what}`, true));
    for (const [at, what] of vandalism.entries()) vandals.be(bad[at] as SimNode, what);
    for (const node of [...honest, ...bad]) commits(world, node);
    await world.until('all are registered', () => bad.every(({ node }) => node.registered), 60_000);
    await world.clock.pass(epochStart(epoch, plan) + AUDITED * plan.slotMs - world.clock.now());
    auditor.kill();
    // And a heartbeat of each after that.
    await world.clock.pass(closeTime(epoch, plan) + 50_000 - world.clock.now());
  }, 240_000);

  afterAll(() => vandals.end());

  it('gives each honest node a tier, and blames it for nothing', () => {
    for (const node of honest) {
      expect(resultOf(node)).toMatchObject({ epoch, fault: undefined });
      expect(tierOf(slotsIn(resultOf(node)?.passed ?? 0))).toBeDefined();
    }
  });

  it('gives no bad one any, and tells it what was wrong', () => {
    expect(bad.map(resultOf)).toMatchObject([
      { epoch, passed: 0, fault: 'lost' },
      { epoch, passed: 0, fault: 'late' },
      { epoch, passed: 0, fault: 'unbuilt' },
    ]);
    // Of the last slot some loops were under way when their auditor went.
    for (const node of bad) expect(slotsIn(resultOf(node)?.tested ?? 0)).toBeOneOf([AUDITED - 1, AUDITED]);
  });

  it('has the honest ones’ commitments in its tree, whom each asks for by a circuit of its own', async () => {
    const [node] = honest as [SimNode];
    let handle = 9_000;
    const askOnce = async (exitNot?: NodeId): Promise<EventOf<'answered'> | undefined> => {
      handle += 1;
      const body = encode(requestCodec, { type: 'leaves', epoch });
      node.command({ type: 'ask', handle, purpose: 'leaves', body, exitNot });
      const answer = (): EventOf<'answered'> | undefined =>
        node.seen('answered').find((event) => event.handle === handle);
      await world.until('the leaves', () => answer() !== undefined, 20_000);
      return answer();
    };
    /** A bad node on the way loses what is asked: then it is asked on another. */
    const ask = async (exitNot?: NodeId): Promise<EventOf<'answered'> | undefined> => {
      let answer = await askOnce(exitNot);
      for (let tries = 1; tries < 5 && answer && 'code' in answer.result; tries++)
        answer = await askOnce(exitNot);
      return answer;
    };
    const first = await ask();
    const entries = first && 'body' in first.result ? decode(responseCodec, first.result.body) : undefined;
    expect(entries).toMatchObject({ type: 'leaves' });
    expect(entries?.type === 'leaves' && entries.entries).toHaveLength(HONEST);
    expect(relaysWith(first?.exit)).toHaveLength(1);
    for (let again = 0; again < 6; again++) {
      const next = await ask(first?.exit);
      expect(relaysWith(next?.exit)).toHaveLength(1);
      expect(next?.exit).not.toBe(first?.exit);
    }
  });

  const relaysWith = (id: NodeId | undefined): SimNode[] =>
    [...honest, ...bad].filter((each) => each.id === id);

  it('breaks nothing', () => expect(world.faults()).toEqual([]));
});
