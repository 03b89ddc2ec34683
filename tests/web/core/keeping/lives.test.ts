import { beforeEach, describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import { verifyRecord } from '#shared/directory/records.ts';
import { latestLife, lifeOwner, tellLife } from '#web/core/keeping/life.ts';
import { Lives } from '#web/core/keeping/lives.ts';
import { kept } from '#web/core/keeping/records.ts';
import type { Host } from '#web/core/host.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import { RecordDesk } from '#tests/support/record-desk.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const seed = new Uint8Array(32).fill(6);
const rng = seededRng(seed);
const MINUTE = 60_000;

let desk: RecordDesk;
let clock: VirtualClock;
let ended: number;

const livesOver = (store: Store): Promise<Lives> =>
  Lives.load({
    store,
    ports: { rng, now: clock.now, timer: clock.after } as unknown as Host['ports'],
    ask: desk.ask,
    moved: () => void (ended += 1),
  });
const restored = async (life: number): Promise<Store> => {
  const store = memoryStore();
  await store.write([kept('life', { life, told: false, moved: false })]);
  return store;
};

beforeEach(() => {
  desk = new RecordDesk();
  clock = new VirtualClock();
  ended = 0;
});

describe('lives of an address', () => {
  it('the first one asks once in a while, and says nothing', async () => {
    const lives = await livesOver(memoryStore());
    lives.begin(seed, false);
    await lives.permit();
    await lives.permit();
    expect(desk.asked.map(({ type }) => type)).toEqual(['get-record']);
    await clock.pass(16 * MINUTE);
    await lives.permit();
    expect(desk.asked).toHaveLength(2);
    await clock.pass(3 * 60 * MINUTE);
    expect(desk.asked.length).toBeGreaterThan(5);
    expect(desk.asked.length).toBeLessThan(14);
    expect(desk.records.size).toBe(0);
    lives.stop();
    expect(clock.alarms).toBe(0);
  });

  it('one that was made just now asks nobody', async () => {
    const lives = await livesOver(memoryStore());
    lives.begin(seed, true);
    await lives.permit();
    expect(desk.asked).toEqual([]);
    lives.stop();
  });

  it('a later one is told of, and the earlier one stops for good', async () => {
    const first = memoryStore();
    const old = await livesOver(first);
    old.begin(seed, false);
    await old.permit();
    const next = await livesOver(await restored(5));
    next.begin(seed, false);
    await next.permit();
    const [record] = [...desk.records.values()];
    expect(record && verifyRecord(record)).toBe(true);
    expect(record?.blob).toHaveLength(4096);
    expect(ended).toBe(0);
    await clock.pass(41 * MINUTE);
    expect(ended).toBe(1);
    await expect(old.permit()).rejects.toMatchObject({ code: 'moved' });
    await next.permit();
    const again = await livesOver(first);
    expect(again.moved).toBe(true);
    const asked = desk.asked.length;
    await expect(again.permit()).rejects.toMatchObject({ code: 'moved' });
    expect(desk.asked).toHaveLength(asked);
    next.stop();
  });

  it('of two restored, the later one goes on', async () => {
    const late = await livesOver(await restored(9));
    late.begin(seed, false);
    await late.permit();
    const early = await livesOver(await restored(5));
    early.begin(seed, false);
    await expect(early.permit()).rejects.toMatchObject({ code: 'moved' });
    await late.permit();
    late.stop();
  });

  it('while the directory is away nothing is permitted, and nothing lost', async () => {
    const lives = await livesOver(await restored(5));
    lives.begin(seed, false);
    desk.fails = () => 'unreachable';
    await expect(lives.permit()).rejects.toMatchObject({ code: 'unreachable' });
    desk.fails = () => undefined;
    await lives.permit();
    expect(lives.moved).toBe(false);
    lives.stop();
  });

  it('a record that is not the owner`s counts for nothing', async () => {
    const owner = lifeOwner(seed);
    await tellLife(desk.ask, owner, 5, rng);
    const [[id, record] = ['', undefined]] = [...desk.records];
    if (!record) throw new Error('no record');
    desk.records.set(id, { ...record, revision: 6 });
    await expect(latestLife(desk.ask, owner)).rejects.toMatchObject({ code: 'bad-signature' });
    desk.records.set(id, { ...record, slot: 1 });
    await expect(latestLife(desk.ask, owner)).rejects.toMatchObject({ code: 'unexpected' });
  });

  it('leaves nothing at the directory when everything is erased', async () => {
    const lives = await livesOver(await restored(5));
    lives.begin(seed, false);
    await lives.withdraw();
    expect(desk.bytes).toBe(0);
    lives.stop();
  });
});
