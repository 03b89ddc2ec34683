import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { leashed } from '#server/children.ts';

const program = fileURLToPath(new URL('../../signaling-server/main.ts', import.meta.url));

export type ServerProcess = {
  port: number;
  /** Resolves when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
};

/** The directory as a process of its own, with these settings; resolves once it serves. */
export const spawnServer = async (env: Record<string, string>): Promise<ServerProcess> => {
  const child = fork(program, [], {
    env: { ...process.env, HG_LOG_LEVEL: 'warn', ...env },
    execArgv: leashed,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const port = await new Promise<number>((serves, failed) => {
    child.once('message', (message: { port: number }) => serves(message.port));
    child.once('exit', (code) => failed(new Error(`the server ended with ${String(code)}`)));
  });
  return {
    port,
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
};
