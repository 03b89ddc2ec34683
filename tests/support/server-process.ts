import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { leashed } from '#server/children.ts';

const program = fileURLToPath(new URL('../../signaling-server/main.ts', import.meta.url));

export type ServerProcess = {
  port: number;
  pid: number;
  /** Resolves when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
};

/**
 * The directory as a process of its own, with these settings; resolves once it serves. Its log goes to `onLog`, line by
 * line, or else where this process's goes.
 */
export const spawnServer = async (
  env: Record<string, string>,
  onLog?: (line: string) => void,
): Promise<ServerProcess> => {
  const child = fork(program, [], {
    env: { ...process.env, HG_LOG_LEVEL: 'warn', ...env },
    execArgv: leashed,
    stdio: ['ignore', onLog ? 'pipe' : 'inherit', onLog ? 'pipe' : 'inherit', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream && onLog) createInterface(stream).on('line', onLog);
  }
  const ended = once(child, 'exit');
  const port = await new Promise<number>((serves, failed) => {
    child.once('message', (message: { port: number }) => serves(message.port));
    child.once('exit', (code) => failed(new Error(`the server ended with ${String(code)}`)));
  });
  return {
    port,
    pid: child.pid ?? 0,
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
};
