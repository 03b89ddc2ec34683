import { describe, expect, it } from 'vitest';
import { CELL_LENGTH } from '#shared/cell/geometry.ts';
import { Window, WINDOW_CEILING, WINDOW_FLOOR, WINDOW_START } from '#shared/link/window.ts';
import { type Path, Pipe, relayCell } from './pipe.ts';

/** Rounds of a sender that always has more, over a path whose round trip is `rttOf(round)`. */
const play = (rounds: number, rttOf: (round: number) => number): Window => {
  const window = new Window(0);
  let now = 0;
  let sent = 0;
  for (let round = 0; round < rounds; round++) {
    const cells = Math.floor(window.bytes / CELL_LENGTH);
    window.begin(0, now);
    sent += cells;
    window.sent(cells, true);
    now += rttOf(round);
    window.measured(rttOf(round), now);
    window.acknowledged(cells, sent, sent, now);
  }
  return window;
};

/** One side sends as fast as its window lets it. */
const flood = (path: Path, durationMs: number): { pipe: Pipe; utilisation: number } => {
  const pipe = new Pipe(path);
  let next = 0;
  pipe.feed = (side) => {
    while (side === pipe.opener && side.machine.queued(relayCell(1).circuit) < 1000) {
      side.machine.enqueue(relayCell(1, next++));
    }
  };
  pipe.run(durationMs);
  return { pipe, utilisation: (pipe.other.cells.length * CELL_LENGTH) / (path.bytesPerMs * durationMs) };
};

describe('the window of unacknowledged bytes', () => {
  it('grows to its ceiling while the round trip stays near its minimum', () => {
    expect(play(3, () => 50).bytes).toBeGreaterThan(WINDOW_START);
    expect(play(100, () => 50).bytes).toBe(WINDOW_CEILING);
  });

  it('shrinks as the round trip rises, to about what may wait on the path', () => {
    const before = play(20, () => 50).bytes;
    expect(play(24, (round) => (round < 20 ? 50 : 100)).bytes).toBeLessThan(before);
    const after = play(35, (round) => (round < 20 ? 50 : 500)).bytes;
    expect(after).toBeGreaterThanOrEqual(WINDOW_FLOOR);
    expect(after).toBeLessThan(40 * 1024);
  });

  it('takes a longer round trip for the path itself in the end', () => {
    const window = play(500, (round) => (round < 20 ? 50 : 90));
    expect(window.bytes).toBeGreaterThan(WINDOW_START);
  });

  it('starts anew after a rest', () => {
    const window = play(30, () => 50);
    window.begin(0, 1e6);
    expect(window.bytes).toBe(WINDOW_START);
  });

  it('is not grown by a sender that does not fill it', () => {
    const window = new Window(0);
    for (let n = 1; n < 50; n++) {
      window.begin(0, n * 50);
      window.sent(1, false);
      window.measured(50, n * 50);
      window.acknowledged(1, n, n, n * 50);
    }
    expect(window.bytes).toBe(WINDOW_START);
  });
});

describe('a link over a bottleneck', () => {
  const paths: [string, Path][] = [
    ['20 Mbit/s, 50 ms', { bytesPerMs: 2500, delayMs: 25 }],
    ['8 Mbit/s, 104 ms', { bytesPerMs: 1000, delayMs: 52 }],
    ['50 Mbit/s, 21 ms', { bytesPerMs: 6250, delayMs: 10.5 }],
  ];

  it.each(paths)('uses %s and keeps its queue short', (_name, path) => {
    const { pipe, utilisation } = flood(path, 20_000);
    expect(utilisation).toBeGreaterThan(0.85);
    expect(pipe.opener.deepest).toBeLessThan(128 * 1024);
  });

  it('keeps a short queue over minutes, in which its own queue could pass for the path', () => {
    const { pipe } = flood({ bytesPerMs: 1000, delayMs: 25 }, 60_000);
    pipe.opener.deepest = 0;
    pipe.run(90_000);
    expect(pipe.opener.deepest).toBeLessThan(64 * 1024);
  });

  it('stays at its floor on a slow path', () => {
    const { pipe, utilisation } = flood({ bytesPerMs: 50, delayMs: 25 }, 30_000);
    expect(utilisation).toBeGreaterThan(0.85);
    expect(pipe.opener.deepest).toBeLessThan(56 * 1024);
  });

  it('measures the round trip of an idle link', () => {
    const pipe = new Pipe({ bytesPerMs: 2500, delayMs: 25 });
    pipe.run(1_000);
    expect(pipe.opener.machine.rttMs).toBeGreaterThanOrEqual(50);
    expect(pipe.opener.machine.rttMs).toBeLessThan(55);
  });
});
