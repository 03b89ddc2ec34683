import { deleteDB, openDB, type IDBPDatabase } from 'idb';
import { LocalError } from '#shared/errors.ts';
import { tables, type Table } from '#web/core/store/ports.ts';
import { makeKeys, type Keys } from '#web/core/store/sealing.ts';
import type { Millis } from '#shared/units.ts';

/**
 * One IndexedDB database a profile. Every table has an object store in each of two halves, of which one is in use and the
 * other empty, but while everything is sealed anew. Beside them `keys` holds
 *
 *     keys   { sealing, naming }, while no passphrase is set
 *     lock   the wrapped data key, while one is
 *     half   1 when the second half is in use
 *     tries  { failed, until }: passphrases that did not open it since one did, and when the next may be tried
 *
 * So a copy of the files shows how many records there are and how long each is, and neither ids nor content to whoever
 * lacks the keys; and with a passphrase set it holds no key.
 */

/** Raised when a table is added; the others stay as they are. */
const VERSION = 4;
export const KEYS = 'keys';

export type Half = 0 | 1;
export type Keyring = { half: Half; tries: Tries } & ({ keys: Keys } | { lock: Uint8Array });
export type Tries = { failed: number; until: Millis };

const databaseName = (profile: string): string => `hourglass-${profile}`;

export const other = (half: Half): Half => (half === 0 ? 1 : 0);

/** The object store of a table. */
export const placeOf = (half: Half, table: Table): string => (half === 0 ? table : `${table}+`);
export const placesOf = (half: Half): string[] => tables.map((table) => placeOf(half, table));

export const openDatabase = (profile: string): Promise<IDBPDatabase> =>
  openDB(databaseName(profile), VERSION, {
    upgrade(old) {
      for (const name of [...placesOf(0), ...placesOf(1), KEYS])
        if (!old.objectStoreNames.contains(name)) old.createObjectStore(name);
    },
  });

export const deleteDatabase = (profile: string): Promise<void> => deleteDB(databaseName(profile));

/** What opens it; keys are made for a database that has none. The half that is not in use is emptied: a crash may have left some. */
export const keyringOf = async (database: IDBPDatabase): Promise<Keyring> => {
  // Made ahead, because a transaction ends as soon as anything else than itself is awaited.
  const fresh = await makeKeys();
  const transaction = database.transaction(KEYS, 'readwrite', { durability: 'strict' });
  const held = async (name: string): Promise<unknown> => transaction.store.get(name);
  const half: Half = (await held('half')) === 1 ? 1 : 0;
  const tries = ((await held('tries')) as Tries | undefined) ?? { failed: 0, until: 0 };
  const lock = (await held('lock')) as Uint8Array | undefined;
  let keys = (await held('keys')) as Keys | undefined;
  if (!lock && !keys) {
    keys = fresh;
    await transaction.store.put(fresh, 'keys');
  }
  await transaction.done;
  await emptied(database, other(half));
  if (lock) return { half, tries, lock };
  if (keys) return { half, tries, keys };
  throw new LocalError('internal');
};

const emptied = async (database: IDBPDatabase, half: Half): Promise<void> => {
  const transaction = database.transaction(placesOf(half), 'readwrite');
  await Promise.all([
    ...placesOf(half).map((place) => transaction.objectStore(place).clear()),
    transaction.done,
  ]);
};

/** The other half with other keys takes the place of the one in use, which is emptied, or nothing happens. */
export const turnTo = async (
  database: IDBPDatabase,
  half: Half,
  held: { keys: Keys } | { lock: Uint8Array },
): Promise<void> => {
  const former = placesOf(other(half));
  const transaction = database.transaction([KEYS, ...former], 'readwrite', { durability: 'strict' });
  const keys = transaction.objectStore(KEYS);
  await Promise.all([
    keys.put(half, 'half'),
    'lock' in held ? keys.put(held.lock, 'lock') : keys.delete('lock'),
    'keys' in held ? keys.put(held.keys, 'keys') : keys.delete('keys'),
    keys.delete('tries'),
    ...former.map((place) => transaction.objectStore(place).clear()),
    transaction.done,
  ]);
};

export const putTries = async (database: IDBPDatabase, tries: Tries): Promise<void> => {
  const transaction = database.transaction(KEYS, 'readwrite', { durability: 'strict' });
  await Promise.all([transaction.store.put(tries, 'tries'), transaction.done]);
};

/** What the engine below throws becomes LocalError `storage`. */
export const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LocalError) throw error;
    throw new LocalError(
      'storage',
      error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    );
  }
};
