import type { Millis } from '#shared/units.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';

const EVERY_MS: Millis = 2_000;
const LIMIT_MS: Millis = 2_000;

type Store = { ping(): Promise<void> };

export type HealthOptions = {
  /** By the names under which they are reported. */
  stores: Record<string, Store>;
  clock: Clock;
  log: Logger;
};

/** Asks each store every 2 s whether it is there. Whatever does not answer within 2 s is away until it does. */
export class Health {
  readonly #options: HealthOptions;
  readonly #away = new Set<string>();
  readonly #alarms = new Map<string, () => void>();
  #running = false;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** Names of the stores that do not answer, sorted. */
  get away(): string[] {
    return [...this.#away].sort();
  }

  start(): void {
    this.#running = true;
    for (const [name, store] of Object.entries(this.#options.stores)) this.#ask(name, store);
  }

  stop(): void {
    this.#running = false;
    for (const cancel of this.#alarms.values()) cancel();
    this.#alarms.clear();
  }

  /** The next question waits for an answer to this one, however late: unanswered ones do not pile up. */
  #ask(name: string, store: Store): void {
    const { clock } = this.#options;
    const askedAt = clock.now();
    this.#alarms.set(
      name,
      clock.after(LIMIT_MS, () => {
        this.#note(name, false);
      }),
    );
    const answered = (there: boolean): void => {
      if (!this.#running) return;
      this.#alarms.get(name)?.();
      this.#note(name, there);
      const wait = Math.max(0, askedAt + EVERY_MS - clock.now());
      this.#alarms.set(
        name,
        clock.after(wait, () => {
          this.#ask(name, store);
        }),
      );
    };
    store.ping().then(
      () => {
        answered(true);
      },
      () => {
        answered(false);
      },
    );
  }

  #note(name: string, there: boolean): void {
    if (this.#away.has(name) !== there) return;
    const { log } = this.#options;
    if (there) {
      this.#away.delete(name);
      log.info({ store: name }, 'the store answers again');
    } else {
      this.#away.add(name);
      log.error({ store: name }, 'the store does not answer');
    }
  }
}
