import type { Millis } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';

const AGAIN_MS: Millis = 60_000;

/** Says once in a while what goes on failing. */
export class Complaint {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #line: string;
  #saidAt: Millis = -Infinity;

  constructor(clock: Clock, log: Logger, line: string) {
    this.#clock = clock;
    this.#log = log;
    this.#line = line;
  }

  readonly say = (error: unknown): void => {
    const now = this.#clock.now();
    if (now - this.#saidAt < AGAIN_MS) return;
    this.#saidAt = now;
    this.#log.error({ err: error }, this.#line);
  };
}
