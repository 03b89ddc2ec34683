import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** The files of a built app. Paths are those of its URLs, from the root on. */

/** The list of a release: each path, in order, with the SHA-256 of the file in hex. */
export type ReleaseList = { version: string; files: Record<string, string> };

export const LIST = '/release.json';
export const WORKER = '/sw.js';

/** Compressed copies are no files of their own. */
const COPY = /\.(br|gz)$/;

/** Sorted by their code units, so that the order is the same everywhere. */
export const pathsIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !COPY.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replaceAll('\\', '/'))
    .filter((path) => path !== LIST)
    .sort();

export const hashesOf = (folder: string, paths: readonly string[]): Record<string, string> =>
  Object.fromEntries(paths.map((path) => [path, sha256(readFileSync(join(folder, path)))]));

export const sha256 = (content: Uint8Array | string): string =>
  createHash('sha256').update(content).digest('hex');

/** Smaller ones gain nothing, and what is compressed in itself stands apart: fonts, pictures, keys. */
const COMPRESSIBLE = /\.(js|css|html|svg|json|webmanifest|wasm)$/;
const LEAST = 1024;

const brotli = promisify(brotliCompress);
const zipped = promisify(gzip);

/** Writes `.br` and `.gz` beside each file that gets smaller by it; the server sends them to whoever takes them. */
export const compress = async (folder: string): Promise<void> => {
  const paths = [...pathsIn(folder), LIST].filter((path) => COMPRESSIBLE.test(path));
  await Promise.all(
    paths.map(async (path) => {
      const content = readFileSync(join(folder, path));
      if (content.length < LEAST) return;
      const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
      writeFileSync(join(folder, `${path}.br`), await brotli(content, { params }));
      writeFileSync(join(folder, `${path}.gz`), await zipped(content, { level: 9 }));
    }),
  );
};
