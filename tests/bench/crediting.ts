import { performance } from 'node:perf_hooks';
import { Verifier, type Presented } from '#circuits/verify.ts';
import committedKey from '#circuits/artifacts/verification-key.json' with { type: 'json' };
import { decodeProof } from '#circuits/proof.ts';
import { sortEntries } from '#shared/contribution/entries.ts';
import { DEFAULT_EPOCH_MS, epochPlan, SLOTS } from '#shared/contribution/epochs.ts';
import type { Outcome } from '#shared/contribution/outcomes.ts';
import { SEED_LENGTH, slotPlan } from '#shared/contribution/plan.ts';
import { scoresOf } from '#shared/contribution/scores.ts';
import { publicSignals } from '#shared/contribution/statement.ts';
import { blindTokens, isGenuine, tokenKeysOf, tokensFrom } from '#shared/contribution/tokens.ts';
import { CAPACITY, TreeBuilder } from '#shared/contribution/tree.ts';
import { evaluateBlinded } from '#shared/crypto/voprf.ts';
import { PROOF_BATCH } from '#shared/directory/tokens.ts';
import { systemRng } from '#relay/host.ts';
import { claimAt, holdingAt, openProver, secretNamed } from '#tests/circuits/sample.ts';
import { curves, groth16 } from '#tests/circuits/snarkjs.ts';

/** Work of one process on one core. */
export type Crediting = {
  verifications: Verifications[];
  tree: {
    leaves: number;
    hashesAStep: number;
    cpuSeconds: number;
    longestStepMs: number;
    longestStepCpuMs: number;
  };
  audits: Audits[];
  tokens: { count: number; blindMs: number; issueMs: number; finishMs: number; spendMs: number };
};

/** Of `proofs` proofs that are checked together. */
export type Verifications = {
  by: 'noble' | 'snarkjs';
  proofs: number;
  perSecond: number;
  /** Of CPU time of the process, its helper threads' included. */
  perCpuSecond: number;
};

/** Planning and scoring an epoch of so many nodes. */
export type Audits = { nodes: number; loops: number; planCpuMs: number; scoreCpuMs: number };

export type CreditingSize = { seconds: number; leaves: number; nodes: number[] };
export const fullCrediting: CreditingSize = { seconds: 5, leaves: CAPACITY, nodes: [1_000, 10_000] };
export const quickCrediting: CreditingSize = { seconds: 1, leaves: 4_096, nodes: [1_000] };

const BATCHES = [1, 8, 32, 128];
const DIFFERENT_PROOFS = 8;
/** As the directory does it, which looks at the time after each step. */
const HASHES_A_STEP = 8;
/** One loop of so many fails. */
const FAILS_ONE_OF = 50;

export const measureCrediting = async ({ seconds, leaves, nodes }: CreditingSize): Promise<Crediting> => ({
  verifications: await verifications(seconds),
  tree: treeOf(leaves),
  audits: nodes.map(auditsOf),
  tokens: tokensOf(),
});

/** CPU time of this thread alone. */
type Cost = { ms: number; cpuMs: number };

const costOf = (work: () => void): Cost => {
  const [startedAt, before] = [performance.now(), process.threadCpuUsage()];
  work();
  const { user, system } = process.threadCpuUsage(before);
  return { ms: performance.now() - startedAt, cpuMs: (user + system) / 1_000 };
};

const verifications = async (seconds: number): Promise<Verifications[]> => {
  const prover = await openProver();
  const proofs: Presented[] = [];
  for (let at = 0; at < DIFFERENT_PROOFS; at++) {
    const { proof, nullifier } = await prover.prove(claimAt(at), holdingAt(at));
    proofs.push({ proof, claim: { ...claimAt(at), nullifier } });
  }
  const verifier = new Verifier();
  const rates: Verifications[] = [];
  for (const size of BATCHES) {
    const batch = Array.from({ length: size }, (_, at) => proofs[at % proofs.length] as Presented);
    const check = (): boolean =>
      size === 1
        ? batch.every(({ proof, claim }) => verifier.verify(proof, claim))
        : verifier.verifyAll(batch, systemRng).every(Boolean);
    rates.push({ by: 'noble', proofs: size, ...(await rateOf(size, seconds, async () => check())) });
  }
  const theirs = theirProof(proofs[0] as Presented);
  const checkTheirs = (): Promise<boolean> => groth16.verify(committedKey, ...theirs);
  rates.push({ by: 'snarkjs', proofs: 1, ...(await rateOf(1, seconds, checkTheirs)) });
  await curves.terminate();
  return rates;
};

/** Checks again and again for so long, after the first times, in which code is still compiled. */
const rateOf = async (
  proofs: number,
  seconds: number,
  check: () => Promise<boolean>,
): Promise<Pick<Verifications, 'perSecond' | 'perCpuSecond'>> => {
  const many = async (times: number, limitMs: number): Promise<number> => {
    const end = performance.now() + limitMs;
    for (let done = 0; ; done++) {
      if (done >= times && performance.now() >= end) return done;
      if (!(await check())) throw new Error('a good proof was refused');
    }
  };
  await many(2, 500);
  const [startedAt, before] = [performance.now(), process.cpuUsage()];
  const checked = proofs * (await many(2, seconds * 1_000));
  const { user, system } = process.cpuUsage(before);
  return {
    perSecond: (checked * 1_000) / (performance.now() - startedAt),
    perCpuSecond: (checked * 1e6) / (user + system),
  };
};

const theirProof = ({ proof, claim }: Presented): [string[], Parameters<typeof groth16.verify>[2]] => {
  const coordinates = decodeProof(proof);
  const signals = publicSignals(claim);
  if (!coordinates || !signals) throw new Error('a proof of ours that is none');
  const texts = (numbers: readonly bigint[]): string[] => numbers.map(String);
  const { a, b, c } = coordinates;
  return [
    texts(signals),
    {
      pi_a: [...texts(a), '1'],
      pi_b: [texts(b[0]), texts(b[1]), ['1', '0']],
      pi_c: [...texts(c), '1'],
      protocol: 'groth16',
      curve: 'bn128',
    },
  ];
};

const treeOf = (leaves: number): Crediting['tree'] => {
  const entries = sortEntries(
    Array.from({ length: leaves }, (_, at) => ({ commitment: secretNamed(`leaf ${String(at)}`), score: 12 })),
  );
  const builder = new TreeBuilder(entries);
  const longest = { ms: 0, cpuMs: 0 };
  const { cpuMs } = costOf(() => {
    for (let over = false; !over;) {
      const step = costOf(() => (over = builder.step(HASHES_A_STEP)));
      longest.ms = Math.max(longest.ms, step.ms);
      longest.cpuMs = Math.max(longest.cpuMs, step.cpuMs);
    }
  });
  return {
    ...{ leaves, hashesAStep: HASHES_A_STEP, cpuSeconds: cpuMs / 1_000 },
    ...{ longestStepMs: longest.ms, longestStepCpuMs: longest.cpuMs },
  };
};

const auditsOf = (count: number): Audits => {
  const nodes = Array.from({ length: count }, (_, node) => node);
  const ref = { seed: systemRng(SEED_LENGTH), epoch: 1 };
  const { slotMs } = epochPlan(DEFAULT_EPOCH_MS);
  let targets: number[][][] = [];
  const plan = costOf(() => {
    targets = Array.from({ length: SLOTS }, (_, slot) =>
      slotPlan({ ...ref, slot }, nodes, { slotMs }).map((loop) => loop.targets),
    );
  });
  const passed: Outcome = { kind: 'passed' };
  const failed: Outcome = { kind: 'failed', fault: 'lost', suspects: 15 };
  const slots = targets.map((loops) =>
    loops.map((each, at) => ({ targets: each, outcome: at % FAILS_ONE_OF === 0 ? failed : passed })),
  );
  const score = costOf(() => void scoresOf(count, slots));
  return { nodes: count, loops: targets.flat().length, planCpuMs: plan.cpuMs, scoreCpuMs: score.cpuMs };
};

const tokensOf = (): Crediting['tokens'] => {
  const keys = tokenKeysOf(systemRng(32), 1);
  const rounds = Array.from({ length: 8 }, () => {
    let blinded: ReturnType<typeof blindTokens> = [];
    const blind = costOf(() => (blinded = blindTokens(PROOF_BATCH, systemRng)));
    const elements = blinded.map(({ element }) => element);
    let evaluation: ReturnType<typeof evaluateBlinded> | undefined;
    const issue = costOf(() => (evaluation = evaluateBlinded(keys, elements, systemRng)));
    const given = evaluation;
    if (!given) throw new Error('nothing was issued');
    let tokens: ReturnType<typeof tokensFrom> = [];
    const finish = costOf(() => (tokens = tokensFrom({ epoch: 1, publicKey: keys.public }, blinded, given)));
    const spend = costOf(() => {
      if (!tokens.every((token) => isGenuine(keys, token))) throw new Error('a good token was refused');
    });
    return { blind, issue, finish, spend };
  });
  const median = (of: (round: (typeof rounds)[number]) => Cost): number =>
    rounds.map((round) => of(round).cpuMs).toSorted((a, b) => a - b)[rounds.length >> 1] ?? NaN;
  return {
    count: PROOF_BATCH,
    blindMs: median(({ blind }) => blind),
    issueMs: median(({ issue }) => issue),
    finishMs: median(({ finish }) => finish),
    spendMs: median(({ spend }) => spend) / PROOF_BATCH,
  };
};
