/**
 * `npm start`: builds the app when it is missing or older than its sources, runs the directory and a few headless
 * relays beside it, so that one person can try the whole network alone, and ends them all together.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hex } from '#shared/bytes/bytes.ts';
import { readConsensus } from '#shared/directory/consensus.ts';
import { codeOf } from '#shared/errors.ts';
import { buildApp, isBuilt } from './build.ts';
import { Children } from './children.ts';
import { readConfig, type Config } from './config.ts';
import { EXIT_FAILURE, StartError } from './start-error.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const POLL_MS = 250;
const FAMILY_LENGTH = 32;
/** After so long without all the relays it says so, and serves with those that are there. */
const RELAYS_MS = 45_000;
const PARENT_MS = 500;

const say = (line: string): void => {
  console.log(line);
};

const start = async (): Promise<void> => {
  const config = readConfig(process.env);
  const children = new Children(say);
  stopWith(children);
  await ensureApp(config);
  const startedAt = Date.now();
  const port = await startDirectory(children);
  const url = `http://localhost:${String(port)}`;
  startRelays(children, url, config);
  const listed = await awaitRelays(url, config.localRelays, startedAt);
  if (listed < config.localRelays) {
    say(
      `Only ${String(listed)} of ${String(config.localRelays)} local relays have joined so far; the others are still trying.`,
    );
  }
  say(`Hourglass is ready: ${url}/`);
};

const ensureApp = async ({ webDir }: Config): Promise<void> => {
  const built = join(root, 'dist/web');
  if (resolve(webDir) !== resolve(built) || isBuilt(root, built)) return;
  say('Building the app...');
  await buildApp(root);
};

/** The port, once it serves. A directory that ends before is not started again, and ends this program. */
const startDirectory = (children: Children): Promise<number> =>
  new Promise((serves) => {
    // With the port that was free at first a directory that is started again is found by its relays.
    const env: NodeJS.ProcessEnv = { HG_LOG_LEVEL: 'warn', ...process.env };
    let up = false;
    children.start({
      name: 'The directory',
      module: join(root, 'signaling-server/main.ts'),
      env,
      started(child) {
        child.once('message', ({ port }: { port: number }) => {
          up = true;
          env['HG_PORT'] = String(port);
          serves(port);
        });
      },
      ended(code) {
        if (!up) void stopAll(children, code ?? EXIT_FAILURE);
        return up;
      },
    });
  });

const startRelays = (children: Children, url: string, { localRelays, dataDir }: Config): void => {
  const folder = join(resolve(dataDir), 'relays');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // They have one operator, which paths have to know: whoever runs them all sees what any of them sees.
  const family = hex(randomBytes(FAMILY_LENGTH));
  for (let i = 1; i <= localRelays; i++) {
    const args = ['--directory', url, '--key', join(folder, `${String(i)}.key`), '--family', family];
    children.start({ name: `Relay ${String(i)}`, module: join(root, 'relay/main.ts'), args, quiet: true });
  }
};

/** Waits until as many headless nodes are listed whose descriptors were signed since the start. */
const awaitRelays = async (url: string, wanted: number, since: number): Promise<number> => {
  const deadline = Date.now() + RELAYS_MS;
  for (;;) {
    const listed = await listedRelays(url, since);
    if (listed >= wanted || Date.now() > deadline) return listed;
    await sleep(POLL_MS);
  }
};

const listedRelays = async (url: string, since: number): Promise<number> => {
  try {
    const response = await fetch(`${url}/consensus`);
    if (!response.ok) return 0;
    const { nodes } = readConsensus(new Uint8Array(await response.arrayBuffer())).verify({});
    return nodes.filter(({ capabilities, published }) => capabilities.headless && published >= since).length;
  } catch {
    return 0;
  }
};

let stopping: Promise<never> | undefined;

const stopAll = (children: Children, code: number): Promise<never> => {
  stopping ??= children.stop().then(() => process.exit(code));
  return stopping;
};

const stopWith = (children: Children): void => {
  process.on('SIGTERM', () => void stopAll(children, 0));
  process.on('SIGINT', () => void stopAll(children, 0));
  if (process.env['npm_lifecycle_event'] !== 'start') return;
  // npm hands a signal to its shell, which may die of it and pass on nothing.
  const parent = process.ppid;
  const orphaned = (): boolean => process.ppid !== parent;
  setInterval(() => void (orphaned() && stopAll(children, 0)), PARENT_MS).unref();
};

start().catch((error: unknown) => {
  const told = error instanceof StartError || codeOf(error) !== 'internal';
  console.error(told ? (error as Error).message : error);
  process.exit(error instanceof StartError ? error.exitCode : EXIT_FAILURE);
});
