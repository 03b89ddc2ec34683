import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { SqliteArchive } from '#server/stores/sqlite.ts';

const writer = fileURLToPath(new URL('archive-writer.ts', import.meta.url));

const idOf = (i: number): Uint8Array => {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, i);
  return id;
};

/** Kills the writer once it has told of so many, and returns all that it told of until it was dead. */
const writeAndKill = async (file: string, wanted: number): Promise<number[]> => {
  const child = spawn(process.execPath, [writer, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
    if (told.split('\n').length > wanted) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return told.split('\n').slice(0, -1).map(Number);
};

it('keeps all that it has answered when it is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hourglass-durability-'));
  try {
    for (const [round, wanted] of [3, 40, 111].entries()) {
      const file = join(folder, `${String(round)}.sqlite`);
      const told = await writeAndKill(file, wanted);
      expect(told.length).toBeGreaterThanOrEqual(wanted);
      const archive = new SqliteArchive(file);
      for (const i of told) expect((await archive.descriptor(idOf(i), 0))?.blob[0]).toBe(i % 256);
      await archive.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('turns a second process on the same file away', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hourglass-durability-'));
  const file = join(folder, 'archive.sqlite');
  const archive = new SqliteArchive(file);
  try {
    await archive.putNodes([]);
    expect(() => new SqliteArchive(file)).toThrow('another process has the archive open');
  } finally {
    await archive.close();
    rmSync(folder, { recursive: true });
  }
});
