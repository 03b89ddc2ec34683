import { LocalError } from '#shared/errors.ts';

type Turn = { begin(): void; shed(): void };

/** Lets so many pieces of work go on at once, and so many more wait; when one more comes, the oldest that waits is shed. */
export class Gate {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #waiting: Turn[] = [];
  #running = 0;

  constructor(most: number, mostWaiting: number) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  /** Rejects with `try-later` when the work was shed before it began. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await this.#turn();
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next.begin();
      else this.#running -= 1;
    }
  }

  /** Who waited longest is the most likely to have given up. */
  #turn(): Promise<void> {
    return new Promise((begin, reject) => {
      const shed = (): void => {
        reject(new LocalError('try-later', 'too much under way'));
      };
      this.#waiting.push({ begin, shed });
      if (this.#waiting.length > this.#mostWaiting) this.#waiting.shift()?.shed();
    });
  }
}
