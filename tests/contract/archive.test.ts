import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MongoArchive } from '#server/stores/mongo.ts';
import type { Archive, HandleRecord, MailRecord, SweepBounds } from '#server/stores/ports.ts';
import { SqliteArchive } from '#server/stores/sqlite.ts';
import {
  consensusOf,
  descriptorOf,
  documentOf,
  filled,
  handleOf,
  mailOf,
  nodeOf,
  sealedOf,
  START_MS,
} from '#tests/contract/archive-records.ts';
import { mongoToBeHad } from '#tests/support/mongo-program.ts';
import { databaseUrl, mongoServer } from '#tests/support/stores.ts';

type Engine = {
  version: string;
  /** Nothing is in it; each call of `open` gives another access to the same data, once the one before is closed. */
  fresh(): { open(): Promise<Archive> };
  stop(): Promise<void>;
};

const engines: Record<string, () => Promise<Engine>> = {
  SQLite() {
    const folder = mkdtempSync(join(tmpdir(), 'hourglass-archive-'));
    return Promise.resolve({
      version: `Node’s SQLite ${process.versions.sqlite ?? '?'}`,
      fresh() {
        const file = join(folder, `${randomUUID()}.sqlite`);
        return { open: () => Promise.resolve(new SqliteArchive(file)) };
      },
      stop() {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    });
  },
  async 'the MongoDB protocol'() {
    const server = await mongoServer();
    return {
      version: await versionOf(server.url),
      fresh() {
        const url = databaseUrl(server.url, `hourglass-${randomUUID()}`);
        return { open: () => MongoArchive.open(url) };
      },
      stop: () => server.stop(),
    };
  },
};

const versionOf = async (url: string): Promise<string> => {
  const client = new MongoClient(url);
  const info = await client.db('admin').command({ buildInfo: 1 });
  await client.close();
  const [ferret, version] = [info['ferretdbVersion'], info['version']].map(String);
  return info['ferretdbVersion'] === undefined
    ? `MongoDB ${String(version)}`
    : `FerretDB ${String(ferret)}, which speaks as MongoDB ${String(version)}`;
};

const skipped = (name: string): boolean => name !== 'SQLite' && !mongoToBeHad();

const QUOTA = 1_000;

describe.each(Object.entries(engines))('the archive port over %s', (name, start) => {
  describe.skipIf(skipped(name))('', () => {
    let engine: Engine;
    let data: ReturnType<Engine['fresh']>;
    let archive: Archive;

    beforeAll(async () => {
      engine = await start();
      console.info(`the archive port over ${name}: ${engine.version}`);
    });
    afterAll(() => engine.stop());
    beforeEach(async () => {
      data = engine.fresh();
      archive = await data.open();
    });
    afterEach(() => archive.close());

    const sweep = (bounds: Partial<SweepBounds>): Promise<void> =>
      archive.sweep({ now: 0, nodesBefore: 0, chainBefore: 0, eventsBefore: 0, ...bounds });

    describe('the chain', () => {
      it('holds one consensus under each number', async () => {
        expect(await archive.latestConsensus()).toBeUndefined();
        expect(await archive.latestSequence()).toBe(0);
        expect(await archive.appendConsensus(consensusOf(1))).toBe(true);
        expect(await archive.appendConsensus(consensusOf(2))).toBe(true);
        expect(await archive.appendConsensus(consensusOf(2, 99))).toBe(false);
        expect(await archive.latestConsensus()).toEqual(consensusOf(2));
        expect(await archive.latestSequence()).toBe(2);
      });

      it('gives a number to one of many who claim it at once', async () => {
        const claims = Array.from({ length: 8 }, (_, i) => archive.appendConsensus(consensusOf(1, i + 1)));
        expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
      });

      it('keeps the latest consensus, however old, when it is swept', async () => {
        for (const sequence of [1, 2, 3, 4]) await archive.appendConsensus(consensusOf(sequence));
        await sweep({ chainBefore: consensusOf(3).time });
        for (const sequence of [3, 4])
          expect(await archive.appendConsensus(consensusOf(sequence))).toBe(false);
        await sweep({ chainBefore: consensusOf(9).time });
        expect(await archive.latestConsensus()).toEqual(consensusOf(4));
        expect(await archive.appendConsensus(consensusOf(3))).toBe(true);
      });
    });

    describe.each([
      [
        'descriptors',
        {
          make: descriptorOf,
          put: (...args: Parameters<typeof descriptorOf>) => archive.putDescriptor(descriptorOf(...args)),
          get: (id: Uint8Array, now: number) => archive.descriptor(id, now),
        },
      ],
      [
        'sealed records',
        {
          make: sealedOf,
          put: (...args: Parameters<typeof sealedOf>) => archive.putRecord(sealedOf(...args)),
          get: (id: Uint8Array, now: number) => archive.record(id, now),
        },
      ],
    ])('%s', (_kind, { make, put, get }) => {
      it('are replaced by higher revisions only', async () => {
        const { id } = make(1, 0);
        expect(await get(id, START_MS)).toBeUndefined();
        expect(await put(1, 5)).toBe(true);
        for (const revision of [4, 5]) expect(await put(1, revision)).toBe(false);
        expect(await get(id, START_MS)).toEqual(make(1, 5));
        const highest = Number.MAX_SAFE_INTEGER;
        expect(await put(1, highest)).toBe(true);
        expect(await put(1, highest - 1)).toBe(false);
        expect(await put(2, 1)).toBe(true);
        expect(await get(id, START_MS)).toEqual(make(1, highest));
      });

      it('end with the highest of many that are put at once', async () => {
        const revisions = [3, 8, 1, 6, 2, 7, 4, 5];
        await Promise.all(revisions.map((revision) => put(1, revision)));
        expect(await get(make(1, 0).id, START_MS)).toEqual(make(1, 8));
      });

      it('are stored by one of many that put the same revision at once', async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, () => put(1, 1)));
        expect(answers.filter(Boolean)).toHaveLength(1);
      });

      it('are not served past their time, and are swept then', async () => {
        const [early, late] = [START_MS + 10, START_MS + 11];
        await put(1, 1, early);
        await put(2, 1, late);
        expect(await get(make(1, 0).id, early - 1)).toBeDefined();
        expect(await get(make(1, 0).id, early)).toBeUndefined();
        await sweep({ now: early });
        expect(await get(make(1, 0).id, 0)).toBeUndefined();
        expect(await get(make(2, 0).id, early)).toEqual(make(2, 1, late));
        expect(await put(1, 1)).toBe(true);
      });
    });

    it('counts descriptors', async () => {
      expect(await archive.descriptorCount()).toBe(0);
      for (const [id, revision] of [
        [1, 1],
        [1, 2],
        [2, 1],
      ] as const) {
        await archive.putDescriptor(descriptorOf(id, revision));
      }
      expect(await archive.descriptorCount()).toBe(2);
    });

    it('remembers nodes by when they were last seen', async () => {
      await archive.putNodes([]);
      await archive.putNodes([nodeOf(2, 200), nodeOf(1, 100)]);
      await archive.putNodes([nodeOf(1, 300)]);
      expect(await archive.nodes(0)).toEqual([nodeOf(1, 300), nodeOf(2, 200)]);
      expect(await archive.nodes(201)).toEqual([nodeOf(1, 300)]);
      await sweep({ nodesBefore: 200 });
      expect(await archive.nodes(0)).toHaveLength(2);
      await sweep({ nodesBefore: 201 });
      expect(await archive.nodes(0)).toEqual([nodeOf(1, 300)]);
      await archive.removeNode(nodeOf(1, 0).node);
      await archive.removeNode(nodeOf(1, 0).node);
      expect(await archive.nodes(0)).toEqual([]);
    });

    describe('a mailbox', () => {
      const ids = async (mailbox: number, most = 1_000, now = START_MS): Promise<number[]> =>
        (await archive.mail(filled(32, mailbox), most, now)).map(({ id }) => id[0] ?? 0);
      const deposit = (id: number, more: Partial<MailRecord> = {}, quota = QUOTA) =>
        archive.deposit({ ...mailOf(1, id), ...more }, quota);

      it('gives its messages in the order in which they were stored', async () => {
        for (const id of [3, 1, 2]) expect(await deposit(id)).toBe('stored');
        expect(await archive.deposit(mailOf(2, 9), QUOTA)).toBe('stored');
        expect(await archive.mail(filled(32, 1), 2, START_MS)).toEqual([mailOf(1, 3), mailOf(1, 1)]);
        expect(await ids(1)).toEqual([3, 1, 2]);
        expect(await ids(2)).toEqual([9]);
        expect(await ids(3)).toEqual([]);
      });

      it('stores the same message once', async () => {
        expect(await deposit(1)).toBe('stored');
        const again = { blob: filled(900, 9), at: START_MS + 5 };
        expect(await deposit(1, again)).toBe('stored');
        const many = await Promise.all(Array.from({ length: 8 }, () => deposit(2)));
        expect(new Set(many)).toEqual(new Set(['stored']));
        expect(await archive.mail(filled(32, 1), 9, START_MS)).toEqual([mailOf(1, 1), mailOf(1, 2)]);
        // What was stored twice takes room once.
        for (const id of [3, 4, 5, 6, 7, 8, 9, 10]) expect(await deposit(id)).toBe('stored');
        expect(await deposit(11)).toBe('full');
      });

      it('takes up to its quota and not a byte more', async () => {
        expect(await deposit(1, { blob: filled(QUOTA + 1, 1) })).toBe('full');
        expect(await ids(1)).toEqual([]);
        expect(await deposit(2, { blob: filled(600, 1) })).toBe('stored');
        expect(await deposit(3, { blob: filled(401, 1) })).toBe('full');
        expect(await deposit(4, { blob: filled(400, 1) })).toBe('stored');
        expect(await deposit(5, { blob: filled(1, 1) })).toBe('full');
        expect(await deposit(4, { blob: filled(400, 1) })).toBe('stored');
        expect(await ids(1)).toEqual([2, 4]);
      });

      it('keeps its quota when many deposit at once', async () => {
        const answers = await Promise.all(Array.from({ length: 16 }, (_, i) => deposit(i + 1)));
        expect(answers.filter((answer) => answer === 'stored')).toHaveLength(QUOTA / 100);
        expect(await ids(1)).toHaveLength(QUOTA / 100);
      });

      it('has room again for what was removed', async () => {
        for (let id = 1; id <= 10; id++) await deposit(id);
        await archive.removeMail(filled(32, 1), []);
        await archive.removeMail(filled(32, 2), [filled(16, 1)]);
        expect(await deposit(11)).toBe('full');
        await archive.removeMail(filled(32, 1), [filled(16, 4), filled(16, 99), filled(16, 2)]);
        expect(await ids(1)).toEqual([1, 3, 5, 6, 7, 8, 9, 10]);
        for (const id of [11, 2]) expect(await deposit(id)).toBe('stored');
        expect(await deposit(12)).toBe('full');
        expect(await ids(1)).toEqual([1, 3, 5, 6, 7, 8, 9, 10, 11, 2]);
      });

      it('has room again for what is past its time, swept or not', async () => {
        const expires = START_MS + 10;
        for (let id = 1; id <= 10; id++) await deposit(id, { expires: id <= 5 ? expires : expires + 10 });
        expect(await ids(1, 99, expires - 1)).toHaveLength(10);
        expect(await ids(1, 99, expires)).toEqual([6, 7, 8, 9, 10]);
        for (const id of [11, 1]) expect(await deposit(id, { at: expires })).toBe('stored');
        await sweep({ now: expires });
        expect(await ids(1, 99, 0)).toEqual([6, 7, 8, 9, 10, 11, 1]);
        for (const id of [2, 3, 4]) expect(await deposit(id, { at: expires })).toBe('stored');
        expect(await deposit(12, { at: expires })).toBe('full');
        await sweep({ now: expires + 10 });
        expect(await ids(1, 99, 0)).toEqual([11, 1, 2, 3, 4]);
      });
    });

    describe('a handle', () => {
      const [key, foreign] = [filled(32, 7), filled(32, 8)];
      const put = (more: Partial<HandleRecord> = {}, now = START_MS) =>
        archive.putHandle(handleOf('ada', more), now);

      it('is its first taker’s, who alone may change it', async () => {
        expect(await archive.handle('ada', START_MS)).toBeUndefined();
        expect(await put({ key, revision: 2 })).toBe(true);
        for (const revision of [1, 2]) expect(await put({ key, revision })).toBe(false);
        expect(await put({ key: foreign, revision: 9 })).toBe(false);
        expect(await archive.handle('ada', START_MS)).toEqual(handleOf('ada', { key, revision: 2 }));
        expect(await put({ key, revision: 3, content: filled(5, 5) })).toBe(true);
        expect((await archive.handle('ada', START_MS))?.content).toEqual(filled(5, 5));
        expect(await archive.handle('eve', START_MS)).toBeUndefined();
      });

      it.each([
        ['a free name', undefined],
        ['a name past its time', START_MS],
      ])('is one claimant’s of many who claim %s at once', async (_what, expired) => {
        if (expired !== undefined) await put({ key: foreign, revision: 50, expires: expired }, START_MS - 1);
        const claims = Array.from({ length: 8 }, (_, i) => put({ key: filled(32, i), revision: 1 }));
        const answers = await Promise.all(claims);
        expect(answers.filter(Boolean)).toHaveLength(1);
        expect((await archive.handle('ada', START_MS))?.key).toEqual(filled(32, answers.indexOf(true)));
      });

      it('is free from its end on, and swept then', async () => {
        const expires = START_MS + 10;
        await put({ key, revision: 5, expires });
        expect(await archive.handle('ada', expires - 1)).toBeDefined();
        expect(await put({ key: foreign, revision: 1 }, expires - 1)).toBe(false);
        expect(await archive.handle('ada', expires)).toBeUndefined();
        expect(await put({ key: foreign, revision: 1, expires: expires + 5 }, expires)).toBe(true);
        await sweep({ now: expires });
        expect((await archive.handle('ada', expires))?.key).toEqual(foreign);
        await sweep({ now: expires + 5 });
        expect(await archive.handle('ada', 0)).toBeUndefined();
      });
    });

    describe('a document', () => {
      const idsOf = async (prefix: string, now = START_MS): Promise<string[]> =>
        (await archive.documents(prefix, now)).map(({ id }) => id);

      it('stays as it was first put', async () => {
        expect(await archive.document('plan/7', START_MS)).toBeUndefined();
        expect(await archive.putDocument(documentOf('plan/7', 1))).toBe(true);
        expect(await archive.putDocument(documentOf('plan/7', 2))).toBe(false);
        expect(await archive.document('plan/7', START_MS)).toEqual(documentOf('plan/7', 1));
        expect(await archive.document('plan/70', START_MS)).toBeUndefined();
        expect(await archive.document('plan/', START_MS)).toBeUndefined();
      });

      it('is one of many who put it at once', async () => {
        const puts = Array.from({ length: 8 }, (_, i) => archive.putDocument(documentOf('plan/8', i)));
        const answers = await Promise.all(puts);
        expect(answers.filter(Boolean)).toHaveLength(1);
        const standing = documentOf('plan/8', answers.indexOf(true));
        expect(await archive.document('plan/8', START_MS)).toEqual(standing);
      });

      it('is found by how its id begins, in the order of ids', async () => {
        const ids = ['a/1/b', 'a/10/a', 'a/1/', 'a/1', 'a/1/z/1', 'a/1/a~', 'b/1/a', 'a/1/B', 'a/1/.*'];
        for (const [i, id] of ids.entries()) await archive.putDocument(documentOf(id, i));
        expect(await idsOf('a/1/')).toEqual(['a/1/', 'a/1/.*', 'a/1/B', 'a/1/a~', 'a/1/b', 'a/1/z/1']);
        expect(await idsOf('a/1')).toHaveLength(8);
        expect(await idsOf('a/10/')).toEqual(['a/10/a']);
        expect(await idsOf('a/1/.')).toEqual(['a/1/.*']);
        expect(await idsOf('c')).toEqual([]);
        expect(await archive.documents('b/', START_MS)).toEqual([documentOf('b/1/a', 6)]);
      });

      it('is not served past its time, and is swept then', async () => {
        const [early, late] = [START_MS + 10, START_MS + 11];
        await archive.putDocument(documentOf('a/1', 1, early));
        await archive.putDocument(documentOf('a/2', 2, late));
        expect(await idsOf('a/', early - 1)).toEqual(['a/1', 'a/2']);
        expect(await idsOf('a/', early)).toEqual(['a/2']);
        expect(await archive.document('a/1', early - 1)).toBeDefined();
        expect(await archive.document('a/1', early)).toBeUndefined();
        await sweep({ now: early });
        expect(await idsOf('a/', 0)).toEqual(['a/2']);
        expect(await archive.putDocument(documentOf('a/1', 3))).toBe(true);
      });

      it('may be empty, or of a megabyte', async () => {
        const [none, many] = [new Uint8Array(), filled(1_000_000, 5)];
        await archive.putDocument({ ...documentOf('none', 0), bytes: none });
        await archive.putDocument({ ...documentOf('many', 0), bytes: many });
        expect((await archive.document('none', START_MS))?.bytes).toEqual(none);
        expect((await archive.document('many', START_MS))?.bytes).toEqual(many);
      });
    });

    it('keeps events in their order until they are swept', async () => {
      const eventOf = (time: number, count: number) => ({
        time,
        process: 'p',
        event: 'refused',
        code: 'too-many',
        count,
      });
      await archive.addEvents([]);
      await archive.addEvents([eventOf(20, 1), eventOf(20, 2), eventOf(30, 3)]);
      await archive.addEvents([eventOf(10, 4), eventOf(20, 5)]);
      const counts = async (from: number) => (await archive.events(from)).map(({ count }) => count);
      expect(await counts(0)).toEqual([4, 1, 2, 5, 3]);
      expect(await counts(20)).toEqual([1, 2, 5, 3]);
      expect(await archive.events(30)).toEqual([eventOf(30, 3)]);
      await sweep({ eventsBefore: 20 });
      expect(await counts(0)).toEqual([1, 2, 5, 3]);
    });

    it('has it all when it is opened again', async () => {
      await archive.appendConsensus(consensusOf(7));
      await archive.putDescriptor(descriptorOf(1, 3));
      await archive.putNodes([nodeOf(1, 50)]);
      await archive.deposit(mailOf(1, 2), QUOTA);
      await archive.putRecord(sealedOf(1, 3));
      await archive.putHandle(handleOf('ada'), START_MS);
      await archive.putDocument(documentOf('a/1', 4));
      await archive.addEvents([{ time: 1, process: 'p', event: 'e', code: 'c', count: 2 }]);
      await archive.close();
      archive = await data.open();
      expect(await archive.latestConsensus()).toEqual(consensusOf(7));
      expect(await archive.descriptor(filled(32, 1), START_MS)).toEqual(descriptorOf(1, 3));
      expect(await archive.nodes(0)).toEqual([nodeOf(1, 50)]);
      expect(await archive.mail(filled(32, 1), 9, START_MS)).toEqual([mailOf(1, 2)]);
      expect(await archive.record(filled(32, 1), START_MS)).toEqual(sealedOf(1, 3));
      expect(await archive.handle('ada', START_MS)).toEqual(handleOf('ada'));
      expect(await archive.document('a/1', START_MS)).toEqual(documentOf('a/1', 4));
      expect(await archive.documents('a/', START_MS)).toEqual([documentOf('a/1', 4)]);
      expect(await archive.putDocument(documentOf('a/1', 5))).toBe(false);
      expect(await archive.events(0)).toHaveLength(1);
    });

    it('keeps numbers as great as they get', async () => {
      const most = Number.MAX_SAFE_INTEGER;
      const consensus = { ...consensusOf(1), sequence: most, fence: most, time: most };
      await archive.appendConsensus(consensus);
      expect(await archive.latestConsensus()).toEqual(consensus);
      expect(await archive.latestSequence()).toBe(most);
      await archive.putNodes([{ ...nodeOf(1, most), published: most, since: most }]);
      expect(await archive.nodes(most)).toEqual([{ ...nodeOf(1, most), published: most, since: most }]);
      const [message, handle] = [
        { ...mailOf(1, 1), at: most - 1, expires: most },
        handleOf('ada', { revision: most }),
      ];
      await archive.deposit(message, QUOTA);
      expect(await archive.mail(filled(32, 1), 1, most - 1)).toEqual([message]);
      await archive.putHandle(handle, START_MS);
      expect(await archive.handle('ada', START_MS)).toEqual(handle);
    });

    it('answers while it is there, and says "storage" when it can store nothing', async () => {
      await expect(archive.ping()).resolves.toBeUndefined();
      await archive.close();
      const closed = { code: 'storage' };
      await expect(archive.ping()).rejects.toMatchObject(closed);
      await expect(archive.putDescriptor(descriptorOf(1, 1))).rejects.toMatchObject(closed);
      await expect(archive.deposit(mailOf(1, 1), QUOTA)).rejects.toMatchObject(closed);
      await expect(archive.removeMail(filled(32, 1), [filled(16, 1)])).rejects.toMatchObject(closed);
      await expect(archive.nodes(0)).rejects.toMatchObject(closed);
      archive = await data.open();
    });
  });
});
