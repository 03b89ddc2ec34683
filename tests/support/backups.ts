import type { ClientApi } from '#web/api.ts';
import type { Tab } from '#tests/support/browser.ts';

type Exposed = typeof globalThis & { hourglass: { client: ClientApi } };

/** A backup of the tab's user, in hex: no Blob crosses to a test. */
export const backupOf = (tab: Tab): Promise<string> =>
  tab.page.evaluate(async () => {
    const file = await (globalThis as Exposed).hourglass.client.backup();
    const bytes = new Uint8Array(await file.arrayBuffer());
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  });

/** What the tab makes of a backup. */
export const opened = (
  tab: Tab,
  method: 'readBackup' | 'restoreBackup',
  file: string,
  words: string[],
): Promise<unknown> =>
  tab.page.evaluate(
    async ({ name, digits, phrase }) => {
      const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
      const { client } = (globalThis as Exposed).hourglass;
      return (await client[name](new Blob([bytes]), phrase)) ?? null;
    },
    { name: method, digits: file, phrase: words },
  );
