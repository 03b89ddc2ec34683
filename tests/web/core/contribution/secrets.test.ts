import { describe, expect, it } from 'vitest';
import { commitmentOf } from '#shared/contribution/tags.ts';
import { Secrets } from '#web/core/contribution/secrets.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { rngOf } from '#tests/shared/node/bench.ts';
import { idOf } from '#tests/support/sample-network.ts';

const node = idOf('mine');

describe('contribution secrets', () => {
  it('are stored before anyone is told of them, and the same after a reload', async () => {
    const store = memoryStore();
    const secrets = new Secrets(store, rngOf(1), []);
    const [first, again] = await Promise.all([secrets.make(7, node), secrets.make(7, node)]);
    expect(again).toEqual(first);
    expect(first.commitment).toBe(commitmentOf(first.secret));
    const records = await store.all('contribution');
    expect(records).toHaveLength(1);
    const reloaded = new Secrets(store, rngOf(2), records);
    expect(reloaded.of(7)).toEqual([first]);
    expect(await reloaded.make(7, node)).toEqual(first);
  });

  it('are others for each epoch and each node', async () => {
    const secrets = new Secrets(memoryStore(), rngOf(1), []);
    await secrets.make(7, node);
    await secrets.make(7, idOf('mine later'));
    await secrets.make(8, node);
    const all = [...secrets.of(7), ...secrets.of(8)].map(({ secret }) => secret);
    expect([secrets.of(7).length, secrets.of(8).length, new Set(all).size]).toEqual([2, 1, 3]);
  });

  it('go once nobody takes a proof of their epoch', async () => {
    const store = memoryStore();
    const secrets = new Secrets(store, rngOf(1), []);
    for (const epoch of [7, 8, 9]) await secrets.make(epoch, node);
    expect(secrets.of(7)).toHaveLength(1);
    await secrets.make(10, node);
    expect(secrets.of(7)).toEqual([]);
    expect(secrets.of(8)).toHaveLength(1);
    expect((await store.all('contribution')).map(([key]) => key.split('/')[1]).sort()).toEqual([
      '10',
      '8',
      '9',
    ]);
  });

  it('are not told where they could not be stored', async () => {
    const store = memoryStore();
    store.close();
    const secrets = new Secrets(store, rngOf(1), []);
    await expect(secrets.make(7, node)).rejects.toMatchObject({ code: 'storage' });
    expect(secrets.of(7)).toEqual([]);
  });
});
