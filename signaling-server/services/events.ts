import type { Code } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Archive } from '../stores/ports.ts';

const WRITE_MS: Millis = 60_000;
/** How long an operator can look back. */
export const EVENTS_KEPT_MS: Millis = 7 * 24 * 3_600_000;

/** What is told of one process: that it came, went or leads, and how often it refused something, by code. */
export type DirectoryEvent = 'started' | 'stopped' | 'leader' | 'refused';

export type EventLogOptions = { process: string; archive: Archive; clock: Clock; log: Logger };

type Noted = { event: DirectoryEvent; code: Code; time: Millis; count: number };

/** Counts events and writes them once a minute: codes and numbers, nothing of anybody. */
export class EventLog {
  readonly #options: EventLogOptions;
  /** By event and code, of which there are few. */
  #noted = new Map<string, Noted>();
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: EventLogOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.after(WRITE_MS, () => {
      this.start();
      void this.#write();
    });
  }

  note(event: DirectoryEvent, code: Code = 'none'): void {
    this.#add({ event, code, time: this.#options.clock.now(), count: 1 });
  }

  /** Writes what was noted until now. */
  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#write();
  }

  #add(noted: Noted): void {
    const key = `${noted.event} ${noted.code}`;
    const known = this.#noted.get(key);
    if (!known) this.#noted.set(key, noted);
    else {
      known.count += noted.count;
      known.time = Math.min(known.time, noted.time);
    }
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeNoted());
    return this.#writing;
  }

  async #writeNoted(): Promise<void> {
    const { process, archive, log } = this.#options;
    const batch = [...this.#noted.values()];
    this.#noted = new Map();
    if (batch.length === 0) return;
    try {
      await archive.addEvents(
        batch.map(({ event, code, time, count }) => ({ time, process, event, code, count })),
      );
    } catch (error) {
      for (const noted of batch) this.#add(noted);
      log.error({ err: error }, 'the events could not be written yet');
    }
  }
}
