import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readConsensus, type Consensus } from '#shared/directory/consensus.ts';
import { loadKeys } from '#server/keys.ts';
import { spawnServer } from '#tests/support/server-process.ts';
import { eventually } from '#tests/support/test-network.ts';

const folder = mkdtempSync(join(tmpdir(), 'hourglass-backup-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

it('a copy of the data folder is the same directory, whose chain goes on', async () => {
  const [data, backup] = [join(folder, 'data'), join(folder, 'backup')];
  const settings = { HG_PORT: '0', HG_CONSENSUS_MS: '150' };
  /** Runs it until its consensus has a number, and answers with that consensus. */
  const run = async (dataDir: string, sequence: number): Promise<Consensus> => {
    const server = await spawnServer({ ...settings, HG_DATA_DIR: dataDir });
    const { public: directoryKey } = loadKeys(join(data, 'directory-keys.json')).signing;
    let found: Consensus | undefined;
    await eventually('a consensus', async () => {
      const answer = await fetch(`http://127.0.0.1:${String(server.port)}/consensus`);
      if (answer.status !== 200) return false;
      found = readConsensus(new Uint8Array(await answer.arrayBuffer())).verify({ directoryKey });
      return found.sequence >= sequence;
    });
    await server.end('SIGTERM');
    if (!found) throw new Error('no consensus');
    return found;
  };
  const before = await run(data, 3);
  cpSync(data, backup, { recursive: true });
  rmSync(join(data, 'archive.sqlite'));
  const after = await run(backup, 0);
  expect(after.sequence).toBeGreaterThan(before.sequence);
  // Without the archive the chain would begin anew.
  rmSync(join(backup, 'archive.sqlite'));
  expect((await run(backup, 0)).sequence).toBeLessThanOrEqual(before.sequence);
});
