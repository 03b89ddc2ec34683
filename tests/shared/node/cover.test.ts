import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relayCommand } from '#shared/cell/commands.ts';
import { CELL_LENGTH } from '#shared/cell/geometry.ts';
import type { RelayMessage } from '#shared/cell/relay.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import type { Channel } from '#shared/node/channel.ts';
import { Context } from '#shared/node/context.ts';
import { CoverMeter } from '#shared/node/cover-meter.ts';
import { BACKLOG, Cover, coverCost, type CoverLevel } from '#shared/node/cover.ts';
import type { Links } from '#shared/node/links.ts';
import type { Origin, Origins } from '#shared/node/origins.ts';
import type { Millis } from '#shared/units.ts';
import { mean } from '#tests/support/statistics.ts';

const SPAN_MS: Millis = 2_000_000;

type Sent = { at: Millis; circuit: number; what: 'said' | 'DROP' | 'PING' };

/** Conversations by stand-ins, one circuit each, over time that passes at once. */
class Bench {
  readonly context = new Context(seededRng(new Uint8Array(32).fill(3)), 0, false);
  readonly sent: Sent[] = [];
  readonly offers: number[] = [];
  readonly waiting: number[] = [];
  readonly cover: Cover;

  /** `takes`: DROPs a second that the contact of each takes; `room`: what a link takes at once. */
  constructor(takes: number[], room = Infinity) {
    const { context, sent, waiting } = this;
    const leave = (circuit: number, what: Sent['what']): void =>
      void sent.push({ at: context.now, circuit, what });
    const dropped = takes.map(() => 0);
    const origins = takes.map((_, handle) => ({
      ...{ handle, hops: 5, purpose: 'conversation', state: 'open' },
      get waiting() {
        return (waiting[handle] ?? 0) + (dropped[handle] ?? 0);
      },
      release: () => {
        const filler = (dropped[handle] ?? 0) > 0;
        const of = filler ? dropped : waiting;
        of[handle] = (of[handle] ?? 0) - 1;
        leave(handle, filler ? 'DROP' : 'said');
      },
      releaseAll: () => (waiting[handle] = Math.max(0, (waiting[handle] ?? 0) - room)),
      sendNow: (_: number, { command }: RelayMessage) =>
        leave(handle, command === relayCommand.PING ? 'PING' : 'DROP'),
    }));
    const channels = takes.map((each, circuit) => ({
      ...{ isTalking: true, circuit, takes: each },
      offer: (perSecond: number) => (this.offers[circuit] = perSecond),
      drop: () => (dropped[circuit] = (dropped[circuit] ?? 0) + 1) > 0,
    }));
    this.cover = new Cover({
      context,
      links: {} as Links,
      origins: { all: () => origins as unknown as Origin[] } as unknown as Origins,
      channels: new Map(channels.map((channel, i) => [i, channel as unknown as Channel])),
      guards: () => [],
    });
  }

  /** `each`: before every look of the clock. */
  pass(spanMs: Millis, each = (_: Millis): void => undefined): void {
    const end = this.context.now + spanMs;
    for (let next = this.context.timers.next(); next <= end; next = this.context.timers.next()) {
      each(next);
      this.context.now = next;
      this.context.timers.run(next, (run) => run());
    }
  }
}

const levels: CoverLevel[] = ['light', 'full'];

describe('cover', () => {
  it('costs by its rates at most 1.5 and 10 kB/s', () => {
    expect(coverCost('off')).toBe(0);
    expect(coverCost('light')).toBeLessThanOrEqual(1_500);
    expect(coverCost('full')).toBeLessThanOrEqual(10_000);
  });

  it('keeps to that in any number of conversations, whatever contacts take', () => {
    const talks = fc.array(fc.constantFrom(0, 0.1, 1, 60), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(talks, fc.constantFrom(...levels), (takes, level) => {
        const bench = new Bench(takes);
        bench.cover.set(level);
        bench.pass(SPAN_MS / 4);
        const count = (what: Sent['what']): number => bench.sent.filter((each) => each.what === what).length;
        // Those who take DROPs send as many as they were told to; each echo comes back; neighbours acknowledge what comes.
        const given = takes.filter((each) => each > 0).length;
        const incoming = (given * (bench.offers[0] ?? 0) * SPAN_MS) / 4 / 1000;
        const cells = count('DROP') + 2 * count('PING') + incoming;
        expect((cells * CELL_LENGTH * 1000 * 4) / SPAN_MS).toBeLessThanOrEqual(1.25 * coverCost(level));
        expect(takes.length * (bench.offers[0] ?? 0)).toBeLessThanOrEqual(coverCost(level) / CELL_LENGTH);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  });

  it('lets what is said leave at the times at which something leaves anyhow', () => {
    const times = (say: boolean): Millis[] => {
      const bench = new Bench([60, 60]);
      bench.cover.set('full');
      bench.pass(SPAN_MS, () => {
        if (say) bench.waiting[0] = Math.min(BACKLOG, (bench.waiting[0] ?? 0) + 1);
      });
      return bench.sent.filter(({ circuit }) => circuit === 0).map(({ at }) => at);
    };
    for (const say of [false, true]) {
      const all = times(say);
      const gaps = all.slice(1).map((at, i) => at - (all[i] ?? 0));
      const average = mean(gaps);
      // Of an exponential distribution: the mean of half the rate, a spread as large, and e⁻¹ of the gaps over the mean.
      expect(average).toBeGreaterThan(590);
      expect(average).toBeLessThan(640);
      const spread = Math.sqrt(mean(gaps.map((gap) => (gap - average) ** 2)));
      expect(Math.abs(spread / average - 1)).toBeLessThan(0.05);
      const over = gaps.filter((gap) => gap > average).length / gaps.length;
      expect(Math.abs(over - Math.exp(-1))).toBeLessThan(0.03);
    }
  });

  it('hastens only what waits beyond the backlog', () => {
    const bench = new Bench([60]);
    bench.cover.set('full');
    bench.waiting[0] = BACKLOG + 100;
    const origin = { handle: 0, waiting: BACKLOG + 100 } as Origin;
    expect(bench.cover.hold(origin)).toBe(true);
    bench.pass(3_000);
    expect(bench.waiting[0]).toBeLessThanOrEqual(BACKLOG);
    expect(bench.waiting[0]).toBeGreaterThan(0);
  });

  it('lets what its link has no room for leave by and by when the level is left', () => {
    const bench = new Bench([60], 100);
    bench.cover.set('full');
    bench.waiting[0] = 300;
    bench.cover.set('off');
    expect(bench.waiting[0]).toBe(200);
    bench.pass(10_000);
    expect(bench.waiting[0]).toBe(0);
    bench.sent.length = 0;
    bench.pass(SPAN_MS);
    expect(bench.sent).toEqual([]);
    expect(bench.context.timers.size).toBe(0);
  });

  it('holds nothing at other levels, and is silent when off', () => {
    const bench = new Bench([0]);
    for (const level of ['off', 'light', 'full', 'off'] as const) {
      bench.cover.set(level);
      expect(bench.cover.hold({ handle: 0, waiting: 1 } as Origin)).toBe(level === 'full');
    }
    bench.sent.length = 0;
    bench.pass(SPAN_MS);
    expect(bench.sent).toEqual([]);
    expect(bench.offers).toEqual([0]);
  });
});

describe('the meter of cover', () => {
  it('tells bytes a second of the last minute or two, acknowledgements with them, and forgets', () => {
    const meter = new CoverMeter();
    for (let at = 0; at <= 300_000; at += 1_000) {
      meter.sent(at);
      if (at % 2_000 === 0) meter.received(at);
      if (at > 2_000) expect(Math.abs(meter.cost(at).up / (1.5 * CELL_LENGTH) - 1)).toBeLessThan(0.5);
      if (at > 60_000) expect(Math.abs(meter.cost(at).down / (1.5 * CELL_LENGTH) - 1)).toBeLessThan(0.05);
    }
    expect(meter.cost(300_000 + 130_000)).toEqual({ up: 0, down: 0 });
  });
});
