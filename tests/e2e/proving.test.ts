import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Verifier } from '#circuits/verify.ts';
import type { FromProver, ProverTask } from '#web/core/prover.ts';
import { claimAt, holdingAt } from '#tests/circuits/sample.ts';
import { launch, webDir } from '#tests/support/browser.ts';
import { TestNetwork } from '#tests/support/test-network.ts';

let network: TestNetwork;
let browser: Browser;

beforeAll(async () => {
  network = await TestNetwork.start({ webDir });
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await network.stop();
});

const AT = 5;
const task: ProverTask = { claim: claimAt(AT), holding: holdingAt(AT) };

/** What the built worker says to a task, under the server's own policy, until it is done. */
const answersTo = (page: Page, given: ProverTask): Promise<FromProver[]> => {
  const file = readdirSync(join(webDir, 'assets')).find((name) => /^prover\.worker-.*\.js$/.test(name));
  return page.evaluate(
    ({ url, asked }) => {
      type Policy = { createScriptURL(url: string): string };
      const { trustedTypes } = globalThis as unknown as {
        trustedTypes: { createPolicy(name: string, policy: Policy): Policy };
      };
      const policy = trustedTypes.createPolicy('hourglass', { createScriptURL: (text) => text });
      const worker = new Worker(policy.createScriptURL(url), { type: 'module' });
      const answers: FromProver[] = [];
      return new Promise<FromProver[]>((resolve, reject) => {
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.onmessage = ({ data }: MessageEvent<FromProver>) => {
          answers.push(data);
          if (data.type !== 'progress') resolve(answers);
        };
        worker.postMessage(asked);
      });
    },
    { url: `/assets/${file ?? ''}`, asked: given },
  );
};

/** A page of the server's without the app. */
const bare = async (): Promise<Page> => {
  const page = await browser.newPage();
  await page.goto(`${network.url}/healthz`);
  return page;
};

it("proves in a browser's worker, under the policy of the server", async () => {
  const answers = await answersTo(await bare(), task);
  const last = answers.at(-1);
  if (last?.type !== 'proved') throw new Error(`the worker ended with ${JSON.stringify(last)}`);
  const { proof, nullifier } = last.proved;
  expect(new Verifier().verify(proof, { ...task.claim, nullifier })).toBe(true);
  const fractions = answers.flatMap((each) => (each.type === 'progress' ? [each.fraction] : []));
  expect(fractions.length).toBeGreaterThan(5);
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
});

it('refuses to prove what is not held', async () => {
  const more = { ...task, claim: { ...task.claim, threshold: task.holding.score + 1 } };
  expect((await answersTo(await bare(), more)).at(-1)).toEqual({ type: 'failed', code: 'refused' });
});
