import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { entriesCodec } from '#server/stores/mailboxes.ts';
import { MongoArchive } from '#server/stores/mongo.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import { descriptorOf, filled, handleOf, mailOf, START_MS } from '#tests/contract/archive-records.ts';
import { mongoToBeHad } from '#tests/support/mongo-program.ts';
import { mongoServer, type StoreServer } from '#tests/support/stores.ts';
import { eventually } from '#tests/support/test-network.ts';

const writer = fileURLToPath(new URL('archive-writer.ts', import.meta.url));
const QUOTA = 1_000;
/** One that `MONGODB_URL` names can't be killed. */
const ours = (process.env['MONGODB_URL'] ?? '') === '' && mongoToBeHad();

describe.skipIf(!ours)('a MongoDB that comes and goes', () => {
  let server: StoreServer;
  let archive: MongoArchive;

  beforeEach(async () => {
    server = await mongoServer();
    archive = await MongoArchive.open(server.url);
  });
  afterEach(async () => {
    await archive.close();
    await server.stop();
  });

  const fails = async (call: () => Promise<unknown>): Promise<boolean> => {
    const begin = Date.now();
    try {
      await call();
      return false;
    } catch (error) {
      expect(error).toMatchObject({ code: 'storage' });
      expect(String(error)).not.toMatch(/127\.0\.0\.1|mongodb:|\d{4,}/);
      expect(Date.now() - begin).toBeLessThan(4_000);
      return true;
    }
  };

  const answersAgain = (): Promise<void> =>
    eventually('it answers', async () => !(await fails(() => archive.ping())), 10_000);

  const raw = async <T>(work: (db: ReturnType<MongoClient['db']>) => Promise<T>): Promise<T> => {
    const client = new MongoClient(server.url);
    try {
      return await work(client.db());
    } finally {
      await client.close();
    }
  };

  it('has the indexes that calls go by', async () => {
    const keys = await raw(async (db) => {
      const found: Record<string, string[]> = {};
      for (const name of ['consensus', 'descriptors', 'nodes', 'mail', 'mailboxes', 'handles', 'events']) {
        const indexes = await db.collection(name).indexes();
        found[name] = indexes.map(({ key }) => Object.keys(key).join(' ')).sort();
      }
      return found;
    });
    expect(keys).toEqual({
      consensus: ['_id', 'time'],
      descriptors: ['_id', 'expires', 'until'],
      nodes: ['_id', 'seen'],
      mail: ['_id', 'expires', 'until'],
      mailboxes: ['_id', 'expires', 'until'],
      handles: ['_id', 'expires', 'until'],
      events: ['_id', 'time'],
    });
  });

  it('says "storage" while it is away, and goes on when it is back', async () => {
    await archive.putDescriptor(descriptorOf(1, 1));
    await server.kill('SIGKILL');
    expect(await fails(() => archive.ping())).toBe(true);
    expect(await fails(() => archive.deposit(mailOf(1, 1), QUOTA))).toBe(true);
    expect(await fails(() => archive.putDescriptor(descriptorOf(1, 2)))).toBe(true);
    await server.restart();
    await answersAgain();
    expect(await archive.descriptor(filled(32, 1), START_MS)).toEqual(descriptorOf(1, 1));
    expect(await archive.mail(filled(32, 1), 9, START_MS)).toEqual([]);
    expect(await archive.deposit(mailOf(1, 1), QUOTA)).toBe('stored');
  });

  it('says "storage" of one that hangs', async () => {
    if (server.pid === undefined) throw new Error('it does not run');
    process.kill(server.pid, 'SIGSTOP');
    try {
      expect(await fails(() => archive.putHandle(handleOf('ada'), START_MS))).toBe(true);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await answersAgain();
  });

  it('may be away at the start, and gets its indexes once it is there', async () => {
    await raw((db) => db.dropDatabase());
    await server.kill('SIGKILL');
    const early = await MongoArchive.open(server.url);
    try {
      expect(await fails(() => early.ping())).toBe(true);
      await server.restart();
      await eventually('it has its indexes', () =>
        raw(async (db) => {
          const names = (await db.listCollections().toArray()).map(({ name }) => name);
          return names.includes('events') && (await db.collection('events').indexes()).length === 2;
        }),
      );
    } finally {
      await early.close();
    }
  });

  it('has room again for a message whose server died before it stored it', async () => {
    await archive.deposit(mailOf(1, 1), QUOTA);
    const lost = { id: '99'.repeat(16), size: 800, at: START_MS, expires: START_MS + 1_000_000 };
    await archive.deposit(mailOf(1, 3), QUOTA);
    await raw(async (db) => {
      const ledger = await db.collection('mailboxes').findOne({}, { promoteBuffers: true });
      const entries = decode(entriesCodec, new Uint8Array(ledger?.['entries'] as Buffer));
      const values = { entries: Buffer.from(encode(entriesCodec, [...entries, lost])) };
      await db.collection('mailboxes').updateOne({}, { $set: values });
    });
    const deposit = (id: number, at: number) => archive.deposit({ ...mailOf(1, id), at }, QUOTA);
    expect(await deposit(2, START_MS + 60_000)).toBe('full');
    expect(await deposit(2, START_MS + 60_001)).toBe('stored');
    for (let id = 4; id <= 10; id++) expect(await deposit(id, START_MS + 60_001)).toBe('stored');
    expect(await deposit(11, START_MS + 200_000)).toBe('full');
    expect(await archive.mail(filled(32, 1), 99, START_MS)).toHaveLength(10);
  });

  it('keeps all that it has answered when server and database are killed', async () => {
    const child = spawn(process.execPath, [writer, server.url], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(child, 'close');
    let told = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text));
    await eventually('it has written', () => told.split('\n').length > 60);
    await server.kill('SIGKILL');
    child.kill('SIGKILL');
    await ended;
    await server.restart();
    await answersAgain();
    const numbers = told.split('\n').slice(0, -1).map(Number);
    expect(numbers.length).toBeGreaterThan(50);
    for (const i of numbers) {
      const id = new Uint8Array(32);
      new DataView(id.buffer).setUint32(0, i);
      expect((await archive.descriptor(id, 0))?.blob[0]).toBe(i % 256);
    }
  });
});
