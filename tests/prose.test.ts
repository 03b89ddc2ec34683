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
 * What ties a text to one machine or to how it came about. In pieces, so that this file does not hold what it looks
 * for.
 */
const foreign = [
  ['/wo', 'rk/'],
  ['/tm', 'p/'],
  ['/ro', 'ot/'],
  ['/ho', 'me/'],
  ['shared/', 'design'],
  ['normative ', 'design'],
  ['lang', 'uage model'],
  ['sub', 'agent'],
  ['TO', 'DO'],
  ['FIX', 'ME'],
].map((pieces) => pieces.join(''));

/** Where packages come from is the lock file's to say. */
const registry = ['registry.', 'npmjs'].join('');

it('no file names a place on one machine, or speaks of how it was made', () => {
  const found = files(root).flatMap((path) => {
    const bytes = readFileSync(path);
    if (bytes.includes(0) || path.endsWith('.log')) return [];
    const name = relative(root, path);
    const words = name === 'package-lock.json' ? foreign : [...foreign, registry];
    const text = bytes.toString('utf8');
    return words.filter((word) => text.includes(word)).map((word) => `${name}: ${word}`);
  });
  expect(found).toEqual([]);
});

it('the lock file takes packages from the public registry alone', () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const hosts = new Set(Array.from(lock.matchAll(/"resolved": "(https?:\/\/[^/]+)/g), ([, host]) => host));
  expect([...hosts].every((host) => host === `https://${registry}.org`)).toBe(true);
});
