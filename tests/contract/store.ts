import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '#web/core/store/ports.ts';

/** `reopen` opens the same contents again, where an implementation has contents that outlast it. */
export type StoreMaker = () => Promise<{ store: Store; reopen?: () => Promise<Store> }>;

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const sorted = (records: [string, Uint8Array][]): [string, Uint8Array][] =>
  records.sort(([a], [b]) => (a < b ? -1 : 1));

/** What every implementation of the client's store does. */
export const storeContract = (name: string, make: StoreMaker): void => {
  describe(`store: ${name}`, () => {
    let made: Awaited<ReturnType<StoreMaker>>;
    let store: Store;
    beforeEach(async () => {
      made = await make();
      store = made.store;
    });
    afterEach(() => {
      store.close();
    });

    it('holds nothing at first', async () => {
      expect(await store.get('settings', 'x')).toBeUndefined();
      expect(await store.all('settings')).toEqual([]);
    });

    it('returns what was written, table by table', async () => {
      await store.write([
        { table: 'settings', key: 'a', value: bytes(1, 2) },
        { table: 'settings', key: 'b', value: bytes() },
        { table: 'messages', key: 'a', value: bytes(3) },
      ]);
      expect(await store.get('settings', 'a')).toEqual(bytes(1, 2));
      expect(await store.get('settings', 'b')).toEqual(bytes());
      expect(await store.get('messages', 'a')).toEqual(bytes(3));
      expect(sorted(await store.all('settings'))).toEqual([
        ['a', bytes(1, 2)],
        ['b', bytes()],
      ]);
    });

    it('replaces and removes, in the order of the changes', async () => {
      await store.write([{ table: 'seen', key: 'a', value: bytes(1) }]);
      await store.write([
        { table: 'seen', key: 'a', value: bytes(2) },
        { table: 'seen', key: 'b', value: bytes(3) },
        { table: 'seen', key: 'b', value: undefined },
        { table: 'seen', key: 'c', value: undefined },
      ]);
      expect(await store.all('seen')).toEqual([['a', bytes(2)]]);
    });

    it('keeps its own copy', async () => {
      const value = bytes(1, 2, 3);
      await store.write([{ table: 'outbox', key: 'a', value }]);
      value.fill(9);
      const read = await store.get('outbox', 'a');
      expect(read).toEqual(bytes(1, 2, 3));
      read?.fill(8);
      expect(await store.get('outbox', 'a')).toEqual(bytes(1, 2, 3));
    });

    it('takes keys and values of any content and length', async () => {
      const key = 'ключ/\u0000/🜲'.repeat(20);
      const value = new Uint8Array(100_000).map((_, at) => at % 251);
      await store.write([{ table: 'conversations', key, value }]);
      expect(await store.all('conversations')).toEqual([[key, value]]);
    });

    it('writes many at once and concurrently', async () => {
      await Promise.all(
        [0, 1, 2, 3].map((batch) =>
          store.write(
            Array.from({ length: 50 }, (_, at) => ({
              table: 'messages' as const,
              key: `${String(batch)}/${String(at)}`,
              value: bytes(batch, at),
            })),
          ),
        ),
      );
      expect(await store.all('messages')).toHaveLength(200);
    });

    it('rejects with `storage` once closed', async () => {
      store.close();
      await expect(store.get('seen', 'a')).rejects.toMatchObject({ code: 'storage' });
      await expect(store.write([{ table: 'seen', key: 'a', value: bytes(1) }])).rejects.toMatchObject({
        code: 'storage',
      });
    });

    it('still holds everything when it is opened again', async () => {
      if (!made.reopen) return;
      await store.write([{ table: 'identity', key: 'own', value: bytes(7) }]);
      store.close();
      store = await made.reopen();
      expect(await store.get('identity', 'own')).toEqual(bytes(7));
    });
  });
};
