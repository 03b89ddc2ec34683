import { readFileSync } from 'node:fs';
import type { CircuitSignals } from 'snarkjs';
import committedKey from '#circuits/artifacts/verification-key.json' with { type: 'json' };
import { claimAt, holdingAt, secretNamed, secrets } from '#tests/circuits/sample.ts';
import { curves, groth16 } from '#tests/circuits/snarkjs.ts';
import { spreadOf, type Spread } from './figures.ts';
import { inBrowser, type CallPage } from './proving/browser.ts';
import { statements, type Stalls, type Statement, type Task, type Timed } from './proving/messages.ts';
import { load } from './report.ts';
import type { Semaphore } from './semaphore/artifacts.ts';

/** How long each statement's proofs took, and the median of ours as a share of Semaphore's. */
export type Compared = Record<Statement, Spread> & { ratio: number };

export type Proving = {
  chromium: string;
  loadBefore: number;
  loadAfter: number;
  /** All in one worker, the first of each not counted: `fullProve` alone. */
  warm: Compared;
  /** Each in a worker of its own, from its start to the proof, files fetched from this machine. */
  fresh: Compared;
  /** As the app proves, likewise. */
  app: Spread;
  /** What kept the page's thread while it all went on, and before, when nothing did. */
  stalls: { proving: Stalls; idle: Stalls };
};

/** A long task, so that it is known that the browser reports them. */
const BLOCK_MS = 120;
const IDLE_MS = 5_000;

/** Members at different places. Of Semaphore the root comes out, so any siblings do; a secret of 250 bits is in range. */
const inputsOf: Record<Statement, (run: number) => CircuitSignals> = {
  ours: (run) => {
    const { siblings, ...holding } = holdingAt(run % secrets.length);
    return { ...claimAt(run % secrets.length), ...holding, siblings: siblings.map((beside) => [...beside]) };
  },
  semaphore: (run) => ({
    secret: secretNamed(`secret ${String(run)}`) >> 4n,
    merkleProofLength: 16,
    merkleProofIndex: (run * 9_973) % 2 ** 16,
    merkleProofSiblings: Array.from({ length: 16 }, (_, level) =>
      secretNamed(`${String(run)} ${String(level)}`),
    ),
    message: secretNamed(`message ${String(run)}`),
    scope: secretNamed('scope'),
  }),
};

/** Both by turns, each time in the other order. */
const byTurns = (runs: number): Task[] =>
  Array.from({ length: runs }, (_, run) => {
    const order = run % 2 === 0 ? statements : statements.toReversed();
    return order.map((statement): Task => ({ statement, inputs: inputsOf[statement](run) }));
  }).flat();

export const measureProving = ({ files }: Semaphore, runs: number): Promise<Proving> =>
  inBrowser({ 'semaphore.wasm': files.wasm, 'semaphore.zkey': files.zkey }, async (call, chromium) => {
    const { longTasks } = await stallsWhile(call, () => call('block', BLOCK_MS));
    if (longTasks === 0) throw new Error('this browser reports no long tasks');
    const idle = await stallsWhile(call, () => call('idle', IDLE_MS));
    const loadBefore = load();
    let [warm, fresh, app]: [Timed[], Timed[], number[]] = [[], [], []];
    const proving = await stallsWhile(call, async () => {
      warm = await call('prove', [...byTurns(1), ...byTurns(runs)], false);
      fresh = await call('prove', byTurns(runs), true);
      app = await call(
        'proveAsApp',
        Array.from({ length: runs }, (_, run) => taskAt(run % secrets.length)),
      );
    });
    const loadAfter = load();
    await checkAll([...warm, ...fresh], files.verificationKey);
    return {
      ...{ chromium, loadBefore, loadAfter },
      warm: compared(warm.slice(statements.length), ({ ms }) => ms),
      fresh: compared(fresh, ({ pageMs }) => pageMs),
      app: spreadOf(app),
      stalls: { proving, idle },
    };
  });

const taskAt = (index: number) => ({ claim: claimAt(index), holding: holdingAt(index) });

const stallsWhile = async (call: CallPage, work: () => Promise<void>): Promise<Stalls> => {
  await call('watch');
  await work();
  return call('stalls');
};

const compared = (all: readonly Timed[], ms: (each: Timed) => number): Compared => {
  const of = (statement: Statement): Spread =>
    spreadOf(all.filter((each) => each.statement === statement).map(ms));
  const [ours, semaphore] = [of('ours'), of('semaphore')];
  return { ours, semaphore, ratio: ours.medianMs / semaphore.medianMs };
};

/** Proofs that don't verify are not measured. */
const checkAll = async (all: readonly Timed[], semaphoreKey: string): Promise<void> => {
  const keys: Record<Statement, unknown> = {
    ours: committedKey,
    semaphore: JSON.parse(readFileSync(semaphoreKey, 'utf8')),
  };
  try {
    for (const { statement, signals, proof } of all)
      if (!(await groth16.verify(keys[statement], signals, proof)))
        throw new Error(`a proof of ${statement} does not verify`);
  } finally {
    await curves.terminate();
  }
};
