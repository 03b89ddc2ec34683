import { deleteDB, openDB, type IDBPDatabase } from 'idb';
import { concat, text, untext } from '#shared/bytes/bytes.ts';
import { Reader } from '#shared/bytes/reader.ts';
import { Writer } from '#shared/bytes/writer.ts';
import { LocalError } from '#shared/errors.ts';
import { tables, type Change, type Store, type Table } from '#web/core/store/ports.ts';

/**
 * The store of a browser: one IndexedDB database per profile, an object store per table, and in each
 *
 *     key   = HMAC-SHA-256(naming key, table ‖ 0 ‖ record key)                                         32 bytes
 *     value = nonce (12) ‖ AES-256-GCM(sealing key, nonce, AD = table ‖ 0 ‖ key, name length (2) ‖ record key ‖ record)
 *
 * Both keys are made in the browser, cannot be extracted, and lie in the same database. So a copy of the files
 * shows how many records there are and how long each is, and neither ids nor content to whoever lacks the keys.
 */
/** Raised when a table is added; the others stay as they are. */
const VERSION = 2;
const KEYS = 'keys';
const NONCE_LENGTH = 12;

type Keys = { sealing: CryptoKey; naming: CryptoKey };
type Bytes = Uint8Array<ArrayBuffer>;

const databaseName = (profile: string): string => `hourglass-${profile}`;

export const openIdbStore = async (profile: string): Promise<Store> =>
  guarded(async () => {
    const database = await openDB(databaseName(profile), VERSION, {
      upgrade(old) {
        for (const name of [...tables, KEYS])
          if (!old.objectStoreNames.contains(name)) old.createObjectStore(name);
      },
    });
    return storeOver(database, await keysOf(database));
  });

/** Removes a profile with its keys. Other connections to it must be closed first. */
export const eraseIdbStore = async (profile: string): Promise<void> =>
  guarded(() => deleteDB(databaseName(profile)));

const keysOf = async (database: IDBPDatabase): Promise<Keys> => {
  // Made ahead, because a transaction ends as soon as anything else than itself is awaited.
  const fresh: Keys = {
    sealing: await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']),
    naming: await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']),
  };
  const transaction = database.transaction(KEYS, 'readwrite', { durability: 'strict' });
  const held = (await transaction.store.get('keys')) as Keys | undefined;
  if (held === undefined) await transaction.store.put(fresh, 'keys');
  await transaction.done;
  return held ?? fresh;
};

const storeOver = (database: IDBPDatabase, keys: Keys): Store => ({
  get: (table, key) =>
    guarded(async () => {
      const name = await nameOf(keys, table, key);
      const sealed = (await database.get(table, name)) as Bytes | undefined;
      return sealed && (await open(keys, table, name, sealed))[1];
    }),
  all: (table) =>
    guarded(async () => {
      const transaction = database.transaction(table);
      const [names, values] = await Promise.all([transaction.store.getAllKeys(), transaction.store.getAll()]);
      return Promise.all(
        names.map((name, at) => open(keys, table, new Uint8Array(name as ArrayBuffer), values[at] as Bytes)),
      );
    }),
  write: (changes) =>
    guarded(async () => {
      const sealed = await Promise.all(changes.map((change) => seal(keys, change)));
      if (sealed.length === 0) return;
      const touched = [...new Set(sealed.map(({ table }) => table))];
      const transaction = database.transaction(touched, 'readwrite', { durability: 'strict' });
      const requests = sealed.map(({ table, name, value }) =>
        value ? transaction.objectStore(table).put(value, name) : transaction.objectStore(table).delete(name),
      );
      await Promise.all([...requests, transaction.done]);
    }),
  close: () => {
    database.close();
  },
});

const place = (table: Table, rest: Uint8Array): Bytes =>
  concat(text(table), new Uint8Array(1), rest) as Bytes;

const nameOf = async (keys: Keys, table: Table, key: string): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.sign('HMAC', keys.naming, place(table, text(key))));

const sealing = (table: Table, name: Bytes, nonce: Bytes): AesGcmParams => ({
  name: 'AES-GCM',
  iv: nonce,
  additionalData: place(table, name),
});

const seal = async (
  keys: Keys,
  { table, key, value }: Change,
): Promise<{ table: Table; name: Bytes; value: Bytes | undefined }> => {
  const name = await nameOf(keys, table, key);
  if (value === undefined) return { table, name, value: undefined };
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_LENGTH));
  const label = text(key);
  const plain = new Writer().u16(label.length).bytes(label).bytes(value).finish() as Bytes;
  const body = await crypto.subtle.encrypt(sealing(table, name, nonce), keys.sealing, plain);
  return { table, name, value: concat(nonce, new Uint8Array(body)) as Bytes };
};

const open = async (keys: Keys, table: Table, name: Bytes, sealed: Bytes): Promise<[string, Uint8Array]> => {
  const nonce = sealed.slice(0, NONCE_LENGTH);
  const body = sealed.slice(NONCE_LENGTH);
  const plain = new Reader(
    new Uint8Array(await crypto.subtle.decrypt(sealing(table, name, nonce), keys.sealing, body)),
  );
  return [untext(plain.take(plain.u16())), plain.rest()];
};

const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw new LocalError(
      'storage',
      error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    );
  }
};
