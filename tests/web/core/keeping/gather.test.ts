import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { hex, text } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import { codeOf } from '#shared/errors.ts';
import {
  decodeEntry,
  emptyMessage,
  encodeEntry,
  encodeMessage,
  messageKey,
  outboxKey,
  VERSION,
  type Message,
} from '#web/core/conversation/records.ts';
import {
  fileCodec,
  newRecord,
  pieceKey,
  readRecord,
  stepOf,
  type FileRecord,
} from '#web/core/files/records.ts';
import { decodeContents, encodeContents, type Contents } from '#web/core/keeping/contents.ts';
import { gather, MAX_FILE_BYTES } from '#web/core/keeping/gather.ts';
import { restoring } from '#web/core/keeping/restoring.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { tables, type Change, type Store } from '#web/core/store/ports.ts';

const NOW = 1_800_000_000_000;
const contact = 'ab'.repeat(32);
const idOf = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const about = { now: NOW, name: 'Ada', copied: false, life: 0, room: 100 << 20 };

const message = (n: number, fields: Partial<Message> = {}): Change => {
  const plain: Message = {
    ...emptyMessage,
    ...{ id: idOf(n), conversation: contact, mine: false, text: `text ${String(n)}` },
    ...{ sentAt: NOW - 1000 + n, position: n, state: 'delivered', timeline: [], ...fields },
  };
  return { table: 'messages', key: messageKey(contact, hex(plain.id)), value: encodeMessage(plain) };
};

const file = (n: number, size: number, fields: Partial<FileRecord> = {}): Change[] => {
  const offer = {
    ...{ file: idOf(n), name: 'a.jpg', type: 'image/jpeg', size, hash: new Uint8Array(32) },
    ...{ key: new Uint8Array(32), preview: new Uint8Array(0), voice: undefined },
  };
  const record: FileRecord = {
    ...newRecord({ conversation: contact, message: idOf(n), mine: false, offer, state: 'done' }),
    ...{ done: size, ...fields },
  };
  const id = hex(idOf(n));
  const pieces: Change[] = [];
  for (let at = 0; at < size; at += stepOf(size)) {
    const value = new Uint8Array(Math.min(stepOf(size), size - at)).fill(n);
    pieces.push({ table: 'chunks', key: pieceKey(id, at), value });
  }
  return [
    message(n, { file: idOf(n) }),
    { table: 'files', key: id, value: encode(fileCodec, record) },
    ...pieces,
  ];
};

let store: Store;
beforeEach(() => {
  store = memoryStore();
});

const restored = async (contents: Contents, now = NOW): Promise<Store> => {
  const other = memoryStore();
  const read = decodeContents(encodeContents(contents));
  await other.write(restoring(read, new Uint8Array(16), now));
  return other;
};
const keys = async (from: Store, table: (typeof tables)[number]): Promise<string[]> =>
  (await from.all(table)).map(([key]) => key).sort();

describe('what a backup takes', () => {
  it('is who the user is and whom they know, and nothing of the node, the guards or the invites', async () => {
    for (const table of tables)
      if (!['conversations', 'messages', 'outbox', 'groups', 'files'].includes(table))
        await store.write([{ table, key: 'a', value: text(table) }]);
    await store.write([
      { table: 'identity', key: 'seed', value: text('seed') },
      { table: 'identity', key: 'session', value: text('node') },
    ]);
    const { contents, partial } = await gather(store, about);
    expect(partial).toBe(false);
    const next = await restored(contents);
    const there = await Promise.all(
      tables.map(async (table) => `${table}: ${(await keys(next, table)).join(' ')}`),
    );
    expect(there.filter((each) => !each.endsWith(': '))).toEqual([
      'identity: a seed',
      'settings: a',
      'drafts: a',
      'tombstones: a',
      'contacts: a',
      'mailboxes: a',
      'keeping: copy life phrase',
    ]);
  });

  it('is messages that are neither deleted nor over, also by the time of the restoring', async () => {
    await store.write([
      message(1),
      message(2, { deleted: true, text: '' }),
      message(3, { expires: NOW }),
      message(4, { expires: NOW + 10_000 }),
      message(5, { expires: NOW + 20_000 }),
    ]);
    const { contents } = await gather(store, about);
    expect(contents).toMatchObject({ messages: 3, madeAt: NOW, name: 'Ada' });
    const next = await restored(contents, NOW + 10_000);
    expect(await keys(next, 'messages')).toEqual([1, 5].map((n) => messageKey(contact, hex(idOf(n)))));
  });

  it('is what waits to be sent, to be sealed anew, and no ciphertext', async () => {
    const entry = { version: VERSION, conversation: contact, messageId: idOf(1), stored: 5, left: false };
    const sealed = { seq: 3, ciphertext: text('sealed') };
    await store.write([
      {
        table: 'outbox',
        key: outboxKey(contact, 1),
        value: encodeEntry({ ...entry, order: 1, envelope: text('e'), sealed }),
      },
      {
        table: 'outbox',
        key: outboxKey(contact, 2),
        value: encodeEntry({ ...entry, order: 2, envelope: undefined, sealed }),
      },
    ]);
    const next = await restored((await gather(store, about)).contents);
    const [[key, value] = ['', new Uint8Array()], ...more] = await next.all('outbox');
    expect(more).toEqual([]);
    expect(key).toBe(outboxKey(contact, 1));
    expect(decodeEntry(value)).toMatchObject({
      ...{ order: 1, envelope: text('e'), sealed: undefined, stored: undefined },
      left: true,
    });
  });

  it('is small files that are whole; of others, that they can be asked for again', async () => {
    await store.write([
      ...file(1, 100_000),
      ...file(2, MAX_FILE_BYTES + 1),
      ...file(3, 50_000, { state: 'moving', done: 20_000 }),
      ...file(4, MAX_FILE_BYTES + 1, { mine: true }),
      ...file(5, 1000),
    ]);
    // Its message is gone.
    await store.write([{ table: 'messages', key: messageKey(contact, hex(idOf(5))), value: undefined }]);
    const next = await restored((await gather(store, about)).contents);
    const state = async (n: number): Promise<unknown> => {
      const stored = await next.get('files', hex(idOf(n)));
      return stored && (({ state: is, done }) => [is, done])(readRecord(stored));
    };
    expect(await Promise.all([1, 2, 3, 4, 5].map(state))).toEqual([
      ['done', 100_000],
      ['offered', 0],
      ['offered', 0],
      ['failed', 0],
      undefined,
    ]);
    expect(await keys(next, 'chunks')).toEqual([0, 65_536].map((at) => pieceKey(hex(idOf(1)), at)));
  });

  it('is the newest, where there is no room for all, and says so', async () => {
    await store.write(Array.from({ length: 200 }, (_, n) => message(n, { text: 'x'.repeat(1000) })));
    await store.write(file(201, 60_000));
    const room = 50_000;
    const { contents, partial } = await gather(store, { ...about, room });
    expect(partial).toBe(true);
    expect(encodeContents(contents).length).toBeLessThanOrEqual(room);
    expect(contents.messages).toBeGreaterThan(30);
    const next = await restored(contents);
    expect(await keys(next, 'messages')).toContain(messageKey(contact, hex(idOf(199))));
    expect(await keys(next, 'messages')).not.toContain(messageKey(contact, hex(idOf(0))));
    expect(await keys(next, 'chunks')).toEqual([]);
  });

  it('begins a later life, whatever the clock says', () => {
    const contents = {
      madeAt: NOW,
      name: '',
      contacts: 0,
      groups: 0,
      messages: 0,
      copied: true,
      life: NOW + 5,
    };
    const changes = restoring({ ...contents, entries: [] }, new Uint8Array(16), NOW);
    const life = changes.find(({ key }) => key === 'life')?.value ?? new Uint8Array();
    expect(new DataView(life.buffer).getUint32(5) - ((NOW + 6) % 2 ** 32)).toBe(0);
  });
});

describe('the contents of a backup', () => {
  it('are read as they were written, and anything else is refused by a code', () => {
    const entry = fc.record({
      table: fc.constantFrom('identity', 'messages', 'chunks'),
      key: fc.string({ maxLength: 200 }),
      value: fc.uint8Array({ maxLength: 300 }),
    });
    const count = fc.nat(100);
    const contents = fc.record({
      ...{ madeAt: fc.nat(), name: fc.string({ maxLength: 16 }), contacts: count, groups: count },
      ...{
        messages: count,
        copied: fc.boolean(),
        life: fc.nat(),
        entries: fc.array(entry, { maxLength: 5 }),
      },
    });
    fc.assert(
      fc.property(contents as fc.Arbitrary<Contents>, fc.nat(), fc.nat(7), (given, at, bit) => {
        const bytes = encodeContents(given);
        expect(decodeContents(bytes)).toEqual(given);
        const place = at % bytes.length;
        for (const wrong of [bytes.slice(0, place), bytes.with(place, (bytes[place] ?? 0) ^ (1 << bit))]) {
          try {
            expect(encodeContents(decodeContents(wrong))).toEqual(wrong);
          } catch (error) {
            expect(codeOf(error)).toBe('bad-backup');
          }
        }
      }),
    );
  });
});
