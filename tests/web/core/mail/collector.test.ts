import { describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { mailboxId, verifyAcknowledge, verifyCollect } from '#shared/directory/mail.ts';
import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import { boxOf, makeBox, type Box } from '#web/core/mail/box.ts';
import { Collector } from '#web/core/mail/collector.ts';
import { sealLetter } from '#web/core/mail/letter.ts';
import { seed } from '#tests/support/sample-network.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

type Stored = { id: Uint8Array; blob: Uint8Array };

/** A directory's mailboxes, and a collector that reads them. */
class Fixture {
  readonly clock = new VirtualClock();
  readonly rng = seededRng(seed('collector'));
  readonly mailboxes = new Map<string, Stored[]>();
  /** The mailbox, kind, circuit and time of each request. */
  readonly asked: { mailbox: string; type: string; binding: string; at: number }[] = [];
  readonly taken: string[] = [];
  readonly collector: Collector;
  /** Requests under way, and the most there were at once. */
  under = 0;
  most = 0;
  fail: (type: string) => Error | undefined = () => undefined;
  take: (text: string) => Error | undefined = () => undefined;

  constructor() {
    const { clock, rng } = this;
    this.collector = new Collector({
      ports: { now: clock.now, rng, timer: clock.after },
      network: { askBound: (_, request) => this.#ask(request) },
      take: async ({ frames }) => {
        const text = frames.map((frame) => new TextDecoder().decode(frame)).join(' ');
        const error = this.take(text);
        if (error) throw error;
        this.taken.push(text);
        return Promise.resolve();
      },
    });
  }

  box(): Box {
    return boxOf(makeBox(this.rng, this.clock.now()));
  }

  put({ public: { mailbox, key } }: Box, text: string): void {
    const letter = { time: 0, frames: [new TextEncoder().encode(text)] };
    this.store(mailbox, sealLetter(this.rng, { mailbox, key }, letter));
  }

  store(mailbox: Uint8Array, blob: Uint8Array): void {
    const waiting = this.mailboxes.get(hex(mailbox)) ?? [];
    this.mailboxes.set(hex(mailbox), [...waiting, { id: this.rng(16), blob }]);
  }

  waiting({ public: { mailbox } }: Box): number {
    return this.mailboxes.get(hex(mailbox))?.length ?? 0;
  }

  async #ask(request: (binding: Uint8Array) => DirectoryRequest): Promise<DirectoryResponse> {
    const binding = this.rng(32);
    const asked = request(binding);
    if (asked.type !== 'collect' && asked.type !== 'acknowledge') throw new Error(asked.type);
    const mailbox = hex(mailboxId(asked.key));
    this.asked.push({ mailbox, type: asked.type, binding: hex(binding), at: this.clock.now() });
    this.under += 1;
    this.most = Math.max(this.most, this.under);
    await new Promise<void>((done) => void this.clock.after(100, done));
    this.under -= 1;
    const error = this.fail(asked.type);
    if (error) throw error;
    const waiting = this.mailboxes.get(mailbox) ?? [];
    if (asked.type === 'collect') {
      expect(verifyCollect(binding, asked)).toBe(true);
      const messages = waiting.slice(0, 4);
      return { type: 'mail', state: { more: waiting.length > 4, woken: false }, messages };
    }
    expect(verifyAcknowledge(binding, asked)).toBe(true);
    const ids = new Set(asked.ids.map(hex));
    this.mailboxes.set(
      mailbox,
      waiting.filter(({ id }) => !ids.has(hex(id))),
    );
    return { type: 'ok' };
  }
}

const MINUTE = 60_000;

describe('reading mailboxes', () => {
  it('takes all that waits, in order, and erases it', async () => {
    const fixture = new Fixture();
    const box = fixture.box();
    const texts = Array.from({ length: 10 }, (_, i) => `letter ${i}`);
    for (const text of texts) fixture.put(box, text);
    fixture.collector.add(box);
    await fixture.clock.pass(10_000);
    expect(fixture.taken).toEqual(texts);
    expect(fixture.waiting(box)).toBe(0);
    expect(new Set(fixture.asked.map(({ binding }) => binding)).size).toBe(fixture.asked.length);
  });

  it('comes back every few minutes at random times, and at once when woken', async () => {
    const fixture = new Fixture();
    const box = fixture.box();
    fixture.collector.add(box);
    await fixture.clock.pass(60 * MINUTE);
    expect(fixture.asked.length).toBeGreaterThan(9);
    expect(fixture.asked.length).toBeLessThan(32);
    fixture.put(box, 'now');
    fixture.collector.wake(box.public.mailbox);
    await fixture.clock.pass(1_500);
    expect(fixture.taken).toEqual(['now']);
    const asked = fixture.asked.length;
    fixture.collector.wake(fixture.rng(32));
    fixture.collector.stop();
    await fixture.clock.pass(60 * MINUTE);
    expect(fixture.asked).toHaveLength(asked);
  });

  it('reads one mailbox at a time', async () => {
    const fixture = new Fixture();
    const boxes = Array.from({ length: 5 }, () => fixture.box());
    for (const [i, box] of boxes.entries()) {
      fixture.put(box, String(i));
      fixture.collector.add(box);
    }
    await fixture.clock.pass(10_000);
    expect(fixture.taken.toSorted()).toEqual(['0', '1', '2', '3', '4']);
    expect(fixture.most).toBe(1);
  });

  it('erases and counts what does not open, and goes on', async () => {
    const fixture = new Fixture();
    const [box, other] = [fixture.box(), fixture.box()];
    fixture.store(box.public.mailbox, new Uint8Array(4096));
    fixture.put(box, 'good');
    const { mailbox } = box.public;
    fixture.store(mailbox, sealLetter(fixture.rng, other.public, { time: 0, frames: [] }));
    fixture.collector.add(box);
    await fixture.clock.pass(10_000);
    expect(fixture.taken).toEqual(['good']);
    expect(fixture.collector.refused).toBe(2);
    expect(fixture.waiting(box)).toBe(0);
  });

  it('erases nothing that could not be stored, and comes again', async () => {
    const fixture = new Fixture();
    const box = fixture.box();
    for (const text of ['one', 'two']) fixture.put(box, text);
    fixture.take = (text) => (text === 'two' ? new LocalError('storage') : undefined);
    fixture.collector.add(box);
    await fixture.clock.pass(10_000);
    expect(fixture.asked.filter(({ type }) => type === 'acknowledge')).toEqual([]);
    expect(fixture.waiting(box)).toBe(2);
    fixture.take = () => undefined;
    await fixture.clock.pass(MINUTE);
    expect(fixture.waiting(box)).toBe(0);
    expect(fixture.taken.at(-1)).toBe('two');
  });

  it('tries each request again on another circuit, three times, and later once more', async () => {
    const fixture = new Fixture();
    const box = fixture.box();
    fixture.put(box, 'late');
    let failures = 4;
    fixture.fail = () => (failures-- > 0 ? new RemoteError('unreachable') : undefined);
    fixture.collector.add(box);
    await fixture.clock.pass(15_000);
    const gaps = fixture.asked.slice(1).map(({ at }, i) => at - (fixture.asked[i]?.at ?? 0));
    expect(gaps.slice(0, 2)).toEqual([100, 100]);
    expect(gaps[2]).toBeGreaterThan(1_000);
    expect(fixture.taken).toEqual(['late']);
    expect(fixture.waiting(box)).toBe(0);
  });

  it('says when one is empty, and reads some seldom', async () => {
    const fixture = new Fixture();
    const [box, old] = [fixture.box(), fixture.box()];
    let emptied = 0;
    const done = async (): Promise<void> => {
      emptied += 1;
      fixture.collector.remove(box);
      return Promise.resolve();
    };
    fixture.put(box, 'last');
    fixture.collector.add(box, { emptied: done });
    fixture.collector.add(old, { seldom: 10 });
    await fixture.clock.pass(60 * MINUTE);
    expect(emptied).toBe(1);
    const of = (each: Box): number =>
      fixture.asked.filter(({ mailbox }) => mailbox === hex(each.public.mailbox)).length;
    expect(of(box)).toBeLessThanOrEqual(3);
    expect(of(old)).toBeLessThanOrEqual(4);
  });
});
