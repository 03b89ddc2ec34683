/**
 * One process of the directory. Settings come from the environment (`config.ts`); exit codes: 0 after SIGTERM or
 * SIGINT, 78 when settings can't be used, 1 otherwise. A parent with an IPC channel is told `{ port }` once it serves.
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hex } from '#shared/bytes/bytes.ts';
import { codeOf } from '#shared/errors.ts';
import { Children } from './children.ts';
import { readConfig, type Config } from './config.ts';
import { createHop } from './hop.ts';
import { createLog, type Logger } from './log.ts';
import { startServer, type RunningServer } from './server.ts';
import { setupWarning } from './setup.ts';
import { EXIT_FAILURE, StartError } from './start-error.ts';

const main = async (): Promise<void> => {
  // What it writes is for its own user alone.
  process.umask(0o077);
  const config = readConfig(process.env);
  const log = createLog(config.logLevel);
  stopOnFault(log);
  const server = await startServer({ config, log, createHop });
  const warned = setupWarning(config);
  if (warned !== undefined) log.warn(warned);
  const children = new Children((line) => log.warn(line));
  if (server.auditor && config.contribution !== 'off')
    startAuditor(children, server.auditor, server.port, config);
  stopOnSignal({ server, children, log, drainMs: config.drainMs });
  process.send?.({ port: server.port });
};

/** It asks this very process, since no other knows its key. */
const startAuditor = (
  children: Children,
  { seed }: { seed: Uint8Array },
  port: number,
  { host, dataDir }: Config,
): void => {
  const anywhere = ['0.0.0.0', '::'].includes(host);
  const address = anywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  const guards = join(resolve(dataDir), 'auditor-guards.json');
  children.start({
    name: 'The auditor',
    module: fileURLToPath(new URL('../relay/auditor-main.ts', import.meta.url)),
    args: ['--directory', `http://${address}:${String(port)}`, '--guards', guards],
    quiet: true,
    started: (child) => void child.send({ seed: hex(seed) }),
  });
};

/** What no code expected leaves the process in no known state: it ends, and whoever runs it starts it again. */
const stopOnFault = (log: Logger): void => {
  const fault = (error: unknown): void => {
    log.fatal({ err: error }, 'fault');
    process.exit(EXIT_FAILURE);
  };
  process.on('uncaughtException', fault);
  process.on('unhandledRejection', fault);
};

/** After draining, stopping takes no longer. */
const STOP_MS = 10_000;

type Running = { server: RunningServer; children: Children; log: Logger; drainMs: number };

const stopOnSignal = ({ server, children, log, drainMs }: Running): void => {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    log.info('stopping');
    // Whatever holds it up: who asked it to stop may be gone.
    setTimeout(() => process.exit(EXIT_FAILURE), drainMs + STOP_MS).unref();
    Promise.all([children.stop(), server.stop()]).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopped badly');
        process.exit(EXIT_FAILURE);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
};

main().catch((error: unknown) => {
  const told = error instanceof StartError || codeOf(error) !== 'internal';
  console.error(told ? (error as Error).message : error);
  process.exitCode = error instanceof StartError ? error.exitCode : EXIT_FAILURE;
  process.exit();
});
