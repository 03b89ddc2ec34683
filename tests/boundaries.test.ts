import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
const config = join(root, '.dependency-cruiser.cjs');

type Violation = { rule: { name: string }; from: string };

/** The wrong imports under `folder`, found as `npm run check:boundaries` finds them in the repository's root. */
async function violations(folder: string): Promise<string[]> {
  const args = [cruiser, '--config', config, '--output-type', 'json', '.'];
  const report = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) => {
      // A failing check is an answer; no report is not.
      if (stdout.startsWith('{')) resolve(stdout);
      else reject(new Error(`dependency-cruiser gave no report: ${stderr}`, { cause: error }));
    });
  });
  const { summary } = JSON.parse(report) as { summary: { violations: Violation[]; totalCruised: number } };
  expect(summary.totalCruised).toBeGreaterThan(0);
  return summary.violations.map(({ rule, from }) => `${from}: ${rule.name}`).toSorted();
}

test('every wrong import of the fixture is found, and no right one', async () => {
  expect(await violations(join(root, 'tests/fixtures/boundaries'))).toEqual([
    'relay/bad-missing.ts: resolvable',
    'relay/bad-server.ts: relay',
    'relay/bad-store.ts: one-importer-node-sqlite',
    'shared/bytes/bad-clock.ts: no-node-in-shared-or-web',
    'shared/bytes/bad-package.ts: one-importer-idb',
    'shared/bytes/bad-package.ts: shared-packages',
    'shared/bytes/bad-upward.ts: shared-alone',
    'shared/link/bad-sibling.ts: shared-link',
    'signaling-server/bad-page.ts: signaling-server',
    'web/media/bad-core.ts: web-media',
    'web/ui/bad-Screen.svelte: web-ui',
    'web/ui/bad-peer.ts: one-importer-simple-peer',
  ]);
});

test('the tree itself keeps to its boundaries', async () => {
  expect(await violations(root)).toEqual([]);
});
