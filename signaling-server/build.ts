import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { leashed } from './children.ts';
import { EXIT_FAILURE, StartError } from './start-error.ts';

/** What the built app depends on, below the root of the tree. */
const sources = ['web', 'shared', 'circuits', 'release', 'vite.config.ts', 'package-lock.json'];

/** Whether `webDir` holds an app that is no older than its sources. A tree without sources has nothing to build. */
export const isBuilt = (root: string, webDir: string): boolean => {
  const page = join(webDir, 'index.html');
  if (!existsSync(page)) return false;
  const builtAt = statSync(page).mtimeMs;
  return sources.every((source) => newest(join(root, source)) <= builtAt);
};

/** Builds the app into `dist/web`, in a process of its own. Throws `StartError`. */
export const buildApp = async (root: string): Promise<void> => {
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const advice = 'See what `npm run build` says.';
  if (!existsSync(vite))
    throw new StartError(`The app is not built, and Vite is not installed. ${advice}`, EXIT_FAILURE);
  const child = fork(vite, ['build', '--logLevel', 'warn'], { cwd: root, execArgv: leashed });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new StartError(`The app could not be built. ${advice}`, EXIT_FAILURE);
};

const newest = (path: string): number => {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
};
