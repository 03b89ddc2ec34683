import type { ClientState } from '#web/api.ts';
import { t } from '../i18n/text.ts';
import { dateAndTime, span, timeWithSeconds } from './times.ts';

/** What the page tries by itself; the core cannot. */
export type Probe = {
  /** How far the server's clock is ahead of this one, ms. Rejects where it does not answer. */
  clockAhead(): Promise<number>;
  loopback(): Promise<'ok' | 'absent' | 'failed'>;
  /** Of each kind of server, whether one answered; null where none is named. */
  ice(): Promise<{ stun: boolean | null; turn: boolean | null }>;
};

/** What came of it; undefined while it is under way. */
export type Tried = {
  aheadMs?: number | null;
  loopback?: Awaited<ReturnType<Probe['loopback']>>;
  ice?: Awaited<ReturnType<Probe['ice']>>;
};

export type RowState = 'running' | 'ok' | 'warning' | 'failed' | 'none';
export const rowNames = ['server', 'clock', 'webrtc', 'ice', 'circuit'] as const;
/** `advice`: what to do where it does not simply work. */
export type Row = { name: (typeof rowNames)[number]; state: RowState; found: string; advice: string | null };

/** For so long it may simply not have come yet. */
const SERVER_MS = 8_000;
const CIRCUIT_MS = 25_000;
/** Offers carry a time, and lists of nodes an end: from here on a wrong clock is in the way. */
const SKEW_MS = 60_000;
/** The list is fetched every few minutes at the most. */
const OLD_MS = 15 * 60_000;

type Found = Omit<Row, 'name'>;
const running = (found: string): Found => ({ state: 'running', found, advice: null });
const ok = (found: string): Found => ({ state: 'ok', found, advice: null });

/** The five lines as they stand `sinceMs` after the check began. */
export function rowsOf(client: ClientState, tried: Tried, now: number, sinceMs: number): Row[] {
  const found: Record<Row['name'], Found> = {
    server: serverRow(client, sinceMs),
    clock: clockRow(client, tried, now, sinceMs),
    webrtc: webrtcRow(tried),
    ice: iceRow(tried),
    circuit: circuitRow(client, sinceMs),
  };
  return rowNames.map((name) => ({ name, ...found[name] }));
}

function serverRow({ status, reach }: ClientState, sinceMs: number): Found {
  if (status.kind === 'distrusted')
    return { state: 'failed', found: t('check.server.distrusted'), advice: t('check.server.distrustedDo') };
  if (reach.server) return ok(t('check.server.ok'));
  if (status.kind === 'offline')
    return { state: 'failed', found: t('check.server.offline'), advice: t('check.server.offlineDo') };
  if (sinceMs < SERVER_MS) return running(t('check.server.running'));
  return { state: 'failed', found: t('check.server.failed'), advice: t('check.server.failedDo') };
}

function clockRow({ consensusAt }: ClientState, { aheadMs }: Tried, now: number, sinceMs: number): Found {
  if (typeof aheadMs === 'number' && Math.abs(aheadMs) > SKEW_MS) {
    const time = span(Math.abs(aheadMs));
    const found = aheadMs > 0 ? t('check.clock.behind', { time }) : t('check.clock.ahead', { time });
    return { state: 'warning', found, advice: t('check.clock.skewDo') };
  }
  if (consensusAt === null) {
    if (sinceMs < SERVER_MS) return running(t('check.clock.running'));
    return { state: 'failed', found: t('check.clock.missing'), advice: t('check.clock.missingDo') };
  }
  if (aheadMs === undefined) return running(t('check.clock.running'));
  // By the server's clock, if it told.
  if (now + (aheadMs ?? 0) - consensusAt > OLD_MS)
    return {
      state: 'warning',
      found: t('check.clock.old', { time: dateAndTime(consensusAt) }),
      advice: t('check.clock.oldDo'),
    };
  const time = timeWithSeconds(consensusAt);
  return ok(aheadMs === null ? t('check.clock.unread', { time }) : t('check.clock.ok', { time }));
}

function webrtcRow({ loopback }: Tried): Found {
  if (loopback === undefined) return running(t('check.webrtc.running'));
  if (loopback === 'ok') return ok(t('check.webrtc.ok'));
  return {
    state: 'failed',
    found: t(`check.webrtc.${loopback}`),
    advice: t(`check.webrtc.${loopback}Do`),
  };
}

function iceRow({ ice }: Tried): Found {
  if (ice === undefined) return running(t('check.ice.running'));
  const { stun, turn } = ice;
  if (stun === null && turn === null)
    return { state: 'none', found: t('check.ice.none'), advice: t('check.ice.noneDo') };
  const answered = namesOf(stun === true, turn === true);
  const silent = namesOf(stun === false, turn === false);
  if (silent === null) return ok(t('check.ice.ok', { servers: answered ?? '' }));
  const found = [
    ...(answered === null ? [] : [t('check.ice.ok', { servers: answered })]),
    t('check.ice.silent', { servers: silent }),
  ].join(' ');
  return { state: 'warning', found, advice: t('check.ice.silentDo') };
}

const namesOf = (stun: boolean, turn: boolean): string | null =>
  stun && turn ? t('check.ice.both') : stun ? t('check.ice.stun') : turn ? t('check.ice.turn') : null;

export const countsOf = ({ links, circuits }: ClientState): { neighbours: string; circuits: string } => ({
  neighbours: t('count.neighbours', { count: neighboursOf(links) }),
  circuits: t('count.circuits', { count: openOf(circuits) }),
});
/** The server is no neighbour. */
const neighboursOf = (links: ClientState['links']): number =>
  links.filter((link) => link.state === 'open' && link.kind !== 'directory').length;
const openOf = (circuits: ClientState['circuits']): number =>
  circuits.filter((one) => one.state === 'open' && one.purpose !== 'directory').length;

function circuitRow(client: ClientState, sinceMs: number): Found {
  const { status, links, circuits, reach } = client;
  const counts = countsOf(client);
  if (status.kind === 'distrusted')
    return { state: 'failed', found: t('check.circuit.barred'), advice: null };
  if (openOf(circuits) > 0) {
    if (status.kind !== 'limited' || status.nodes === null) return ok(t('check.circuit.ok', counts));
    return {
      state: 'warning',
      found: t('check.circuit.few', { ...counts, count: status.nodes }),
      advice: t('check.circuit.fewDo'),
    };
  }
  if (sinceMs < CIRCUIT_MS) return running(t('check.circuit.running'));
  if (reach.server && status.kind === 'finding-neighbours' && status.have < status.want)
    return {
      state: 'failed',
      found: t('check.circuit.tooFew', { count: status.have, want: status.want }),
      advice: t('check.circuit.tooFewDo'),
    };
  if (neighboursOf(links) === 0)
    return { state: 'failed', found: t('check.circuit.alone'), advice: t('check.circuit.aloneDo') };
  return {
    state: 'failed',
    found: t('check.circuit.unbuilt', counts),
    advice: t('check.circuit.unbuiltDo'),
  };
}

/** All five in one word: the worst of them. */
export function summaryOf(rows: readonly Row[]): Exclude<RowState, 'none'> {
  const worst = (['failed', 'running', 'warning'] as const).find((state) =>
    rows.some((row) => row.state === state),
  );
  return worst ?? 'ok';
}

/** For whoever is asked for help. No address, node or person stands in it. */
export function reportOf(client: ClientState, rows: readonly Row[], now: number, browser: string): string {
  const { status, nodes } = client;
  return [
    t('check.report', { time: dateAndTime(now) }),
    ...rows.map(({ name, state, found }) =>
      t('check.reportLine', { name: t(`check.${name}`), state: t(`check.state.${state}`), found }),
    ),
    t('check.reportCounts', { status: status.kind, ...countsOf(client), count: nodes.length }),
    t('check.reportBrowser', { browser }),
  ].join('\n');
}
