import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vitest/config';

/** `HG_LONG=1` (`npm run test:long`) runs the same tests with larger counts, which need more time. */
const long = process.env['HG_LONG'] === '1';
const patience = long ? 20 : 1;

/** Test workers and the programs that tests start read the same modules many times: what V8 made of them is kept. */
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('./node_modules/.cache/compile', import.meta.url),
);

/** Longer than any test takes. */
const STILL_MS = (long ? 60 : 10) * 60_000;

/** Written on every run; `.ci/run` takes its closing line from it. */
const report = 'test-results/vitest.json';

/**
 * Most of what a network of nodes computes is X25519, Ed25519 and ML-KEM. Where they are not what is tested, OpenSSL does
 * them, which tests/shared/crypto holds against our own; in the long run it is our own in all but simulated networks, of which some
 * are watched for hours.
 */
const twin = (name: string): string => fileURLToPath(new URL(`./tests/twin/${name}`, import.meta.url));
const quickCrypto: Plugin = {
  name: 'quick-crypto',
  enforce: 'pre',
  // Paths as files write them alone: what a twin resolved to our own is asked for once more, from nowhere.
  resolveId: (source, importer = '') => {
    const [, name] = /^[.#].*\/((?:dh|kem|sign)\.ts)$/.exec(source) ?? [];
    return name === undefined || importer.includes('/tests/twin/') ? undefined : twin(name);
  },
};

const onlyShort = long ? [] : [quickCrypto];

/** What is held against the twin, or fixed for our own. */
const cryptography = ['tests/shared/crypto/**/*.test.ts', 'tests/vectors/**/*.test.ts'];

export default defineConfig({
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
  test: {
    globalSetup: 'tests/support/prepare.ts',
    // Long enough for what goes through circuits, and within the limit of any test.
    expect: { poll: { timeout: 25_000 } },
    // Many files wait for other processes more than they compute.
    maxWorkers: '100%',
    reporters: [
      'default',
      ['json', { outputFile: report }],
      ['./tests/support/watchdog.ts', { limitMs: STILL_MS }],
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'crypto',
          include: cryptography,
          testTimeout: 30_000 * patience,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        plugins: onlyShort,
        test: {
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/{contract,sim,e2e,fixtures}/**', ...cryptography],
          setupFiles: ['tests/support/english.ts'],
          testTimeout: 30_000 * patience,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        plugins: onlyShort,
        test: {
          name: 'contract',
          include: ['tests/contract/**/*.test.ts'],
          testTimeout: 30_000 * patience,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        plugins: [quickCrypto],
        test: {
          name: 'sim',
          include: ['tests/sim/**/*.test.ts'],
          testTimeout: 60_000 * patience,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        plugins: onlyShort,
        test: {
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          testTimeout: 120_000 * patience,
          hookTimeout: 120_000,
          // Real browsers on few cores: one file at a time, and only after everything else is through.
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
