import type { Millis } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Archive } from '../stores/ports.ts';
import { USABLE_MS } from './compose.ts';
import { KEPT_NODES_MS } from './consensus.ts';
import type { Publish } from './descriptors.ts';
import { EVENTS_KEPT_MS } from './events.ts';

const SWEEP_MS: Millis = 60_000;

export type SweeperOptions = { archive: Archive; clock: Clock; log: Logger; publish: Publish };

/** Removes what is past its time from the archive, once a minute. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #cancel: (() => void) | undefined;
  #running = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** The first sweep is done when it resolves. */
  start(): Promise<void> {
    this.#running = true;
    return this.#sweep();
  }

  stop(): void {
    this.#running = false;
    this.#cancel?.();
  }

  async #sweep(): Promise<void> {
    const { archive, clock, log, publish } = this.#options;
    const now = clock.now();
    const [nodesBefore, chainBefore] = [now - KEPT_NODES_MS, now - USABLE_MS];
    try {
      await archive.sweep({ now, nodesBefore, chainBefore, eventsBefore: now - EVENTS_KEPT_MS });
      await publish.count();
    } catch (error) {
      log.error({ err: error }, 'the archive could not be swept');
    }
    if (this.#running) this.#cancel = clock.after(SWEEP_MS, () => void this.#sweep());
  }
}
