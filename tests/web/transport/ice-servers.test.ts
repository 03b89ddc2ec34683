import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hasTurn, keepFresh } from '#web/transport/ice-servers.ts';

const HOUR_MS = 3_600_000;

/** Good for so long from now. */
const turnFor = (ms: number): RTCIceServer[] => [
  { urls: 'stun:stun.example.org' },
  { urls: 'turn:turn.example.org', username: `${String((Date.now() + ms) / 1_000)}:ab`, credential: 'c' },
];

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

describe('credentials of TURN servers', () => {
  it('are fetched anew when half of their time is over, each time', async () => {
    const used: RTCIceServer[][] = [];
    const end = keepFresh(
      turnFor(HOUR_MS),
      () => Promise.resolve(turnFor(HOUR_MS)),
      (fresh) => void used.push(fresh),
    );
    await vi.advanceTimersByTimeAsync(HOUR_MS / 2 - 1);
    expect(used).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(used).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(5 * HOUR_MS);
    expect(used).toHaveLength(11);
    end();
    await vi.advanceTimersByTimeAsync(5 * HOUR_MS);
    expect(used).toHaveLength(11);
  });

  it('stay while the server is away, which is asked again, and not too often', async () => {
    const use = vi.fn();
    const fetchFresh = vi.fn(() => Promise.reject(new Error('away')));
    keepFresh(turnFor(HOUR_MS), fetchFresh, use);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(fetchFresh.mock.calls.length).toBeGreaterThan(3);
    const before = fetchFresh.mock.calls.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchFresh.mock.calls.length - before).toBeLessThanOrEqual(3);
    expect(use).not.toHaveBeenCalled();
  });

  it('that never end are left alone', async () => {
    const fetchFresh = vi.fn(() => Promise.resolve([]));
    keepFresh([{ urls: 'turn:a.example', username: 'me', credential: 'c' }], fetchFresh, () => undefined);
    await vi.advanceTimersByTimeAsync(10 * HOUR_MS);
    expect(fetchFresh).not.toHaveBeenCalled();
  });
});

it('a network may have a TURN server or none', () => {
  const stun = { urls: 'stun:stun.example.org:3478' };
  expect([[], [stun], [stun, { urls: ['stun:a.example', 'turns:b.example'] }]].map(hasTurn)).toEqual([
    false,
    false,
    true,
  ]);
});
