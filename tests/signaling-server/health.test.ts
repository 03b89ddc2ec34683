import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Health } from '#server/health.ts';
import { createLog } from '#server/log.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

/** A store that answers as a test wants: at once, with an error, or when it is told to. */
class FakeStore {
  pings = 0;
  mood: 'there' | 'failing' | 'silent' = 'there';
  readonly #waiting: (() => void)[] = [];

  ping(): Promise<void> {
    this.pings += 1;
    if (this.mood === 'failing') return Promise.reject(new Error('away'));
    return this.mood === 'there' ? Promise.resolve() : new Promise((done) => this.#waiting.push(done));
  }

  answer(): void {
    for (const done of this.#waiting.splice(0)) done();
  }
}

describe('health', () => {
  let clock: VirtualClock;
  let live: FakeStore;
  let archive: FakeStore;
  let lines: string[];
  let health: Health;

  beforeEach(() => {
    clock = new VirtualClock();
    live = new FakeStore();
    archive = new FakeStore();
    lines = [];
    const log = createLog('info', { write: (line) => void lines.push(line) });
    health = new Health({ stores: { live, archive }, clock, log });
    health.start();
  });
  afterEach(() => {
    health.stop();
  });

  const logged = (): [string, string][] =>
    lines.map((line) => {
      const { store, msg } = JSON.parse(line) as { store: string; msg: string };
      return [store, msg];
    });

  it('asks every two seconds', async () => {
    await clock.pass(10_000);
    expect(live.pings).toBe(6);
    expect(archive.pings).toBe(6);
    expect(health.away).toEqual([]);
    expect(lines).toEqual([]);
  });

  it('knows what fails, and says so once', async () => {
    live.mood = 'failing';
    await clock.pass(10_000);
    expect(health.away).toEqual(['live']);
    archive.mood = 'failing';
    await clock.pass(2_000);
    expect(health.away).toEqual(['archive', 'live']);
    live.mood = 'there';
    archive.mood = 'there';
    await clock.pass(2_000);
    expect(health.away).toEqual([]);
    expect(logged()).toEqual([
      ['live', 'the store does not answer'],
      ['archive', 'the store does not answer'],
      ['live', 'the store answers again'],
      ['archive', 'the store answers again'],
    ]);
  });

  it('waits two seconds for an answer, and for a late one asks nothing more', async () => {
    await clock.pass(1_000);
    archive.mood = 'silent';
    await clock.pass(1_000);
    expect(archive.pings).toBe(2);
    await clock.pass(1_999);
    expect(health.away).toEqual([]);
    await clock.pass(1);
    expect(health.away).toEqual(['archive']);
    await clock.pass(60_000);
    expect(archive.pings).toBe(2);
    archive.mood = 'there';
    archive.answer();
    await clock.pass(0);
    expect(health.away).toEqual([]);
    expect(archive.pings).toBe(3);
  });

  it('leaves no timer', async () => {
    archive.mood = 'silent';
    await clock.pass(2_000);
    health.stop();
    archive.answer();
    await clock.pass(0);
    expect(clock.alarms).toBe(0);
  });
});
