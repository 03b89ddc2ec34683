import type { CircuitSignals, Groth16Proof } from 'snarkjs';
import type { ProverTask } from '#web/core/prover.ts';

export const statements = ['ours', 'semaphore'] as const;
export type Statement = (typeof statements)[number];

/** To the worker: one proof. */
export type Task = { readonly statement: Statement; readonly inputs: CircuitSignals };

/** From the worker. `ms`: of `fullProve` alone, with the files at hand. */
export type Done = { readonly ms: number; readonly proof: Groth16Proof; readonly signals: string[] };
export type FromWorker = Done | { readonly failed: string };

/** One proof as the page saw it; `pageMs` counts from the message to the worker, or from its start if it is fresh. */
export type Timed = Done & { readonly statement: Statement; readonly pageMs: number };

/** What kept the page's thread, in ms; 0 if nothing did. */
export type Stalls = {
  /** Tasks of 50 ms and more, as the browser reports them. */
  readonly longTasks: number;
  readonly longestTaskMs: number;
  /** The longest time between two turns of a timer of 4 ms, and between two frames. */
  readonly timerGapMs: number;
  readonly frameGapMs: number;
  readonly watchedMs: number;
};

/** What the page offers to the bench. */
export type Page = {
  /** One after the other; `fresh`: each in a worker of its own. */
  prove(tasks: readonly Task[], fresh: boolean): Promise<Timed[]>;
  /** As the app does it: `Proving` with a one-shot worker. Times in ms from start to proof. */
  proveAsApp(tasks: readonly ProverTask[]): Promise<number[]>;
  idle(ms: number): Promise<void>;
  /** Keeps the page's thread busy: what `stalls` has to see. */
  block(ms: number): Promise<void>;
  /** Calls `stalls` for what came since. */
  watch(): void;
  stalls(): Promise<Stalls>;
};
