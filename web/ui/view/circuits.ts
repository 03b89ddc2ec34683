import type { CircuitView, HopView, LinkView } from '#web/api.ts';
import { t } from '../i18n/text.ts';

/** What the circuits of one conversation come to. `next` is being built while `current` still stands. */
export type Path = {
  current: CircuitView | null;
  next: CircuitView | null;
  /** Open circuits without a lost hop, of all that are not closed. */
  healthy: number;
  all: number;
};

/** 1-based number of the first lost hop, or 0. */
export const lostHop = (circuit: CircuitView): number =>
  circuit.hops.findIndex((hop) => hop.state === 'lost') + 1;

export function pathOf(circuits: CircuitView[], conversation: string): Path {
  const own = circuits.filter((c) => c.conversation === conversation);
  const living = own.filter((c) => c.state !== 'closed');
  const newest = (state: CircuitView['state']): CircuitView | undefined =>
    own.filter((c) => c.state === state).sort((a, b) => (b.openedAt ?? 0) - (a.openedAt ?? 0))[0];
  const [open, building] = [newest('open'), newest('building')];
  // A path that lost a hop is shown until its successor is open.
  const lost = own.findLast((c) => c.state === 'closed' && lostHop(c) > 0);
  const current = open ?? lost ?? building ?? own.findLast((c) => c.state === 'closed') ?? null;
  return {
    current,
    next: building && building !== current ? building : null,
    healthy: living.filter((c) => c.state === 'open' && lostHop(c) === 0).length,
    all: living.length,
  };
}

/** Round trips by circuit, the latest last. */
export type RoundTrips = ReadonlyMap<string, number>;
/** So many circuits are compared with. */
const MOST_RECENT = 20;

/** What was measured before, with what is measured now; circuits that are gone by now count on for a while. */
export function recentTrips(before: RoundTrips, circuits: readonly CircuitView[]): RoundTrips {
  const trips = new Map(before);
  for (const { id, rttMs } of circuits) {
    if (rttMs === null) continue;
    trips.delete(id);
    trips.set(id, rttMs);
  }
  return new Map([...trips].slice(-MOST_RECENT));
}

/** Round trip above twice the median of recent circuits; undecided below three of them. */
export function isSlow({ rttMs }: CircuitView, trips: RoundTrips): boolean {
  const measured = [...trips.values()].sort((a, b) => a - b);
  const median = measured[Math.floor((measured.length - 1) / 2)];
  return rttMs !== null && median !== undefined && measured.length > 2 && rttMs > 2 * median;
}

export type Standing = 'none' | 'building' | 'open' | 'slow' | 'renewing' | 'lost' | 'closed';

/** How a conversation's path stands, in one word. */
export function standingOf({ current, next }: Path, trips: RoundTrips): Standing {
  if (!current) return 'none';
  if (lostHop(current) > 0) return 'lost';
  if (current.state !== 'open') return current.state;
  if (next) return 'renewing';
  return isSlow(current, trips) ? 'slow' : 'open';
}

/** What the word does not say by itself; null where it does. */
export function standingText(standing: Standing, { current, next }: Path): string | null {
  const hop = current ? lostHop(current) : 0;
  switch (standing) {
    case 'lost':
      return next ? t('thread.lostRebuilding', { hop }) : t('thread.lost', { hop });
    case 'building': {
      const built = current?.hops.filter((each) => each.state === 'open').length ?? 0;
      const of = Math.max(OWN_HOPS, current?.hops.length ?? 0);
      return t('circuit.buildMore', { hop: Math.min(built + 1, of), of });
    }
    case 'renewing':
      return t('circuit.renewMore');
    case 'slow':
      return t('circuit.slowMore');
    default:
      return null;
  }
}

/** Hops of one's own path. */
export const OWN_HOPS = 3;

/** The role, with the link's own round trip where this client has a link to the hop: only there is it known. */
export function hopNote(hop: HopView, links: LinkView[]): string {
  if (hop.state !== 'open') return `${t(`role.${hop.role}`)} · ${t(`hop.${hop.state}`)}`;
  const rtt = hop.role === 'guard' ? links.find((l) => l.node === hop.node)?.rttMs : null;
  return typeof rtt === 'number'
    ? `${t(`role.${hop.role}`)} · ${t('metric.ms', { count: Math.round(rtt) })}`
    : t(`role.${hop.role}`);
}

/** For the list of hops: the state too, whatever it is. */
export function hopLine(hop: HopView, links: LinkView[]): string {
  const role = t(`role.${hop.role}`);
  const state = t(`hop.${hop.state}`);
  const rtt = hop.role === 'guard' ? links.find((link) => link.node === hop.node)?.rttMs : null;
  return typeof rtt === 'number' && hop.state === 'open'
    ? t('circuit.hopMs', { role, state, count: Math.round(rtt) })
    : t('circuit.hop', { role, state });
}

/** The whole path in one sentence: "You → amber-finch (guard, open) → … → Mira". */
export function pathSentence(circuit: CircuitView | null, name: string): string {
  if (!circuit) return t('circuit.none');
  const hops = circuit.hops.map(({ name, role, state }) =>
    t('circuit.pathHop', { name, role: t(`role.${role}`), state: t(`hop.${state}`) }),
  );
  return [t('circuit.you'), ...hops, t('circuit.hidden', { name }), name].join(` ${t('circuit.then')} `);
}

/** Six nodes stand between two people, so what is not this side's is the other's. */
export const hiddenHops = (circuit: CircuitView | null): number =>
  circuit?.hops.some((hop) => hop.role === 'meeting-point') ? 2 : 3;
