import { describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { PERIOD_MS, PERIODS_AHEAD, periodOf } from '#shared/rendezvous/contact.ts';
import type { Content } from '#web/core/conversation/content.ts';
import type { Session } from '#web/core/conversation/session.ts';
import { boxOf } from '#web/core/mail/box.ts';
import { FirstBoxes } from '#web/core/mail/first-boxes.ts';
import { PairBoxes, RENEW_MS } from '#web/core/mail/pair-boxes.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Change } from '#web/core/store/ports.ts';
import { NOW, seed } from '#tests/support/sample-network.ts';

const rng = seededRng(seed('boxes'));
const period = periodOf(NOW);

describe('mailboxes for first contact', () => {
  it('are one a period, and the same after a reload', async () => {
    const store = memoryStore();
    const boxes = await FirstBoxes.load(store, rng);
    let made = 0;
    boxes.made = () => void (made += 1);
    const today = await boxes.of(period, NOW);
    expect(await boxes.of(period, NOW)).toBe(today);
    const tomorrow = await boxes.of(period + 1, NOW);
    expect(boxOf(tomorrow).public.mailbox).not.toEqual(boxOf(today).public.mailbox);
    expect(made).toBe(2);
    const again = await FirstBoxes.load(store, rng);
    expect(await again.of(period, NOW)).toEqual(today);
    expect(await again.of(period + 1, NOW)).toEqual(tomorrow);
  });

  it('are read from when their period begins until nobody can have been led there any more', async () => {
    const boxes = await FirstBoxes.load(memoryStore(), rng);
    await boxes.of(period, NOW);
    await boxes.of(period + 1, NOW);
    const at = (now: number): string[] =>
      boxes.begun(now).map(({ period: of, over }) => `${of - period}${over ? ' over' : ''}`);
    expect(at(NOW)).toEqual(['0']);
    expect(at((period + 1) * PERIOD_MS)).toEqual(['0', '1']);
    // A descriptor is served in the period after its own too, and a deposit takes its time.
    expect(at((period + 2) * PERIOD_MS)).toEqual(['0', '1']);
    expect(at((period + 2) * PERIOD_MS + 3_600_001)).toEqual(['0 over', '1']);
    await boxes.erase(period);
    expect(at((period + 2) * PERIOD_MS)).toEqual(['1']);
  });

  it('are erased after fifteen periods, but for those yet to come', async () => {
    const store = memoryStore();
    const boxes = await FirstBoxes.load(store, rng);
    await boxes.of(period, NOW);
    await boxes.of(period + PERIODS_AHEAD, NOW);
    await boxes.of(period + 15, NOW + 15 * PERIOD_MS);
    expect(boxes.begun(NOW + 15 * PERIOD_MS)).toHaveLength(3);
    await boxes.of(period + 16, NOW + 16 * PERIOD_MS);
    const keys = (await store.all('mailboxes')).map(([key]) => Number(key.split('/')[1]) - period);
    expect(keys.toSorted((a, b) => a - b)).toEqual([PERIODS_AHEAD, 15, 16]);
  });

  it('know which periods to come have a descriptor', async () => {
    const store = memoryStore();
    const boxes = await FirstBoxes.load(store, rng);
    const days = (list: number[]): number[] => list.map((each) => each - period);
    expect(days(boxes.unpublished(NOW))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await boxes.of(period + 1, NOW);
    await boxes.published(period + 1);
    // Without a mailbox there is none that could name it.
    await boxes.published(period + 2);
    const again = await FirstBoxes.load(store, rng);
    expect(days(again.unpublished(NOW))).toEqual([2, 3, 4, 5, 6, 7]);
    expect(days(again.unpublished(NOW + PERIOD_MS))).toEqual([2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('the mailboxes of a conversation', () => {
  const id = hex(seed('contact'));
  const told: Content[] = [];
  const store = memoryStore();
  const session = {
    id,
    tell: async (content: Content, extra: readonly Change[]) => {
      told.push(content);
      await store.write(extra);
    },
  } as unknown as Session;

  it('are told of once, renewed rarely, and the one before is kept', async () => {
    const boxes = await PairBoxes.load(store, rng);
    await boxes.renew(session, NOW);
    await boxes.renew(session, NOW + RENEW_MS - 1);
    const [first, none] = boxes.own(id);
    if (!first || none) throw new Error('one was due');
    expect(told).toEqual([{ type: 'mailbox', ...boxOf(first).public }]);
    const again = await PairBoxes.load(store, rng);
    expect(again.own(id)).toEqual([first]);
    await again.renew(session, NOW + RENEW_MS);
    await again.renew(session, NOW + 2 * RENEW_MS);
    expect(told).toHaveLength(3);
    expect(again.own(id)).toHaveLength(2);
    expect(again.own(id)).not.toContainEqual(first);
    expect((await PairBoxes.load(store, rng)).own(id)).toEqual(again.own(id));
  });

  it('are not kept where the contact was not told', async () => {
    const boxes = await PairBoxes.load(memoryStore(), rng);
    const failing = { id, tell: async () => Promise.reject(new Error('storage')) } as unknown as Session;
    await expect(boxes.renew(failing, NOW)).rejects.toThrow('storage');
    expect(boxes.own(id)).toEqual([]);
  });

  it('are the contact`s too, as they said last', async () => {
    const boxes = await PairBoxes.load(store, rng);
    const mailbox = { mailbox: seed('theirs'), key: new Uint8Array(1216).fill(1) };
    expect(boxes.theirs(id)).toBeUndefined();
    await store.write([boxes.change(seed('contact'), mailbox)]);
    expect(boxes.theirs(id)).toBeUndefined();
    boxes.told(id, mailbox);
    expect(boxes.theirs(id)).toEqual(mailbox);
    const again = await PairBoxes.load(store, rng);
    expect(again.theirs(id)).toEqual(mailbox);
    await store.write(again.forget(id));
    const empty = await PairBoxes.load(store, rng);
    expect([empty.theirs(id), empty.own(id)]).toEqual([undefined, []]);
  });
});
