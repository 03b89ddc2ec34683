import { searchWork, type WorkTask } from '../crypto/work.ts';

/** Hashes in one piece of work, some milliseconds' worth. */
const SLICE = 2_000;

type Search = { task: WorkTask; done: (work: number) => void };

/** Searches for work, a slice at a time: each that is wanted has its turn, and nothing else is held up. */
export class Searches {
  readonly #later: (run: () => void) => void;
  /** By turn. */
  readonly #wanted = new Set<Search>();
  #running = false;

  /** `later` runs something soon, after what is queued already. */
  constructor(later: (run: () => void) => void) {
    this.#later = later;
  }

  /** `done` is told what was found, once; the returned function cancels. */
  begin(task: WorkTask, done: (work: number) => void): () => void {
    const search = { task, done };
    this.#wanted.add(search);
    this.#go();
    return () => void this.#wanted.delete(search);
  }

  stop(): void {
    this.#wanted.clear();
  }

  #go(): void {
    if (this.#running || this.#wanted.size === 0) return;
    this.#running = true;
    this.#later(() => {
      this.#running = false;
      this.#slice();
    });
  }

  #slice(): void {
    const [search] = this.#wanted;
    if (!search) return;
    const { challenge, bits, from } = search.task;
    const result = searchWork(challenge, bits, from, SLICE);
    this.#wanted.delete(search);
    if ('next' in result) {
      search.task = { challenge, bits, from: result.next };
      this.#wanted.add(search);
    }
    this.#go();
    if ('work' in result) search.done(result.work);
  }
}
