import { describe, expect, it } from 'vitest';
import type { CircuitView, HopView } from '#web/api.ts';
import {
  hopLine,
  isSlow,
  pathOf,
  recentTrips,
  standingOf,
  standingText,
  type RoundTrips,
} from '#web/ui/view/circuits.ts';
import { FakeClient, type Scene } from '#tests/support/fake-client.ts';

const of = (scene: Scene): CircuitView[] => new FakeClient(scene).state.circuits;
const trips = (...all: number[]): RoundTrips => new Map(all.map((ms, i) => [String(i), ms]));
const measured = (rttMs: number | null): CircuitView => ({ ...of('busy')[0]!, rttMs });

describe('how a path stands', () => {
  it.each<[Scene, string]>([
    ['busy', 'open'],
    ['building', 'building'],
    ['slow', 'slow'],
    ['renewing', 'renewing'],
    ['lost', 'lost'],
    ['alone', 'none'],
  ])('in the scene %s: %s', (scene, standing) => {
    const circuits = of(scene);
    expect(standingOf(pathOf(circuits, 'Mira'), recentTrips(new Map(), circuits))).toBe(standing);
  });

  it('is slow above twice the median, of three circuits at least, that may be gone by now', () => {
    expect(isSlow(measured(900), trips(400, 400, 900))).toBe(true);
    expect(isSlow(measured(800), trips(400, 400, 800))).toBe(false);
    expect(isSlow(measured(900), trips(400, 900))).toBe(false);
    expect(isSlow(measured(null), trips(400, 400, 900))).toBe(false);
    const [mira, ...others] = of('slow') as [CircuitView, ...CircuitView[]];
    const before = recentTrips(new Map(), others);
    expect(isSlow(mira, recentTrips(before, [mira]))).toBe(true);
    expect(isSlow(mira, recentTrips(new Map(), [mira]))).toBe(false);
  });

  it('compares with the last twenty, each with its latest round trip', () => {
    let known: RoundTrips = new Map();
    for (let i = 0; i < 50; i++) known = recentTrips(known, [{ ...measured(i), id: `c${i % 30}` }]);
    expect(known.size).toBe(20);
    expect(known.get('c19')).toBe(49);
    expect(known.has('c29')).toBe(false);
  });

  it('says which hop is being added, and which was lost', () => {
    const building = pathOf(of('building'), 'Mira');
    expect(standingText('building', building)).toBe('Hop 2 of 3 is being added.');
    const lost = pathOf(of('lost'), 'Mira');
    expect(standingText('lost', lost)).toContain('Lost hop 2. Rebuilding');
    expect(standingText('lost', { ...lost, next: null })).not.toContain('Rebuilding');
    expect(standingText('open', pathOf(of('busy'), 'Mira'))).toBeNull();
  });
});

it('a delay stands only at the guard, whose link is this tab’s own', () => {
  const { circuits, links } = new FakeClient('busy').state;
  const [guard, middle] = circuits[0]!.hops as [HopView, HopView];
  expect(hopLine(guard, links)).toBe('guard · open · 38 ms');
  expect(hopLine(middle, links)).toBe('middle · open');
  expect(hopLine({ ...guard, state: 'lost' }, links)).toBe('guard · lost');
});
