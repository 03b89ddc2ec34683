/**
 * A reporter that ends a run in which nothing happens. No limit of a test helps where its worker itself stands still: what it waits for
 * is then printed, from /proc where there is one, and all that the run started is killed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

const LOOK_MS = 10_000;

type Process = { pid: number; parent: number; about: string };

const read = (pid: number, what: string): string => {
  try {
    return readFileSync(`/proc/${String(pid)}/${what}`, 'utf8')
      .replaceAll('\0', ' ')
      .trim();
  } catch {
    return '';
  }
};

/** All processes that `root` started, and those that they started. */
const startedBy = (root: number): Process[] => {
  const pids = readIfThere('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  const all = pids.map((pid) => {
    // The name in brackets may hold anything.
    const [state = '', parent = ''] = read(pid, 'stat')
      .replace(/^.*\) /, '')
      .split(' ');
    const about = `${state} in ${read(pid, 'wchan')}: ${read(pid, 'cmdline').slice(0, 200)}`;
    return { pid, parent: Number(parent), about };
  });
  const below = (pid: number): Process[] =>
    all.filter(({ parent }) => parent === pid).flatMap((each) => [each, ...below(each.pid)]);
  return below(root);
};

const readIfThere = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** One that has ended meanwhile is no fault. */
const end = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

export default class Watchdog implements Reporter {
  readonly #limitMs: number;
  readonly #running = new Set<string>();
  /** Counted in looks, so that time in which this process itself could not look is none. */
  #quietMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `limitMs`: longer than any test may take. */
  constructor({ limitMs }: { limitMs: number }) {
    this.#limitMs = limitMs;
  }

  onTestRunStart(): void {
    this.#happened();
    const everyMs = Math.min(LOOK_MS, this.#limitMs);
    this.#timer = setInterval(() => this.#look(everyMs), everyMs);
    this.#timer.unref();
  }

  onTestModuleQueued({ relativeModuleId }: TestModule): void {
    this.#running.add(relativeModuleId);
    this.#happened();
  }

  onTestModuleEnd({ relativeModuleId }: TestModule): void {
    this.#running.delete(relativeModuleId);
    this.#happened();
  }

  onTestCaseResult(): void {
    this.#happened();
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
  }

  #happened(): void {
    this.#quietMs = 0;
  }

  #look(passedMs: number): void {
    this.#quietMs += passedMs;
    if (this.#quietMs < this.#limitMs) return;
    const processes = startedBy(process.pid);
    console.error(
      [
        `Nothing has happened for ${String(this.#limitMs / 1000)} s, and the run ends here. Under way:`,
        ...[...this.#running].map((name) => `  ${name}`),
        'What it had started (state, and what the kernel waits for):',
        ...processes.map(({ pid, about }) => `  ${String(pid)} ${about}`),
      ].join('\n'),
    );
    for (const { pid } of processes) end(pid);
    process.exit(1);
  }
}
