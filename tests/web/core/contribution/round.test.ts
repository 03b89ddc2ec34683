import { beforeEach, describe, expect, it } from 'vitest';
import { epochStart } from '#shared/contribution/epochs.ts';
import { RemoteError, type Code } from '#shared/errors.ts';
import type { Qualified, Verdict } from '#web/core/contribution/qualification.ts';
import { Round } from '#web/core/contribution/round.ts';
import type { ProofStage } from '#web/api-helping.ts';
import { holdingAt, tree } from '#tests/circuits/sample.ts';
import type { VirtualClock } from '#tests/support/virtual-clock.ts';
import { clockAfter, EPOCH, plan, portsFrom } from './fixture.ts';

const qualified: Qualified = { epoch: EPOCH, root: tree.root, holding: holdingAt(0) };

let clock: VirtualClock;
let seen: ProofStage[];
let failures: Code[];
let verdicts: (Verdict | Code)[];
let purchases: (undefined | Code)[];
let round: Round;

const begin = ({ bought = false, seed = 1 } = {}): Round => {
  round = new Round(
    { epoch: EPOCH, root: new Uint8Array(32) },
    {
      ports: portsFrom(clock, seed),
      plan,
      bought,
      qualify: () => {
        const verdict = verdicts.shift() ?? { kind: 'qualified', qualified };
        return typeof verdict === 'string'
          ? Promise.reject(new RemoteError(verdict))
          : Promise.resolve(verdict);
      },
      buy: (_, stage) => {
        stage({ kind: 'proving', fraction: 0 });
        const code = purchases.shift();
        if (code !== undefined) return Promise.reject(new RemoteError(code));
        stage({ kind: 'submitting' });
        return Promise.resolve();
      },
      changed: () => void seen.push(round.stage),
      failed: (code) => void failures.push(code),
    },
  );
  return round;
};
const kinds = (): string[] => seen.map(({ kind }) => kind);

beforeEach(() => {
  clock = clockAfter(EPOCH);
  [seen, failures, verdicts, purchases] = [[], [], [], []];
});

describe('a round', () => {
  it('begins at a random time within the first part of what is left', () => {
    const left = epochStart(EPOCH + 2, plan) - clock.now();
    const starts = Array.from({ length: 200 }, (_, seed) => {
      const { stage } = begin({ seed: seed + 1 });
      round.stop();
      return stage.kind === 'waiting' ? stage.at - clock.now() : NaN;
    });
    expect(Math.max(...starts)).toBeLessThanOrEqual(0.6 * left);
    expect(Math.max(...starts)).toBeGreaterThan(0.5 * left);
    expect(Math.min(...starts)).toBeLessThan(0.1 * left);
  });

  it('checks, proves, submits and is verified', async () => {
    const { stage } = begin();
    if (stage.kind !== 'waiting') throw new Error(stage.kind);
    await clock.pass(stage.at - clock.now() - 1);
    expect(kinds()).toEqual([]);
    await clock.pass(1);
    expect(kinds()).toEqual(['checking', 'proving', 'submitting', 'verified']);
    expect(await round.qualified()).toBe(qualified);
    expect([failures, clock.alarms]).toEqual([[], 0]);
  });

  it('looks at once for who needs a proof for something else, only once, and buys at its time all the same', async () => {
    verdicts = ['timeout', { kind: 'qualified', qualified }, 'equivocation'];
    begin();
    await expect(round.qualified()).rejects.toMatchObject({ code: 'timeout' });
    expect(await Promise.all([round.qualified(), round.qualified()])).toEqual([qualified, qualified]);
    expect(kinds()).toEqual([]);
    await clock.pass(plan.epochMs);
    expect(kinds()).toEqual(['checking', 'proving', 'submitting', 'verified']);
  });

  it('ends where there is nothing to prove, or too few to prove it among', async () => {
    verdicts = [{ kind: 'not-enough' }];
    begin();
    await clock.pass(plan.epochMs);
    expect(round.stage).toEqual({ kind: 'not-enough' });
    verdicts = [{ kind: 'crowd-too-small', crowd: 5 }];
    clock = clockAfter(EPOCH);
    begin();
    await clock.pass(plan.epochMs);
    expect(round.stage).toEqual({ kind: 'crowd-too-small', crowd: 5, least: 8 });
    expect(await round.qualified()).toBeUndefined();
  });

  it('tries again after what may pass, and does not look again at what it knows', async () => {
    verdicts = ['timeout'];
    purchases = ['link-lost'];
    begin();
    await clock.pass(plan.epochMs);
    expect(kinds()).toEqual([
      'checking',
      'waiting',
      'checking',
      'proving',
      'waiting',
      'checking',
      'proving',
      'submitting',
      'verified',
    ]);
    expect(failures).toEqual(['timeout', 'link-lost']);
  });

  it('gives up after five tries, and at once where another would come to the same', async () => {
    verdicts = ['timeout', 'unreachable', 'refused', 'timeout', 'timeout'];
    begin();
    await clock.pass(plan.epochMs);
    expect(round.stage).toEqual({ kind: 'failed', code: 'timeout' });
    expect(failures).toHaveLength(5);
    verdicts = ['equivocation'];
    clock = clockAfter(EPOCH);
    begin();
    await clock.pass(plan.epochMs);
    expect(round.stage).toEqual({ kind: 'failed', code: 'equivocation' });
    expect(failures).toHaveLength(6);
  });

  it('buys nothing twice after a reload, and yet can prove for other uses', async () => {
    purchases = ['internal'];
    begin({ bought: true });
    expect(round.stage).toEqual({ kind: 'verified' });
    await clock.pass(plan.epochMs);
    expect([round.stage.kind, await round.qualified(), purchases.length]).toEqual(['verified', qualified, 1]);
  });

  it('does nothing once it is stopped', async () => {
    begin().stop();
    await clock.pass(plan.epochMs);
    expect([seen, round.stage.kind]).toEqual([[], 'waiting']);
  });
});
