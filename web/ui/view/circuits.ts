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

/** Round trip above twice the median of all measured circuits; undecided below three of them. */
export function isSlow(circuit: CircuitView, circuits: CircuitView[]): boolean {
  const measured = circuits.flatMap((c) => (c.rttMs === null ? [] : [c.rttMs])).sort((a, b) => a - b);
  const median = measured[Math.floor(measured.length / 2)];
  return circuit.rttMs !== null && median !== undefined && measured.length > 2 && circuit.rttMs > 2 * median;
}

/** The role, with the link's own round trip where this client has a link to the hop: only there is it known. */
export function hopNote(hop: HopView, links: LinkView[]): string {
  if (hop.state !== 'open') return `${t(`role.${hop.role}`)} · ${t(`hop.${hop.state}`)}`;
  const rtt = hop.role === 'guard' ? links.find((l) => l.node === hop.node)?.rttMs : null;
  return typeof rtt === 'number'
    ? `${t(`role.${hop.role}`)} · ${t('metric.ms', { count: Math.round(rtt) })}`
    : t(`role.${hop.role}`);
}

/** The whole path in one sentence: "You → amber-finch (guard, open) → … → Mira". */
export function pathSentence(circuit: CircuitView | null, name: string): string {
  if (!circuit) return t('circuit.none');
  const hops = circuit.hops.map((hop) => `${hop.name} (${t(`role.${hop.role}`)}, ${t(`hop.${hop.state}`)})`);
  return [t('circuit.you'), ...hops, t('circuit.hidden', { name }), name].join(' → ');
}

/** Six nodes stand between two people, so what is not this side's is the other's. */
export const hiddenHops = (circuit: CircuitView | null): number =>
  circuit?.hops.some((hop) => hop.role === 'meeting-point') ? 2 : 3;
