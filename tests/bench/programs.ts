import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leashed } from '#server/children.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const STOP_MS = 5_000;

export type ProgramOptions = {
  args?: string[];
  env?: Record<string, string>;
  profileDir?: string | undefined;
};

/** A program of this tree as a process of its own, so that its CPU time can be told from the others'. */
export class Program {
  readonly child: ChildProcess;

  /** `profileDir`: where a CPU profile is left when it ends. */
  constructor(module: string, { args = [], env = {}, profileDir }: ProgramOptions = {}) {
    if (profileDir !== undefined) mkdirSync(profileDir, { recursive: true });
    const profiled = profileDir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileDir];
    this.child = fork(join(root, module), args, {
      env: { ...process.env, ...env },
      execArgv: [...leashed, ...profiled],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** The first thing it says. Rejects when it ends before. */
  async first<T>(): Promise<T> {
    const ended = once(this.child, 'exit').then(([code]) => {
      throw new Error(`a program of the bench ended with ${String(code)}`);
    });
    const [message] = (await Promise.race([once(this.child, 'message'), ended])) as [T];
    return message;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const kill = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await exit;
    clearTimeout(kill);
  }
}
