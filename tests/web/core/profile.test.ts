import { expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import { Profile } from '#web/core/profile.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';

const rng = seededRng(new Uint8Array(32));

const stored = async (settings: Uint8Array): Promise<Store> => {
  const store = memoryStore();
  await store.write([{ table: 'settings', key: 'settings', value: settings }]);
  return store;
};

/** Name (length-prefixed, 2), relaying, read receipts, number of avoided nodes (2). */
const early = Uint8Array.of(0, 3, 0x4d, 0x69, 0x61, 0, 1, 0, 0);

it('settings from before there was cover, or hiding, are read without either, and written with both', async () => {
  const store = await stored(early);
  const profile = await Profile.load(store, rng);
  const settings = { name: 'Mia', relaying: false, readReceipts: true, avoided: [] };
  expect(profile.settings).toEqual({ ...settings, cover: 'off', hideAddress: false });
  await profile.set({ cover: 'full', hideAddress: true });
  expect(await store.get('settings', 'settings')).toEqual(Uint8Array.of(...early, 2, 1));
  expect((await Profile.load(store, rng)).settings).toEqual({
    ...settings,
    cover: 'full',
    hideAddress: true,
  });
});

it('settings that end in what is no level are refused', async () => {
  const store = await stored(Uint8Array.of(...early, 3));
  await expect(Profile.load(store, rng)).rejects.toMatchObject({ code: 'malformed' });
});
