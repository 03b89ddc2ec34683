import { beforeEach, describe, expect, it } from 'vitest';
import { text } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { Copier } from '#web/core/keeping/copier.ts';
import { Copy } from '#web/core/keeping/copy.ts';
import type { Host } from '#web/core/host.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Change, Store } from '#web/core/store/ports.ts';
import { RecordDesk } from '#tests/support/record-desk.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const entropy = new Uint8Array(16).fill(4);
const rng = seededRng(new Uint8Array(32).fill(8));
const MINUTE = 60_000;
const message: Change = { table: 'messages', key: 'a', value: text('a') };

let desk: RecordDesk;
let clock: VirtualClock;
let store: Store;
let made: number[];
let partial: boolean;

const copyOf = (): Copy => new Copy({ rng, ask: desk.ask, pause: () => Promise.resolve() }, entropy);
const open = async (): Promise<Copier> => {
  const copier = await Copier.load({
    store,
    ports: { rng, now: clock.now, timer: clock.after } as unknown as Host['ports'],
    copy: () => Promise.resolve(copyOf()),
    make: async () => {
      made.push(clock.now());
      return Promise.resolve({ file: text(`copy ${String(made.length)}`), partial });
    },
    changed: () => undefined,
  });
  copier.begin();
  return copier;
};

beforeEach(() => {
  desk = new RecordDesk();
  clock = new VirtualClock();
  store = memoryStore();
  made = [];
  partial = false;
});

describe('the copy at the directory is kept', () => {
  it('only when it is switched on, and at once then', async () => {
    const copier = await open();
    copier.wrote([message]);
    await clock.pass(24 * 60 * MINUTE);
    expect(made).toEqual([]);
    expect(copier.view).toEqual({ serverBackup: null, error: null });
    await copier.set(true);
    await clock.pass(0);
    expect(made).toHaveLength(1);
    expect(copier.view).toEqual({ serverBackup: { at: made[0], bytes: 6 }, error: null });
    expect(await copyOf().fetch()).toEqual(text('copy 1'));
  });

  it('after a change, at random, and never twice within an hour', async () => {
    const copier = await open();
    await copier.set(true);
    await clock.pass(0);
    for (let i = 0; i < 24 * 30; i++) {
      copier.wrote([message]);
      await clock.pass(2 * MINUTE);
    }
    const gaps = made.slice(1).map((at, i) => at - (made[i] ?? 0));
    expect(gaps.length).toBeGreaterThan(11);
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(60 * MINUTE);
    for (const gap of gaps) expect(gap).toBeLessThanOrEqual(123 * MINUTE);
    const before = made.length;
    await clock.pass(3 * 60 * MINUTE);
    expect(made.length).toBeLessThanOrEqual(before + 1);
    // Nothing changed, or nothing that counts.
    const last = made.length;
    copier.wrote([{ ...message, table: 'outbox' }]);
    await clock.pass(24 * 60 * MINUTE);
    expect(made).toHaveLength(last);
  });

  it('also of what changed before the tab ended', async () => {
    const first = await open();
    await first.set(true);
    await clock.pass(0);
    first.wrote([message]);
    await clock.pass(0);
    first.stop();
    await clock.pass(5 * 60 * MINUTE);
    expect(made).toHaveLength(1);
    await open();
    await clock.pass(6 * MINUTE);
    expect(made).toHaveLength(2);
  });

  it('and tried again when it fails, with the reason told', async () => {
    const copier = await open();
    desk.fails = () => 'unreachable';
    await copier.set(true);
    await clock.pass(30 * MINUTE);
    expect(copier.view).toEqual({ serverBackup: { at: null, bytes: 0 }, error: 'unreachable' });
    expect(made.length).toBeLessThan(6);
    desk.fails = () => undefined;
    await clock.pass(60 * MINUTE);
    expect(copier.view.error).toBeNull();
    expect(copier.view.serverBackup?.at).not.toBeNull();
    partial = true;
    copier.wrote([message]);
    await clock.pass(3 * 60 * MINUTE);
    expect(copier.view.error).toBe('oversized');
  });

  it('until it is switched off: then nothing is left of it, however long that takes', async () => {
    const copier = await open();
    await copier.set(true);
    await clock.pass(0);
    desk.fails = () => 'unreachable';
    await copier.set(false);
    await clock.pass(10 * MINUTE);
    expect(copier.view.serverBackup).toBeNull();
    expect(desk.bytes).toBeGreaterThan(0);
    copier.stop();
    desk.fails = () => undefined;
    await open();
    await clock.pass(6 * MINUTE);
    expect(desk.bytes).toBe(0);
    expect(made).toHaveLength(1);
  });
});
