import { readFile } from 'node:fs/promises';
import { describe, expect, it, vi } from 'vitest';
import { artifactUrls, type ReadArtifact } from '#circuits/prove.ts';
import { Verifier } from '#circuits/verify.ts';
import { runProver } from '#web/core/prover-job.ts';
import {
  Proving,
  type FromProver,
  type ProverOrder,
  type ProverTask,
  type ProverWorker,
} from '#web/core/prover.ts';
import { claimAt, holdingAt } from '#tests/circuits/sample.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const task: ProverTask = { claim: claimAt(0), holding: holdingAt(0) };
const TIMEOUT_MS = 60_000;

class FakeWorker implements ProverWorker {
  onmessage: ProverWorker['onmessage'] = null;
  onerror: ProverWorker['onerror'] = null;
  readonly tasks: ProverOrder[] = [];
  ended = false;

  postMessage(given: ProverOrder): void {
    this.tasks.push(structuredClone(given));
  }

  terminate(): void {
    this.ended = true;
  }

  say(message: FromProver): void {
    if (!this.ended) this.onmessage?.({ data: structuredClone(message) });
  }
}

const begin = (order: ProverOrder = task) => {
  const worker = new FakeWorker();
  const clock = new VirtualClock();
  const progress: number[] = [];
  const proving = new Proving(order, {
    start: () => worker,
    timer: clock.after,
    timeoutMs: TIMEOUT_MS,
    onProgress: (fraction) => progress.push(fraction),
  });
  return { worker, clock, progress, proving };
};

const read: ReadArtifact = async (name) => new Uint8Array(await readFile(artifactUrls[name]));

describe('a worker that proves', () => {
  it('is told once, tells of its progress, and is ended with its proof', async () => {
    const { worker, clock, progress, proving } = begin();
    expect(worker.tasks).toEqual([task]);
    await runProver(worker.tasks[0] ?? task, read, (message) => worker.say(message));
    const { proof, nullifier } = (await proving.result) ?? { proof: new Uint8Array(), nullifier: 0n };
    expect(new Verifier().verify(proof, { ...task.claim, nullifier })).toBe(true);
    expect([progress[0], progress.at(-1)]).toEqual([0, 1]);
    expect(worker.ended).toBe(true);
    expect(clock.alarms).toBe(0);
  });

  it('fetches what it needs and no more, where that is all that is wanted', async () => {
    const { worker, proving } = begin('fetch');
    const files: string[] = [];
    const noting: ReadArtifact = (name) => {
      files.push(name);
      return read(name);
    };
    await runProver(worker.tasks[0] ?? task, noting, (message) => worker.say(message));
    expect(await proving.result).toBeUndefined();
    expect(files.sort()).toEqual(Object.keys(artifactUrls));
    expect(worker.ended).toBe(true);
  });

  it('is ended when its time is over', async () => {
    const { worker, clock, proving } = begin();
    const refused = expect(proving.result).rejects.toMatchObject({ name: 'LocalError', code: 'timeout' });
    await clock.pass(TIMEOUT_MS - 1);
    expect(worker.ended).toBe(false);
    await clock.pass(1);
    await refused;
    expect(worker.ended).toBe(true);
  });

  it('is ended when nobody wants the proof any more', async () => {
    const { worker, clock, proving } = begin();
    proving.cancel();
    await expect(proving.result).rejects.toMatchObject({ name: 'LocalError', code: 'finished' });
    expect([worker.ended, worker.onmessage, clock.alarms]).toEqual([true, null, 0]);
    proving.cancel();
  });

  it('is ended when it breaks', async () => {
    const { worker, proving } = begin();
    worker.onerror?.({} as never);
    await expect(proving.result).rejects.toMatchObject({ code: 'internal' });
    expect(worker.ended).toBe(true);
  });

  it('says why it has no proof', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const wrong = { ...task, claim: { ...task.claim, threshold: 13 } };
    const said: FromProver[] = [];
    await runProver(wrong, read, (message) => said.push(message));
    expect(said.at(-1)).toEqual({ type: 'failed', code: 'refused' });
    said.length = 0;
    await runProver(
      task,
      async () => new Uint8Array(8),
      (message) => said.push(message),
    );
    expect(said).toEqual([{ type: 'failed', code: 'internal' }]);
    const { worker, proving } = begin();
    worker.say({ type: 'failed', code: 'refused' });
    await expect(proving.result).rejects.toMatchObject({ name: 'LocalError', code: 'refused' });
    vi.restoreAllMocks();
  });
});
