import { LocalError } from '#shared/errors.ts';
import { tables, type Change, type Store, type Table } from '#web/core/store/ports.ts';

/** A store that lasts as long as its process: for clients without a browser, and for tests. */
export const memoryStore = (): Store => {
  const contents = new Map<Table, Map<string, Uint8Array>>(tables.map((table) => [table, new Map()]));
  let closed = false;
  const records = (table: Table): Map<string, Uint8Array> => {
    const found = contents.get(table);
    if (closed || !found) throw new LocalError('storage', 'the store is closed');
    return found;
  };
  const apply = ({ table, key, value }: Change): void => {
    if (value === undefined) records(table).delete(key);
    else records(table).set(key, value.slice());
  };
  return {
    get: async (table, key) => Promise.resolve(records(table).get(key)?.slice()),
    all: async (table) =>
      Promise.resolve([...records(table)].map(([key, value]): [string, Uint8Array] => [key, value.slice()])),
    write: async (changes) => {
      changes.forEach(apply);
      return Promise.resolve();
    },
    close: () => void (closed = true),
    erase: async () => {
      closed = true;
      for (const table of contents.values()) table.clear();
      return Promise.resolve();
    },
    lock: undefined,
  };
};
