import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Made, installed, or bound to one machine: as .gitignore has it. */
const skipped = ['.git', '.cache', 'node_modules', 'dist', 'data', 'coverage', 'test-results'];

const files = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.includes(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : entry.isFile() ? [path] : [];
  });

/**
 * What ties a text to one machine, and what is left undone. In pieces, so that this file does not hold what it looks
 * for.
 */
const foreign = [
  ['/wo', 'rk/'],
  ['/tm', 'p/'],
  ['/ro', 'ot/'],
  ['/ho', 'me/'],
  ['TO', 'DO'],
  ['FIX', 'ME'],
].map((pieces) => pieces.join(''));

it('no file names a place on one machine, or holds work that is left undone', () => {
  const found = files(root).flatMap((path) => {
    const bytes = readFileSync(path);
    if (bytes.includes(0) || path.endsWith('.log')) return [];
    const text = bytes.toString('utf8');
    return foreign.filter((word) => text.includes(word)).map((word) => `${relative(root, path)}: ${word}`);
  });
  expect(found).toEqual([]);
});
