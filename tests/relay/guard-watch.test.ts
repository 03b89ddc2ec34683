import { describe, expect, it } from 'vitest';
import type { Outcome } from '#shared/contribution/outcomes.ts';
import type { NodeId } from '#shared/units.ts';
import { GuardWatch } from '#relay/guard-watch.ts';

const passed: Outcome = { kind: 'passed' };
const failed: Outcome = { kind: 'failed', fault: 'lost', suspects: 15 };
const unrun: Outcome = { kind: 'unrun' };
const [one, two] = ['one', 'two'] as NodeId[];

type Ended = { loop: number; outcome: Outcome };

const watch = () => {
  const avoided: NodeId[][] = [];
  const guards = new GuardWatch<Ended>((nodes) => void avoided.push(nodes));
  let loop = 0;
  const take = (guard: NodeId | undefined, outcome: Outcome): Ended[] => {
    loop += 1;
    return guards.take(guard, { loop, outcome });
  };
  return { avoided, take };
};

describe('what a loop came to', () => {
  it('is told at once when it passed or did not run, and when it failed once its guard passes another', () => {
    const { take, avoided } = watch();
    expect(take(one, passed)).toEqual([{ loop: 1, outcome: passed }]);
    expect(take(one, failed)).toEqual([]);
    expect(take(one, failed)).toEqual([]);
    expect(take(one, unrun)).toEqual([{ loop: 4, outcome: unrun }]);
    expect(take(two, passed)).toEqual([{ loop: 5, outcome: passed }]);
    expect(take(undefined, unrun)).toEqual([{ loop: 6, outcome: unrun }]);
    expect(take(one, passed)).toEqual([
      { loop: 2, outcome: failed },
      { loop: 3, outcome: failed },
      { loop: 7, outcome: passed },
    ]);
    expect(avoided).toEqual([]);
  });

  it('says nothing of others when its guard passes none any more, and the guard is avoided', () => {
    const { take, avoided } = watch();
    for (let i = 0; i < 12; i++) expect(take(one, failed)).toEqual([]);
    const told = take(one, failed);
    expect(told.map(({ loop }) => loop)).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
    for (const { outcome } of told) expect(outcome).toEqual(unrun);
    expect(avoided).toEqual([[one]]);
    for (let guard = 0; guard < 5; guard++)
      for (let i = 0; i < 13; i++) take(`more ${String(guard)}` as NodeId, failed);
    expect(avoided.at(-1)).toEqual(['more 1', 'more 2', 'more 3', 'more 4']);
  });
});
