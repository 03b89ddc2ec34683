import type { Change, Store } from '#web/core/store/ports.ts';

/** `store`, and `wrote` is told of each write that went through. */
export const watched = (store: Store, wrote: (changes: readonly Change[]) => void): Store => ({
  get: (table, key) => store.get(table, key),
  all: (table) => store.all(table),
  write: async (changes) => {
    await store.write(changes);
    wrote(changes);
  },
  close: () => store.close(),
  erase: () => store.erase(),
  get lock() {
    return store.lock;
  },
});
