import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '#tests/support/test-network.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const READY_MS = 60_000;
const STOP_MS = 10_000;

export type Started = {
  /** As its ready line says. */
  url: string;
  /** From the start to the ready line. */
  readyMs: number;
  output(): string;
  /** Sends SIGTERM to npm, as whoever runs it may; rejects when something of it lives on after ten seconds. */
  stop(): Promise<void>;
};

/** `npm start`, in a process group of its own, on a free port and with an empty data folder. */
export const npmStart = async (env: Record<string, string> = {}): Promise<Started> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'hourglass-start-'));
  const startedAt = Date.now();
  const child = spawn('npm', ['start'], {
    cwd: root,
    detached: true,
    env: { ...ownEnv(), HG_PORT: '0', HG_DATA_DIR: dataDir, HG_CANDIDATES: 'loopback', ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output += data.toString()));
  const { pid } = child;
  if (pid === undefined) throw new Error('npm could not be started');
  const exited = once(child, 'exit');
  // After the last of a group is gone there is nobody to send anything to.
  const group = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-pid, signal);
    } catch {
      return false;
    }
  };
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    try {
      child.kill('SIGTERM');
      await eventually('the end of npm start and all that it started', () => !group(0), STOP_MS);
      await exited;
    } finally {
      group('SIGKILL');
      rmSync(dataDir, { recursive: true, force: true });
    }
  };
  const ready = (): string | undefined => /^Hourglass is ready: (http:\S+)$/m.exec(output)?.[1];
  try {
    await eventually('the ready line', () => ready() !== undefined || child.exitCode !== null, READY_MS);
    const url = ready();
    if (url === undefined) throw new Error(`npm start ended:\n${output}`);
    return { url, readyMs: Date.now() - startedAt, output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** Without what the test runner told its own process. */
const ownEnv = (): NodeJS.ProcessEnv => {
  const entries = Object.entries(process.env);
  return Object.fromEntries(
    entries.filter(([name]) => !/^(VITEST|NODE_ENV$|HG_|TEST$|DEV$|PROD$|MODE$|SSR$)/.test(name)),
  );
};
