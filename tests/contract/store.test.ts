import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { hex, text } from '#shared/bytes/bytes.ts';
import { eraseIdbStore, openIdbStore } from '#web/core/store/idb.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { storeContract } from '#tests/contract/store.ts';

storeContract('memory', async () => Promise.resolve({ store: memoryStore() }));

storeContract('indexeddb', async () => {
  globalThis.indexedDB = new IDBFactory();
  return { store: await openIdbStore('test'), reopen: () => openIdbStore('test') };
});

describe('the browser store at rest', () => {
  const record = { table: 'messages', key: 'an id that tells', value: text('a text that tells') } as const;

  const atRest = async (): Promise<{ names: ArrayBuffer[]; values: Uint8Array[]; keys: CryptoKey[] }> => {
    const raw = await openDB('hourglass-rest');
    const names = (await raw.getAllKeys('messages')) as ArrayBuffer[];
    const values = (await raw.getAll('messages')) as Uint8Array[];
    const keys = Object.values((await raw.get('keys', 'keys')) as Record<string, CryptoKey>);
    raw.close();
    return { names, values, keys };
  };

  it('shows neither id nor content, and its keys cannot be extracted', async () => {
    globalThis.indexedDB = new IDBFactory();
    const store = await openIdbStore('rest');
    await store.write([record]);
    const first = await atRest();
    const shown = [...first.names.map((name) => hex(new Uint8Array(name))), ...first.values.map(hex)].join();
    expect(shown).not.toContain(hex(text(record.key)));
    expect(shown).not.toContain(hex(record.value));
    expect(first.keys).toHaveLength(2);
    for (const key of first.keys) expect(key.extractable).toBe(false);
    await store.write([record]);
    expect((await atRest()).values).not.toEqual(first.values);
    store.close();
  });

  it('refuses a record that was altered or moved', async () => {
    globalThis.indexedDB = new IDBFactory();
    const store = await openIdbStore('rest');
    await store.write([record, { ...record, key: 'another' }]);
    const { names, values } = await atRest();
    const raw = await openDB('hourglass-rest');
    await raw.put('messages', values[0], names[1]);
    raw.close();
    await expect(store.all('messages')).rejects.toMatchObject({ code: 'storage' });
    store.close();
  });

  it('gains tables that came later, and keeps what it has', async () => {
    globalThis.indexedDB = new IDBFactory();
    const store = await openIdbStore('rest');
    await store.write([record]);
    store.close();
    const { names, values, keys } = await atRest();
    globalThis.indexedDB = new IDBFactory();
    const first = await openDB('hourglass-rest', 1, {
      upgrade(old) {
        for (const name of ['messages', 'keys']) old.createObjectStore(name);
      },
    });
    await first.put('messages', values[0], names[0]);
    const [sealing, naming] = keys;
    await first.put('keys', { sealing, naming }, 'keys');
    first.close();
    const later = await openIdbStore('rest');
    await later.write([{ ...record, table: 'contribution' }]);
    expect(await later.get('messages', record.key)).toEqual(record.value);
    expect(await later.get('contribution', record.key)).toEqual(record.value);
    later.close();
  });

  it('is gone once erased', async () => {
    globalThis.indexedDB = new IDBFactory();
    const store = await openIdbStore('rest');
    await store.write([record]);
    store.close();
    await eraseIdbStore('rest');
    const fresh = await openIdbStore('rest');
    expect(await fresh.all('messages')).toEqual([]);
    fresh.close();
  });
});
