/**
 * One process of the directory. Settings come from the environment (`config.ts`); exit codes: 0 after SIGTERM or
 * SIGINT, 78 when settings can't be used, 1 otherwise. A parent with an IPC channel is told `{ port }` once it serves.
 */
import { codeOf } from '#shared/errors.ts';
import { readConfig } from './config.ts';
import { createHop } from './hop.ts';
import { createLog, type Logger } from './log.ts';
import { startServer, type RunningServer } from './server.ts';
import { EXIT_FAILURE, StartError } from './start-error.ts';

const main = async (): Promise<void> => {
  // What it writes is for its own user alone.
  process.umask(0o077);
  const config = readConfig(process.env);
  const log = createLog(config.logLevel);
  stopOnFault(log);
  const server = await startServer({ config, log, createHop });
  stopOnSignal(server, log);
  process.send?.({ port: server.port });
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

const stopOnSignal = (server: RunningServer, log: Logger): void => {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    log.info('stopping');
    server.stop().then(
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
