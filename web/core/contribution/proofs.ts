import { LocalError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { OnProgress, Proved } from '#circuits/prove.ts';
import type { Host } from '#web/core/host.ts';
import { Proving, type ProverOrder, type ProverTask, type ProverWorker } from '#web/core/prover.ts';

const TIMEOUT_MS: Millis = 60_000;

/** Proofs, one at a time: each takes a core of this machine for seconds. */
export class Proofs {
  readonly #start: () => ProverWorker;
  readonly #timer: Host['ports']['timer'];
  #last: Promise<unknown> = Promise.resolve();
  #now: Proving | undefined;
  #stopped = false;

  constructor(start: () => ProverWorker, timer: Host['ports']['timer']) {
    this.#start = start;
    this.#timer = timer;
  }

  /** Rejects with what `Proving` rejects with. */
  async prove(task: ProverTask, onProgress?: OnProgress): Promise<Proved> {
    const proved = await this.#inTurn(task, onProgress);
    if (!proved) throw new LocalError('internal', 'no proof');
    return proved;
  }

  /** Fetches what proving needs. Rejects as `prove` does. */
  async fetch(): Promise<void> {
    await this.#inTurn('fetch');
  }

  stop(): void {
    this.#stopped = true;
    this.#now?.cancel();
  }

  #inTurn(order: ProverOrder, onProgress?: OnProgress): Promise<Proved | undefined> {
    const done = this.#last.then(() => this.#run(order, onProgress));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #run(order: ProverOrder, onProgress: OnProgress | undefined): Promise<Proved | undefined> {
    if (this.#stopped) throw new LocalError('finished');
    const options = { start: this.#start, timer: this.#timer, timeoutMs: TIMEOUT_MS };
    this.#now = new Proving(order, { ...options, ...(onProgress && { onProgress }) });
    try {
      return await this.#now.result;
    } finally {
      this.#now = undefined;
    }
  }
}
