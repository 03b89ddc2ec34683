import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ReleaseList } from '#release/files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Builds the app into `folder` as `npm run build` does; `config` is a file's path from the root. */
export const buildInto = async (folder: string, config = 'vite.config.ts'): Promise<void> => {
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const args = ['build', '--config', config, '--outDir', folder, '--emptyOutDir', '--logLevel', 'error'];
  // What the runner of tests sets would make it a build for development.
  const env = { ...process.env, NODE_ENV: undefined, VITEST: undefined };
  await promisify(execFile)(process.execPath, [vite, ...args], { cwd: root, env });
};

export const releaseOf = (folder: string): ReleaseList =>
  JSON.parse(readFileSync(join(folder, 'release.json'), 'utf8')) as ReleaseList;
