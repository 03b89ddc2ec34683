import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBuilt } from '#server/build.ts';

describe('the built app', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'hourglass-build-'));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  const write = (path: string, second: number): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
    utimesSync(join(root, path), second, second);
  };
  const built = (): boolean => isBuilt(root, join(root, 'dist/web'));

  it('is of use while no source is newer', () => {
    write('web/ui/App.svelte', 10);
    expect(built()).toBe(false);
    write('dist/web/index.html', 20);
    expect(built()).toBe(true);
    write('shared/cell/codec.ts', 21);
    expect(built()).toBe(false);
    write('dist/web/index.html', 22);
    expect(built()).toBe(true);
    write('vite.config.ts', 30);
    expect(built()).toBe(false);
  });

  it('is taken as it is where no sources are', () => {
    write('dist/web/index.html', 1);
    expect(built()).toBe(true);
  });
});
