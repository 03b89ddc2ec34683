import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { eventually } from './test-network.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('ends a run whose worker stands still, says where, and leaves nothing behind', async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'tests/fixtures/still/vitest.config.ts'];
  const run = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  const [said] = await Promise.all([text(run.stderr), once(run, 'exit')]);
  expect(run.exitCode).toBe(1);
  expect(said).toContain('Nothing has happened for 4 s');
  expect(said).toContain('tests/fixtures/still/still.test.ts');
  const pids = [...said.matchAll(/^ {2}(\d+) /gm)].map(([, pid]) => Number(pid));
  expect(pids.length).toBeGreaterThan(0);
  await eventually('they are gone', () => !pids.some(isThere));
});
