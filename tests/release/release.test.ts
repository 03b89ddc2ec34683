import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { signKeypair } from '#shared/crypto/sign.ts';
import { verifyRelease } from '#shared/directory/release.ts';
import { hashesOf, pathsIn } from '#release/files.ts';
import { releaseSignature } from '#server/release.ts';
import { webDir } from '#tests/support/browser.ts';
import { buildInto, releaseOf } from '#tests/support/releases.ts';

const read = (path: string): Buffer => readFileSync(join(webDir, path));
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

describe('a release', () => {
  const { version, files } = releaseOf(webDir);

  it('lists each file with its hash, in an order that is the same everywhere', () => {
    const paths = Object.keys(files);
    expect(paths).toEqual(expect.arrayContaining(['/index.html', '/manifest.webmanifest', '/sw.js']));
    expect(paths).toEqual([...paths].sort());
    expect(paths).toEqual(pathsIn(webDir));
    for (const path of paths) expect(files[path], path).toBe(sha256(read(path)));
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('has a service worker that holds the shell to these hashes, and is none of its own files', () => {
    const worker = read('/sw.js').toString();
    for (const [path, hash] of Object.entries(files)) {
      const later = /^\/(pictures|sw\.js)|prover\.worker|\.wasm$|\.zkey$|\/(ar|de|es)-/.test(path);
      expect(worker.includes(hash), path).toBe(!later);
    }
  });

  it('has compressed copies of the same content', () => {
    for (const path of ['/sw.js', '/release.json', '/index.html']) {
      expect(brotliDecompressSync(read(`${path}.br`))).toEqual(read(path));
      expect(gunzipSync(read(`${path}.gz`))).toEqual(read(path));
    }
  });

  it('is signed by the directory that serves it, byte by byte', () => {
    const { secret, public: key } = signKeypair(new Uint8Array(32).fill(7));
    const signature = releaseSignature(webDir, secret) ?? new Uint8Array();
    const list = new Uint8Array(read('/release.json'));
    expect(verifyRelease(key, list, signature)).toBe(true);
    expect(verifyRelease(key, list.with(9, list[9]! ^ 1), signature)).toBe(false);
    expect(releaseSignature(join(webDir, 'assets'), secret)).toBeUndefined();
  });

  it('counts compressed copies and the list as no files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'release-'));
    for (const name of ['b.js', 'a.js', 'a.js.br', 'a.js.gz', 'release.json'])
      writeFileSync(join(folder, name), name);
    expect(hashesOf(folder, pathsIn(folder))).toEqual({
      '/a.js': sha256(Buffer.from('a.js')),
      '/b.js': sha256(Buffer.from('b.js')),
    });
    rmSync(folder, { recursive: true });
  });

  it('comes out the same when it is built again', { timeout: 180_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'release-'));
    await buildInto(folder);
    expect(readFileSync(join(folder, 'release.json'), 'utf8')).toBe(read('/release.json').toString());
    rmSync(folder, { recursive: true });
  });
});
