import { LocalError, type Code } from '#shared/errors.ts';
import type { Holding, OpenClaim } from '#shared/contribution/statement.ts';
import type { Millis } from '#shared/units.ts';
import type { OnProgress, Proved } from '#circuits/prove.ts';

/** A proof takes seconds of one core, so a worker of its own makes it, makes one, and is ended. */
export type ProverTask = { readonly claim: OpenClaim; readonly holding: Holding };

/** Or it fetches what proving needs, so that a later one finds that in the browser's cache. */
export type ProverOrder = ProverTask | 'fetch';

export type FromProver =
  | { readonly type: 'progress'; readonly fraction: number }
  | { readonly type: 'proved'; readonly proved: Proved }
  | { readonly type: 'fetched' }
  | { readonly type: 'failed'; readonly code: Code };

/** What is used of a Worker. */
export type ProverWorker = {
  postMessage(order: ProverOrder): void;
  onmessage: ((event: { data: FromProver }) => void) | null;
  onerror: ((event: never) => void) | null;
  terminate(): void;
};

export type ProvingOptions = {
  /** Starts web/core/prover.worker.ts. */
  readonly start: () => ProverWorker;
  /** Runs once after a delay; the returned function cancels. */
  readonly timer: (delayMs: Millis, run: () => void) => () => void;
  readonly timeoutMs: Millis;
  readonly onProgress?: OnProgress;
};

/** One proof under way, or one fetch. */
export class Proving {
  /** Undefined after a fetch. Rejects with a LocalError: `refused` by the prover, `timeout`, `finished` when cancelled, `internal`. */
  readonly result: Promise<Proved | undefined>;
  #settle: (end: { proved: Proved | undefined } | { code: Code }) => void = () => undefined;

  constructor(order: ProverOrder, { start, timer, timeoutMs, onProgress }: ProvingOptions) {
    const worker = start();
    this.result = new Promise((resolve, reject) => {
      const cancelTimer = timer(timeoutMs, () => this.#settle({ code: 'timeout' }));
      this.#settle = (end) => {
        this.#settle = () => undefined;
        cancelTimer();
        worker.onmessage = null;
        worker.onerror = null;
        // Whatever it holds of the secret goes with it.
        worker.terminate();
        if ('proved' in end) resolve(end.proved);
        else reject(new LocalError(end.code));
      };
    });
    worker.onmessage = ({ data }) => {
      if (data.type === 'progress') onProgress?.(data.fraction);
      else if (data.type === 'fetched') this.#settle({ proved: undefined });
      else this.#settle(data.type === 'proved' ? data : { code: data.code });
    };
    worker.onerror = () => this.#settle({ code: 'internal' });
    worker.postMessage(order);
  }

  cancel(): void {
    this.#settle({ code: 'finished' });
  }
}
