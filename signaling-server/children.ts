import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A child that ran for so long begins again with the shortest wait. */
const STEADY_MS = 60_000;
const STOP_MS = 5_000;

/** Options of Node under which a child ends with its parent. */
export const leashed = ['--import', new URL('leash.ts', import.meta.url).href];

export type ChildSpec = {
  name: string;
  module: string;
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** Passes on what it says of faults only. */
  quiet?: boolean;
  /** Called for every process that is started under this name. */
  started?(child: ChildProcess): void;
  /** False: it is not started again. Without it every one is. */
  ended?(code: number | null): boolean;
};

/** Node programs that are kept running: one that ends is started again, ever later, until `stop`. */
export class Children {
  readonly #running = new Set<ChildProcess>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #say: (line: string) => void;
  #stopping = false;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  start(spec: ChildSpec, delayMs = FIRST_DELAY_MS): void {
    if (this.#stopping) return;
    const startedAt = Date.now();
    const child = fork(spec.module, spec.args ?? [], {
      env: spec.env ?? process.env,
      execArgv: leashed,
      stdio: ['ignore', spec.quiet === true ? 'ignore' : 'inherit', 'inherit', 'ipc'],
    });
    this.#running.add(child);
    child.on('error', () => undefined);
    child.once('exit', (code) => {
      this.#running.delete(child);
      if (this.#stopping || spec.ended?.(code) === false) return;
      const steady = Date.now() - startedAt > STEADY_MS;
      this.#again(spec, steady ? FIRST_DELAY_MS : delayMs);
    });
    spec.started?.(child);
  }

  /** Asks all to end, and kills what has not after five seconds. Resolves when none is left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const children = [...this.#running];
    const exits = children.map((child) => once(child, 'exit'));
    for (const child of children) child.kill('SIGTERM');
    const kill = setTimeout(() => {
      for (const child of children) child.kill('SIGKILL');
    }, STOP_MS);
    await Promise.all(exits);
    clearTimeout(kill);
  }

  #again(spec: ChildSpec, delayMs: number): void {
    this.#say(`${spec.name} ended; starting it again in ${String(delayMs / 1_000)} s`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.start(spec, Math.min(delayMs * 2, LONGEST_DELAY_MS));
    }, delayMs);
    this.#timers.add(timer);
  }
}
