import { expect, it } from 'vitest';
import type { Input } from '#shared/node/input.ts';
import { proofChecks } from '#web/core/checker.ts';
import { claimAt, holdingAt, openProver } from '#tests/circuits/sample.ts';

it('a proof of somebody else’s is checked in a turn of its own, and the job is told', async () => {
  const { proof, nullifier } = await (await openProver()).prove(claimAt(1), holdingAt(1));
  const told: Input[] = [];
  const turns: (() => void)[] = [];
  let came = (): void => undefined;
  const check = proofChecks(
    (run) => {
      turns.push(run);
      if (turns.length === 2) came();
    },
    (input) => void told.push(input),
  );
  const due = new Promise<void>((done) => (came = done));
  check(1, { ...claimAt(1), nullifier }, proof);
  check(2, { ...claimAt(1), nullifier, epoch: 1 }, proof);
  await due;
  expect(told).toEqual([]);
  for (const turn of turns) turn();
  expect(told).toEqual([
    { type: 'verified', job: 1, valid: true },
    { type: 'verified', job: 2, valid: false },
  ]);
});
