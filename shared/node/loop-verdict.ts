import type { Fault, Outcome } from '../contribution/outcomes.ts';
import type { Code } from '../errors.ts';
import type { Cause } from './origins.ts';

/** Places among a loop's targets. */
export const M1 = 0;
export const E1 = 1;
export const X = 2;
export const M2 = 3;
const ALL = [M1, E1, X, M2];

/** The targets on a circuit of the loop, hop by hop behind the guard. */
export type Way = readonly number[];
export const CALLER_WAY: Way = [M1, E1, X];
export const OWNER_WAY: Way = [M2, X];

/** How a circuit of the loop ended before the conversation stood: after `hop` hops; `stood`: all its nodes were there. */
export type Break = { way: Way; hop: number; stood: boolean; code: Code; cause: Cause };

const failed = (fault: Fault, places: Iterable<number>): Outcome => ({
  kind: 'failed',
  fault,
  suspects: [...new Set(places)].reduce((mask, place) => mask | (1 << place), 0),
});

/** The guard's doing, or this client's, which uses some node no more. */
const isOurs = (cause: Cause, code: Code): boolean =>
  cause === 'guard' || (cause === 'own' && code === 'refused');

/**
 * Who may be to blame when a circuit did not come about. A refusal that came through its hop's layer clears those before that
 * hop: it is that one or the next. Of silence, or of a spoilt cell, it may be any that was on the way.
 */
export const unbuilt = ({ way, hop, stood, code, cause }: Break): Outcome => {
  if (hop === 0 || isOurs(cause, code)) return { kind: 'unrun' };
  // That the exit's places are taken is no fault of the exit's.
  if (way === OWNER_WAY && stood && code === 'too-many') return { kind: 'unrun' };
  const told = cause === 'refused' || (cause === 'cell' && code !== 'bad-layer');
  const joining = way === CALLER_WAY && hop > way.length;
  if (joining) return failed('unbuilt', told ? [X, M2] : ALL);
  // The guard is hop 1, so that the node at hop h is the one at h - 2 here.
  return failed('unbuilt', way.slice(told ? Math.max(0, hop - 2) : 0, hop));
};

/** The conversation stood: whatever ends it may be any one's doing. */
export const broken = ({ code, cause }: Pick<Break, 'code' | 'cause'>): Outcome =>
  isOurs(cause, code) ? { kind: 'unrun' } : lost;

export const lost: Outcome = failed('lost', ALL);
export const late: Outcome = failed('late', ALL);
