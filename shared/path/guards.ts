import type { Rng } from '../crypto/rng.ts';
import type { Consensus } from '../directory/consensus.ts';
import type { Millis, NodeId } from '../units.ts';
import { drawByWeight, hasFamilies, withoutServer } from './choose.ts';

/**
 * The guards of one client, in the order in which they were drawn: its only first hops. Few and long kept, so that
 * whoever runs some nodes is not met by every client in time (Tor's guard-spec, in small).
 */
export type Guard = {
  id: NodeId;
  addedAt: Millis;
  /** When it last stood in a consensus. */
  lastListed: Millis;
  /** Failures since it last worked: shown, and never a reason to drop it. */
  failures: number;
  /** Not tried before this. */
  retryAt: Millis;
};

const DAY_MS: Millis = 86_400_000;
export const GUARD_LIFE_MS: Millis = 30 * DAY_MS;
export const GUARD_UNLISTED_MS: Millis = DAY_MS;
/** So many are ever drawn at one time, however many an adversary keeps from being reached. */
export const MAX_GUARDS = 20;
const GUARDS_WANTED = 2;
const FIRST_RETRY_MS: Millis = 10_000;
const LAST_RETRY_MS: Millis = 30 * 60_000;

export type GuardUpdate = {
  self?: NodeId | undefined;
  /** Never drawn as guards. */
  avoid?: ReadonlySet<NodeId> | undefined;
  now: Millis;
  rng: Rng;
  /** As many are to be usable at a time. */
  want?: number | undefined;
};

/**
 * The set after a new consensus, or after failures: those past 30 days or unlisted for a day leave; while fewer than
 * `want` of the listed ones are usable, further ones are drawn by weight and stand last. In a network of under 8
 * families any node may be a guard when no node is marked as one. A node whose links all pass the server is drawn where there is no
 * other. Of twenty the one unlisted the longest gives way;
 * where all are listed none does.
 */
export const updateGuards = (state: readonly Guard[], consensus: Consensus, update: GuardUpdate): Guard[] => {
  const { self, avoid, now, rng, want = GUARDS_WANTED } = update;
  const listed = new Set(consensus.nodes.map(({ id }) => id));
  const guards = state
    .map((guard) => (listed.has(guard.id) ? { ...guard, lastListed: now } : guard))
    .filter(({ id, addedAt, lastListed }) => {
      return id !== self && now - addedAt <= GUARD_LIFE_MS && now - lastListed <= GUARD_UNLISTED_MS;
    });
  const free = consensus.nodes.filter(({ id }) => id !== self && !avoid?.has(id));
  const small = !hasFamilies(consensus);
  let usable = guards.filter(({ id, retryAt }) => listed.has(id) && retryAt <= now && !avoid?.has(id)).length;
  while (usable < want) {
    const isFull = guards.length >= MAX_GUARDS;
    const gone = isFull ? longestGone(guards, listed) : undefined;
    if (isFull && !gone) break;
    const others = free.filter(({ id }) => !guards.some((guard) => guard.id === id));
    const marked = others.filter(({ guard }) => guard);
    const eligible = marked.length === 0 && small ? others : marked;
    const drawn = drawByWeight(rng, withoutServer(eligible)) ?? drawByWeight(rng, eligible);
    if (!drawn) break;
    if (gone) guards.splice(guards.indexOf(gone), 1);
    guards.push({ id: drawn.id, addedAt: now, lastListed: now, failures: 0, retryAt: 0 });
    usable += 1;
  }
  return guards;
};

/** Where most guards are tabs, twenty are closed within a day, and whoever waited for them to be forgotten would have none. */
const longestGone = (guards: readonly Guard[], listed: ReadonlySet<NodeId>): Guard | undefined =>
  guards
    .filter(({ id }) => !listed.has(id))
    .reduce<Guard | undefined>((a, b) => (a && a.lastListed <= b.lastListed ? a : b), undefined);

/** Those that may be tried now, the preferred one first. Some may be missing from the present consensus. */
export const usableGuards = (state: readonly Guard[], now: Millis): Guard[] =>
  state.filter(({ retryAt }) => retryAt <= now);

const change = (state: readonly Guard[], id: NodeId, to: (guard: Guard) => Guard): Guard[] =>
  state.map((guard) => (guard.id === id ? to(guard) : guard));

/** It is tried again after 10 s, then after twice as long each time, up to 30 minutes. */
export const guardFailed = (state: readonly Guard[], id: NodeId, now: Millis): Guard[] =>
  change(state, id, (guard) => ({
    ...guard,
    failures: guard.failures + 1,
    retryAt: now + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** guard.failures),
  }));

export const guardWorked = (state: readonly Guard[], id: NodeId): Guard[] =>
  change(state, id, (guard) => ({ ...guard, failures: 0, retryAt: 0 }));
