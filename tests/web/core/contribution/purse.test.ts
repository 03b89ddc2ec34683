import { beforeEach, describe, expect, it } from 'vitest';
import { epochStart } from '#shared/contribution/epochs.ts';
import type { Token } from '#shared/directory/tokens.ts';
import { Purse } from '#web/core/contribution/purse.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import { EPOCH, plan } from './fixture.ts';

const token = (epoch: number, n: number): Token => ({
  epoch,
  input: new Uint8Array(32).fill(n),
  output: new Uint8Array(64).fill(n),
});

let store: Store;
let purse: Purse;
const now = epochStart(EPOCH, plan) + plan.graceMs + 1;
const stored = async (): Promise<number> => (await store.all('contribution')).length;

beforeEach(() => {
  store = memoryStore();
  purse = new Purse(store, []);
});

describe('a purse', () => {
  it('gives the token first that is of use for the shortest time, and keeps the others over a reload', async () => {
    await purse.add([token(EPOCH, 1), token(EPOCH - 1, 2)]);
    expect(await purse.take(now, plan)).toEqual(token(EPOCH - 1, 2));
    const reloaded = new Purse(store, await store.all('contribution'));
    expect(reloaded.size).toBe(1);
    expect(await reloaded.take(now, plan)).toEqual(token(EPOCH, 1));
    expect(await reloaded.take(now, plan)).toBeUndefined();
  });

  it('has taken a token out of the store before it gives it', async () => {
    await purse.add([token(EPOCH, 1)]);
    const { write } = store;
    let settle = (): void => undefined;
    store.write = (changes) => new Promise((done) => (settle = () => void write(changes).then(done)));
    let given: Token | undefined;
    const taking = purse.take(now, plan).then((taken) => (given = taken));
    await Promise.resolve();
    expect(given).toBeUndefined();
    settle();
    await taking;
    expect([given?.epoch, await stored()]).toEqual([EPOCH, 0]);
  });

  it('gives no token twice, however many ask at once', async () => {
    await purse.add([token(EPOCH, 1), token(EPOCH, 2)]);
    const taken = await Promise.all([1, 2, 3].map(() => purse.take(now, plan)));
    expect(taken.map((each) => each?.input[0])).toEqual([1, 2, undefined]);
  });

  it('throws away what nobody takes any more', async () => {
    await purse.add([token(EPOCH - 2, 1), token(EPOCH, 2)]);
    await purse.prune(now, plan);
    expect([purse.size, await stored()]).toEqual([1, 1]);
  });

  it('takes tokens together with what has to be stored with them', async () => {
    await purse.add(
      [token(EPOCH, 1)],
      [{ table: 'contribution', key: 'purchase/1', value: new Uint8Array(2) }],
    );
    expect(await stored()).toBe(2);
  });
});
