import { LocalError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Clock } from '../clock.ts';

const SLICE_MS: Millis = 8;

/** Does long work in slices, so that requests are answered in between. A slice ends with the step that makes it too long. */
export class Slices {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #stopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What the generator returns; throws `try-later` when it was stopped before. */
  async run<T>(work: Generator<void, T>): Promise<T> {
    for (;;) {
      if (this.#stopped) throw new LocalError('try-later', 'about to stop');
      const began = this.#clock.now();
      do {
        const step = work.next();
        if (step.done === true) return step.value;
      } while (this.#clock.now() - began < SLICE_MS);
      await this.#pause();
    }
  }

  /** What is under way ends here. */
  stop(): void {
    this.#stopped = true;
    for (const wake of this.#waiting) wake();
  }

  #pause(): Promise<void> {
    return new Promise((done) => {
      const wake = (): void => {
        cancel();
        this.#waiting.delete(wake);
        done();
      };
      const cancel = this.#clock.after(0, wake);
      this.#waiting.add(wake);
    });
  }
}
