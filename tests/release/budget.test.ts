import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { webDir } from '#tests/support/browser.ts';

/** What a visit costs, in bytes after `gzip -9`: the larger of what the server sends, which is Brotli where that is taken. */
const PAGE = 150_000;
const CORE = 220_000;

const assets = join(webDir, 'assets');
const names = readdirSync(assets).filter((name) => !/\.(br|gz)$/.test(name));
const text = (name: string): string => readFileSync(join(assets, name), 'utf8');
const sum = (files: Iterable<string>): number =>
  [...files].reduce((bytes, name) => bytes + gzipSync(text(name), { level: 9 }).length, 0);
const named = (pattern: RegExp): string => {
  const found = names.filter((name) => pattern.test(name));
  if (found.length !== 1) throw new Error(`${String(pattern)}: ${found.join() || 'none'}`);
  return found[0] ?? '';
};

/** Chunks that come with a script, whatever happens; and those that it may fetch later. */
const staticImports = (name: string): string[] =>
  Array.from(
    text(name).matchAll(/(?:\bfrom|\bimport)\s*["'`]\.\/([\w.-]+\.js)["'`]/g),
    ([, file = '']) => file,
  );
const lazyImports = (name: string): string[] =>
  Array.from(text(name).matchAll(/\bimport\(\s*["'`]\.\/([\w.-]+\.js)["'`]/g), ([, file = '']) => file);

const closure = (first: string, next: (name: string) => string[]): Set<string> => {
  const all = new Set([first]);
  for (const name of all) for (const each of next(name)) all.add(each);
  return all;
};

describe('the built app', () => {
  const page = readFileSync(join(webDir, 'index.html'), 'utf8');
  const linked = Array.from(
    page.matchAll(/(?:src|href)="\/assets\/([\w.-]+\.(?:js|css))"/g),
    ([, file = '']) => file,
  );
  const scripts = new Set(
    linked.filter((name) => name.endsWith('.js')).flatMap((name) => [...closure(name, staticImports)]),
  );
  const whole = new Set([...scripts, ...linked]);
  const worker = named(/^worker-.*\.js$/);
  const core = closure(worker, staticImports);

  it(`has a page of ${String(PAGE)} bytes at the most`, () => {
    expect(linked.length).toBeGreaterThan(2);
    expect(sum(whole)).toBeLessThan(PAGE);
    expect(sum(whole)).toBeGreaterThan(PAGE / 3);
  });

  it(`has a core of ${String(CORE)} bytes at the most, with all that every start fetches`, () => {
    const everyStart = /KEM|x-wing|X25519|createChacha20Poly1305/;
    const more = lazyImports(worker)
      .filter((name) => everyStart.test(text(name)))
      .flatMap((name) => [...closure(name, staticImports)]);
    expect(more.length).toBeGreaterThan(1);
    expect(sum(new Set([...core, ...more]))).toBeLessThan(CORE);
    expect(sum(core)).toBeGreaterThan(CORE / 3);
  });

  it('fetches what proves, and Argon2, when they are needed', () => {
    const prover = named(/^prover\.worker-.*\.js$/);
    const argon = names.filter((name) => name.endsWith('.js') && /argon2id/i.test(text(name)));
    const holding = argon.filter((name) => /AGFzbQ/.test(text(name)));
    expect(holding).toHaveLength(1);
    for (const later of [prover, ...holding]) {
      expect([...core, ...whole]).not.toContain(later);
      expect(staticImports(worker)).not.toContain(later);
    }
    for (const name of whole) expect(text(name)).not.toMatch(/snarkjs|groth16/);
  });

  it('puts nothing into the page itself', () => {
    expect(page).not.toMatch(/<style|style="|<script(?![^>]*\ssrc=)[^>]*>|\son\w+=/);
    for (const [, address] of page.matchAll(/(?:src|href|content)="(https?:|\/\/)/g))
      expect(address).toBeUndefined();
  });

  it('names nobody else’s server in its styles', () => {
    for (const name of names.filter((each) => each.endsWith('.css')))
      expect(text(name)).not.toMatch(/url\(["']?(https?:|\/\/|data:)|@import/);
  });
});
