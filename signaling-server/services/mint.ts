import { Worker } from 'node:worker_threads';
import type { Presented } from '#circuits/verify.ts';
import type { Claim } from '#shared/contribution/statement.ts';
import type { Evaluation, VoprfKeys } from '#shared/crypto/voprf.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { MintAnswer, MintJob } from './mint-messages.ts';

/** Checks proofs and makes tokens, which takes milliseconds of computing for each. */
export type Mint = {
  /** Whether proofs wait: what is worth less than a proof comes later. */
  readonly busy: boolean;
  /** Rejects with `try-later` when too many wait. */
  verify(proof: Uint8Array, claim: Claim): Promise<boolean>;
  /** Rejects with `malformed` for what is no element, with `try-later` when too many wait. */
  evaluate(keys: VoprfKeys, elements: readonly Uint8Array[]): Promise<Evaluation>;
  stop(): Promise<void>;
};

/** Proofs that are checked together, in less time than by themselves. */
const BATCH = 32;
/** Of each kind: about what is done in three seconds, which nobody waits longer for. */
const MOST_WAITING = 96;

type Waiting<Task, Answer> = {
  task: Task;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
};
type Proof = Waiting<Presented, boolean>;
type Blank = Waiting<Extract<MintJob, { type: 'evaluate' }>, Evaluation>;

/** The mint in a thread of its own, which begins with the first task, so that requests are never held up. */
export class ThreadMint implements Mint {
  readonly #proofs: Proof[] = [];
  readonly #blanks: Blank[] = [];
  #thread: Worker | undefined;
  /** What the thread is at; one job at a time. */
  #current: { settle(answer: MintAnswer): void; reject(error: unknown): void } | undefined;
  #stopped = false;

  get busy(): boolean {
    return this.#proofs.length > 0;
  }

  verify(proof: Uint8Array, claim: Claim): Promise<boolean> {
    return this.#add(this.#proofs, { proof, claim });
  }

  evaluate(keys: VoprfKeys, elements: readonly Uint8Array[]): Promise<Evaluation> {
    return this.#add(this.#blanks, { type: 'evaluate', keys, elements: [...elements] });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const error = new LocalError('try-later', 'about to stop');
    for (const { reject } of [...this.#proofs.splice(0), ...this.#blanks.splice(0)]) reject(error);
    this.#current?.reject(error);
    await this.#thread?.terminate();
  }

  #add<Task, Answer>(queue: Waiting<Task, Answer>[], task: Task): Promise<Answer> {
    if (this.#stopped || queue.length >= MOST_WAITING)
      return Promise.reject(new LocalError('try-later', 'too much to compute'));
    return new Promise((resolve, reject) => {
      queue.push({ task, resolve, reject });
      this.#next();
    });
  }

  /** Tokens first: they were paid for. */
  #next(): void {
    if (this.#current) return;
    const blank = this.#blanks.shift();
    if (blank) this.#evaluate(blank);
    else if (this.#proofs.length > 0) this.#verify(this.#proofs.splice(0, BATCH));
  }

  #evaluate({ task, resolve, reject }: Blank): void {
    this.#give(task, reject, (answer) => {
      if (answer.type === 'evaluated') resolve(answer.evaluation);
      else reject(refusal(answer));
    });
  }

  #verify(proofs: Proof[]): void {
    const fail = (error: unknown): void => {
      for (const { reject } of proofs) reject(error);
    };
    const job: MintJob = { type: 'verify', batch: proofs.map(({ task }) => task) };
    this.#give(job, fail, (answer) => {
      if (answer.type === 'verified') proofs.forEach(({ resolve }, i) => resolve(answer.holds[i] === true));
      else fail(refusal(answer));
    });
  }

  #give(job: MintJob, reject: (error: unknown) => void, settle: (answer: MintAnswer) => void): void {
    this.#current = { settle, reject };
    this.#thread ??= this.#begin();
    this.#thread.postMessage(job);
  }

  #begin(): Worker {
    const thread = new Worker(new URL('./mint-thread.ts', import.meta.url));
    thread.unref();
    thread.on('message', (answer: MintAnswer) => {
      const current = this.#current;
      this.#current = undefined;
      current?.settle(answer);
      this.#next();
    });
    thread.on('error', (error) => {
      this.#lost(thread, error);
    });
    thread.on('exit', () => {
      this.#lost(thread, new LocalError('internal', 'the thread that computes ended'));
    });
    return thread;
  }

  /** What it was at has failed; another one goes on with what waits. */
  #lost(thread: Worker, error: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    const current = this.#current;
    this.#current = undefined;
    current?.reject(error);
    if (!this.#stopped) this.#next();
  }
}

const refusal = (answer: MintAnswer): Error => {
  const code = answer.type === 'refused' ? answer.code : 'internal';
  return code === 'malformed'
    ? new RemoteError(code, 'no element')
    : new LocalError(code, 'computing failed');
};
