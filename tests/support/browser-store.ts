import type { Tab } from '#tests/support/browser.ts';

/** What lies in the databases of a tab's origin: all bytes and texts as hex, and of each key whether it can be taken out. */
export type KeptInBrowser = { hex: string; keys: boolean[]; records: number };

export const keptInBrowser = (tab: Pick<Tab, 'page'>): Promise<KeptInBrowser> =>
  tab.page.evaluate(async () => {
    const kept = { parts: [] as string[], keys: [] as boolean[], records: 0 };
    const hexOf = (bytes: Uint8Array): string =>
      Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const walk = (value: unknown): void => {
      if (value instanceof CryptoKey) kept.keys.push(value.extractable);
      else if (value instanceof ArrayBuffer) kept.parts.push(hexOf(new Uint8Array(value)));
      else if (ArrayBuffer.isView(value)) kept.parts.push(hexOf(value as Uint8Array));
      else if (value !== null && typeof value === 'object') Object.values(value).forEach(walk);
      else kept.parts.push(hexOf(new TextEncoder().encode(String(value))));
    };
    const settled = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((done, failed) => {
        request.onsuccess = () => done(request.result);
        request.onerror = () => failed(new Error(String(request.error)));
      });
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await settled(indexedDB.open(name));
      for (const table of database.objectStoreNames) {
        const store = database.transaction(table).objectStore(table);
        const values: unknown[] = await settled(store.getAll());
        kept.records += values.length;
        [...(await settled(store.getAllKeys())), ...values].forEach(walk);
      }
      database.close();
    }
    return { hex: kept.parts.join(' '), keys: kept.keys, records: kept.records };
  });
