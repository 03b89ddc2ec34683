import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What the built app depends on, below the root of the tree. */
const sources = ['web', 'shared', 'circuits', 'vite.config.ts', 'package-lock.json'];

/** Whether `webDir` holds an app that is no older than its sources. A tree without sources has nothing to build. */
export const isBuilt = (root: string, webDir: string): boolean => {
  const page = join(webDir, 'index.html');
  if (!existsSync(page)) return false;
  const builtAt = statSync(page).mtimeMs;
  return sources.every((source) => newest(join(root, source)) <= builtAt);
};

/** Builds the app into `dist/web`. */
export const buildApp = async (root: string): Promise<void> => {
  const { build } = await import('vite');
  await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' });
};

const newest = (path: string): number => {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
};
