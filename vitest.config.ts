import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** `HG_LONG=1` (`npm run test:long`) runs the same tests with larger counts, which need more time. */
const long = process.env['HG_LONG'] === '1';
const patience = long ? 20 : 1;

/** Written on every run; `.ci/run` takes its closing line from it. */
const report = 'test-results/vitest.json';

export default defineConfig({
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } })],
  test: {
    globalSetup: 'tests/support/prepare.ts',
    // Many files wait for other processes more than they compute.
    maxWorkers: '100%',
    reporters: ['default', ['json', { outputFile: report }]],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/{contract,sim,e2e,fixtures}/**'],
          testTimeout: 30_000 * patience,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'contract',
          include: ['tests/contract/**/*.test.ts'],
          testTimeout: 30_000 * patience,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'sim',
          include: ['tests/sim/**/*.test.ts'],
          testTimeout: 60_000 * patience,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
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
