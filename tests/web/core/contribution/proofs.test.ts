import { expect, it } from 'vitest';
import { Proofs } from '#web/core/contribution/proofs.ts';
import type { FromProver, ProverTask, ProverWorker } from '#web/core/prover.ts';
import { claimAt, holdingAt } from '#tests/circuits/sample.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const task: ProverTask = { claim: claimAt(0), holding: holdingAt(0) };
const proved: FromProver = { type: 'proved', proved: { proof: new Uint8Array(256), nullifier: 1n } };

const setup = () => {
  const workers: (ProverWorker & { ended: boolean; say(message: FromProver): void })[] = [];
  const clock = new VirtualClock();
  const proofs = new Proofs(() => {
    const worker = {
      onmessage: null as ProverWorker['onmessage'],
      onerror: null,
      ended: false,
      postMessage: () => undefined,
      terminate: () => void (worker.ended = true),
      say: (data: FromProver) => worker.onmessage?.({ data }),
    };
    workers.push(worker);
    return worker;
  }, clock.after);
  return { workers, clock, proofs };
};

it('proofs are made one at a time, and one that fails holds up none', async () => {
  const { workers, clock, proofs } = setup();
  const progress: number[] = [];
  const first = expect(proofs.prove(task)).rejects.toMatchObject({ code: 'timeout' });
  const second = proofs.prove(task, (fraction) => progress.push(fraction));
  await clock.pass(59_999);
  expect(workers).toHaveLength(1);
  await clock.pass(1);
  await first;
  await clock.pass(0);
  expect([workers.length, workers[0]?.ended]).toEqual([2, true]);
  workers[1]?.say({ type: 'progress', fraction: 0.5 });
  workers[1]?.say(proved);
  expect((await second).nullifier).toBe(1n);
  expect(progress).toEqual([0.5]);
  expect(clock.alarms).toBe(0);
});

it('proofs stop with the client: the one under way and those in line', async () => {
  const { workers, clock, proofs } = setup();
  const ends = [proofs.prove(task), proofs.prove(task)].map((each) =>
    expect(each).rejects.toMatchObject({ code: 'finished' }),
  );
  await clock.pass(0);
  proofs.stop();
  await Promise.all(ends);
  expect(workers.map(({ ended }) => ended)).toEqual([true]);
});
