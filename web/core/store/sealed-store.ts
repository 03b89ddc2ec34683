import type { IDBPDatabase } from 'idb';
import { guarded, other, placeOf, turnTo, type Half } from '#web/core/store/database.ts';
import { checkPassphrase, COST, DATA_KEY_LENGTH, wrap, type Cost } from '#web/core/store/passphrase.ts';
import { tables, type Change, type Store, type StoreLock, type Table } from '#web/core/store/ports.ts';
import { keysFrom, makeKeys, nameOf, open, seal, type Bytes, type Keys } from '#web/core/store/sealing.ts';

/** Records that are sealed anew in one step. */
const STEP = 16;

type Place = { half: Half; keys: Keys };
export type Opened = Place & { locked: boolean; cost?: Cost | undefined; erase: () => Promise<void> };

/** A database that was opened. */
export class SealedStore implements Store {
  readonly #database: IDBPDatabase;
  readonly #erase: () => Promise<void>;
  readonly #cost: Cost;
  #place: Place;
  #locked: boolean;
  readonly #writes = new Set<Promise<void>>();
  #relocking: Promise<void> = Promise.resolve();

  constructor(database: IDBPDatabase, { half, keys, locked, cost = COST, erase }: Opened) {
    this.#database = database;
    this.#place = { half, keys };
    this.#locked = locked;
    this.#cost = cost;
    this.#erase = erase;
  }

  get lock(): StoreLock {
    return { on: this.#locked, set: (passphrase) => this.#relock(passphrase) };
  }

  get(table: Table, key: string): Promise<Uint8Array | undefined> {
    return this.#read(async ({ half, keys }) => {
      const name = await nameOf(keys, table, key);
      const sealed = (await this.#database.get(placeOf(half, table), name)) as Bytes | undefined;
      return async () => sealed && (await open(keys, table, name, sealed))[1];
    });
  }

  all(table: Table): Promise<[string, Uint8Array][]> {
    return this.#read(async ({ half, keys }) => {
      const { store } = this.#database.transaction(placeOf(half, table));
      const [names, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
      return () =>
        Promise.all(
          names.map((name, at) =>
            open(keys, table, new Uint8Array(name as ArrayBuffer), values[at] as Bytes),
          ),
        );
    });
  }

  async write(changes: readonly Change[]): Promise<void> {
    for (let relocking; relocking !== this.#relocking;) {
      relocking = this.#relocking;
      await relocking;
    }
    const done = guarded(() => this.#put(this.#place, changes)).finally(() => this.#writes.delete(done));
    this.#writes.add(done);
    await done;
  }

  close(): void {
    this.#database.close();
  }

  async erase(): Promise<void> {
    this.close();
    await guarded(this.#erase);
  }

  /** A reading that other keys overtook found an emptied half: it is made again. */
  async #read<T>(fetch: (place: Place) => Promise<() => Promise<T>>): Promise<T> {
    return guarded(async () => {
      for (;;) {
        const place = this.#place;
        const result = await fetch(place);
        if (place === this.#place) return result();
      }
    });
  }

  async #relock(passphrase: string | undefined): Promise<void> {
    if (passphrase !== undefined) checkPassphrase(passphrase);
    const done = this.#relocking.then(() => guarded(() => this.#turn(passphrase)));
    this.#relocking = done.catch(() => undefined);
    await done;
  }

  /** Everything is copied to the other half under other keys; then, by one transaction, that half is the one in use. */
  async #turn(passphrase: string | undefined): Promise<void> {
    await Promise.allSettled([...this.#writes]);
    const { place, held } = await this.#fresh(passphrase);
    for (const table of tables) await this.#copy(table, place);
    await turnTo(this.#database, place.half, held);
    this.#place = place;
    this.#locked = passphrase !== undefined;
  }

  /** A key that ever lay open in the database opens nothing that is written after this. */
  async #fresh(
    passphrase: string | undefined,
  ): Promise<{ place: Place; held: Parameters<typeof turnTo>[2] }> {
    const half = other(this.#place.half);
    if (passphrase === undefined) {
      const keys = await makeKeys();
      return { place: { half, keys }, held: { keys } };
    }
    const dataKey = crypto.getRandomValues(new Uint8Array(DATA_KEY_LENGTH));
    const lock = await wrap(dataKey, passphrase, this.#cost);
    return { place: { half, keys: await keysFrom(dataKey) }, held: { lock } };
  }

  async #copy(table: Table, to: Place): Promise<void> {
    const { half, keys } = this.#place;
    const from = placeOf(half, table);
    const names = await this.#database.getAllKeys(from);
    for (let at = 0; at < names.length; at += STEP) {
      const { store } = this.#database.transaction(from);
      const some = names.slice(at, at + STEP);
      const values = (await Promise.all(some.map((name) => store.get(name)))) as Bytes[];
      const records = await Promise.all(
        some.map((name, i) => open(keys, table, new Uint8Array(name as ArrayBuffer), values[i] as Bytes)),
      );
      await this.#put(
        to,
        records.map(([key, value]) => ({ table, key, value })),
      );
    }
  }

  async #put({ half, keys }: Place, changes: readonly Change[]): Promise<void> {
    const sealed = await Promise.all(changes.map((change) => seal(keys, change)));
    if (sealed.length === 0) return;
    const touched = [...new Set(sealed.map(({ table }) => placeOf(half, table)))];
    const transaction = this.#database.transaction(touched, 'readwrite', { durability: 'strict' });
    const requests = sealed.map(({ table, name, value }) => {
      const store = transaction.objectStore(placeOf(half, table));
      return value ? store.put(value, name) : store.delete(name);
    });
    await Promise.all([...requests, transaction.done]);
  }
}
