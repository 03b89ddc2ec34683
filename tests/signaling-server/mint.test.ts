import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Claim } from '#shared/contribution/statement.ts';
import { deriveVoprfKeys, finalizeBlinded } from '#shared/crypto/voprf.ts';
import { ThreadMint } from '#server/services/mint.ts';
import { claimAt, holdingAt, openProver } from '#tests/circuits/sample.ts';
import { flipped } from '#tests/support/refusal.ts';
import { batchNamed, elementsOf } from './token-fixture.ts';

const keys = deriveVoprfKeys(new Uint8Array(32).fill(1), new Uint8Array(0));
const blinded = batchNamed(1, 4);

let claim: Claim;
let proof: Uint8Array;
let mint: ThreadMint | undefined;

beforeAll(async () => {
  const proved = await (await openProver()).prove(claimAt(0), holdingAt(0));
  claim = { ...claimAt(0), nullifier: proved.nullifier };
  ({ proof } = proved);
}, 60_000);
afterEach(async () => {
  await mint?.stop();
});

const start = (): ThreadMint => (mint = new ThreadMint());
const later = { code: 'try-later' };

/** The most of this thread's own time that passes between two turns of its loop while `work` is under way, in ms. */
const longestHold = async (work: () => Promise<unknown>): Promise<number> => {
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let [longest, at, done] = [0, spent(), false];
  const turns = (async (): Promise<void> => {
    while (!done) {
      await new Promise((turn) => setTimeout(turn, 1));
      const now = spent();
      longest = Math.max(longest, now - at);
      at = now;
    }
  })();
  await work();
  done = true;
  await turns;
  return longest;
};

describe('the mint’s thread', () => {
  it('tells proofs that hold from those that don’t', async () => {
    const of = start();
    const bad = flipped(proof, 100);
    const wrong = { ...claim, threshold: claim.threshold + 1 };
    const answers = [
      of.verify(proof, claim),
      of.verify(bad, claim),
      of.verify(proof, wrong),
      of.verify(proof, claim),
    ];
    expect(of.busy).toBe(true);
    expect(await Promise.all(answers)).toEqual([true, false, false, true]);
    expect(of.busy).toBe(false);
    expect(await of.verify(new Uint8Array(3), claim)).toBe(false);
  });

  it('makes tokens, and refuses what is no element', async () => {
    const of = start();
    const evaluation = await of.evaluate(keys, elementsOf(blinded));
    expect(finalizeBlinded(keys.public, blinded, evaluation)).toHaveLength(4);
    await expect(of.evaluate(keys, [new Uint8Array(32)])).rejects.toMatchObject({ code: 'malformed' });
    expect(await of.verify(proof, claim)).toBe(true);
  });

  it('leaves the main thread free while it checks 32 proofs', async () => {
    const of = start();
    await of.verify(proof, claim);
    const began = performance.now();
    const held = await longestHold(async () => {
      const answers = Array.from({ length: 33 }, () => of.verify(proof, claim));
      expect(await Promise.all(answers)).toEqual(answers.map(() => true));
    });
    console.info(`33 proofs in ${(performance.now() - began).toFixed()} ms, held ${held.toFixed(1)} ms`);
    expect(held).toBeLessThan(100);
  });

  it('turns away what it would take too long for', async () => {
    const of = start();
    const answers = await Promise.allSettled(
      Array.from({ length: 140 }, () => of.verify(new Uint8Array(3), claim)),
    );
    const refused = answers.filter(({ status }) => status === 'rejected');
    // One is under way, 96 wait.
    expect(refused).toHaveLength(140 - 97);
    for (const each of refused) expect(each).toMatchObject({ reason: later });
    expect(await of.verify(proof, claim)).toBe(true);
  });

  it('ends at once, and with it what waits', async () => {
    const of = start();
    const answers = Promise.allSettled([
      ...Array.from({ length: 40 }, () => of.verify(proof, claim)),
      of.evaluate(keys, elementsOf(blinded)),
    ]);
    await of.stop();
    for (const each of await answers) expect(each).toMatchObject({ status: 'rejected', reason: later });
    await expect(of.verify(proof, claim)).rejects.toMatchObject(later);
    await of.stop();
  });

  it('begins again when it was lost, with what waits', async () => {
    const threads: Worker[] = [];
    const post = vi.spyOn(Worker.prototype, 'postMessage').mockImplementationOnce(function (this: Worker) {
      threads.push(this);
    });
    const of = start();
    const [lost, next] = [of.verify(proof, claim), of.verify(proof, claim)];
    const settled = Promise.allSettled([lost, next]);
    const [thread] = threads as [Worker];
    await once(thread, 'online');
    await thread.terminate();
    expect(await settled).toMatchObject([
      { status: 'rejected', reason: { code: 'internal' } },
      { value: true },
    ]);
    post.mockRestore();
  });
});
