import { uniform, type Rng } from '../crypto/rng.ts';
import type { Consensus } from '../directory/consensus.ts';
import type { Millis, NodeId } from '../units.ts';
import { drawByWeight } from './choose.ts';

/**
 * A second hop that is kept, on circuits that somebody else can have built again and again: those to inboxes and to the
 * directory. Whoever keeps breaking one would otherwise stand beside the guard in time (Tor's vanguards-lite, proposal 333).
 */
export type Middle = {
  id: NodeId;
  /** When another takes its place. */
  until: Millis;
  /** When it last stood in a consensus. */
  lastListed: Millis;
};

const DAY_MS: Millis = 86_400_000;
export const MIDDLES_WANTED = 4;
export const MIDDLE_LEAST_MS: Millis = DAY_MS;
export const MIDDLE_MOST_MS: Millis = 12 * DAY_MS;
export const MIDDLE_UNLISTED_MS: Millis = DAY_MS;
/** So many are ever kept at one time, those that are not listed now included. */
export const MAX_MIDDLES = 12;

export type MiddleUpdate = {
  self?: NodeId | undefined;
  /** Never drawn: nodes that the user avoids, and the guards. */
  avoid?: ReadonlySet<NodeId> | undefined;
  now: Millis;
  rng: Rng;
};

/**
 * The set after a new consensus: those past their time, unlisted for a day or among `avoid` leave, and while fewer than four are
 * listed further ones are drawn by weight among the nodes that are marked as guards, which are those that stay. Each is
 * kept for the longer of two random spans of 1 to 12 days.
 */
export const updateMiddles = (
  state: readonly Middle[],
  consensus: Consensus,
  { self, avoid, now, rng }: MiddleUpdate,
): Middle[] => {
  const listed = new Set(consensus.nodes.map(({ id }) => id));
  const kept = state
    .map((middle) => (listed.has(middle.id) ? { ...middle, lastListed: now } : middle))
    .filter(({ id, until, lastListed }) => {
      return id !== self && !avoid?.has(id) && now < until && now - lastListed <= MIDDLE_UNLISTED_MS;
    });
  const present = kept.filter(({ id }) => listed.has(id));
  const absent = kept.filter(({ id }) => !listed.has(id));
  const free = consensus.nodes.filter(({ id, guard }) => guard && id !== self && !avoid?.has(id));
  while (present.length < MIDDLES_WANTED) {
    const drawn = drawByWeight(
      rng,
      free.filter(({ id }) => !present.some((middle) => middle.id === id)),
    );
    if (!drawn) break;
    present.push({ id: drawn.id, until: now + lifetime(rng), lastListed: now });
  }
  // Of those that are gone the ones that were here last may come back.
  const room = MAX_MIDDLES - present.length;
  return [...present, ...absent.sort((a, b) => b.lastListed - a.lastListed).slice(0, room)];
};

const lifetime = (rng: Rng): Millis => {
  const span = MIDDLE_MOST_MS - MIDDLE_LEAST_MS + 1;
  return MIDDLE_LEAST_MS + Math.max(uniform(rng, span), uniform(rng, span));
};
