import type { Context } from './context.ts';

/** Answers that are awaited from outside, each under the number of its job. Who begins one bounds how many. */
export class Jobs<T> {
  readonly #context: Context;
  readonly #waiting = new Map<number, (answer: T) => void>();

  constructor(context: Context) {
    this.#context = context;
  }

  get size(): number {
    return this.#waiting.size;
  }

  begin(done: (answer: T) => void): number {
    const job = this.#context.handle();
    this.#waiting.set(job, done);
    return job;
  }

  /** Nobody waits for it any more. */
  drop(job: number): void {
    this.#waiting.delete(job);
  }

  /** One that nobody waits for is let go. */
  done(job: number, answer: T): void {
    const waiting = this.#waiting.get(job);
    this.#waiting.delete(job);
    waiting?.(answer);
  }
}
