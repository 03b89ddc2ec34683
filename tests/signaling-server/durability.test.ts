import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
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

/** What the first layout was, with a record of each kind in it. */
const firstLayout = `
  CREATE TABLE consensus (sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, hash BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE descriptor (id BLOB PRIMARY KEY, blinded_key BLOB NOT NULL, period INTEGER NOT NULL,
    revision INTEGER NOT NULL, blob BLOB NOT NULL, signature BLOB NOT NULL, expires INTEGER NOT NULL) STRICT;
  CREATE INDEX descriptor_expires ON descriptor (expires);
  CREATE TABLE node (id TEXT PRIMARY KEY, descriptor BLOB NOT NULL, published INTEGER NOT NULL, since INTEGER NOT NULL,
    seen INTEGER NOT NULL) STRICT;
  CREATE INDEX node_seen ON node (seen);
  INSERT INTO consensus VALUES (41, 100, x'01', x'0203');
  INSERT INTO descriptor VALUES (x'04', x'05', 6, 7, x'08', x'09', 1000);
  INSERT INTO node VALUES ('ab', x'0a', 11, 12, 13);
  PRAGMA user_version = 1;
`;

it('takes an archive of the first layout over with all that is in it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hourglass-durability-'));
  const file = join(folder, 'archive.sqlite');
  const old = new DatabaseSync(file);
  old.exec(firstLayout);
  old.close();
  try {
    for (const _opening of ['the first', 'the second']) {
      const archive = new SqliteArchive(file);
      expect(await archive.latestConsensus()).toMatchObject({
        sequence: 41,
        fence: 0,
        bytes: Uint8Array.of(2, 3),
      });
      expect(await archive.descriptor(Uint8Array.of(4), 0)).toMatchObject({ revision: 7, expires: 1_000 });
      expect(await archive.nodes(0)).toMatchObject([{ node: 'ab', seen: 13 }]);
      expect(await archive.mail(new Uint8Array(32), 1, 0)).toEqual([]);
      await archive.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('leaves an archive of a later layout alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hourglass-durability-'));
  const file = join(folder, 'archive.sqlite');
  const later = new DatabaseSync(file);
  later.exec('PRAGMA user_version = 99');
  later.close();
  try {
    expect(() => new SqliteArchive(file)).toThrow('the archive has layout 99');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
