import { mapped, u8, type Codec } from '../bytes/codec.ts';
import { RemoteError } from '../errors.ts';

/** Nodes that one loop of the auditor's tests: middle and exit of the one circuit, the meeting point, the middle of the other. */
export const LOOP_TARGETS = 4;

/** What was wrong: a circuit did not come about, cells did not come back intact, or came late. */
export const faults = ['unbuilt', 'lost', 'late'] as const;
export type Fault = (typeof faults)[number];

/**
 * How one loop ended. `suspects`: which of its targets may be to blame, the first one lowest (1 to 15). `unrun`: it says
 * nothing of anybody.
 */
export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'unrun' }
  | { readonly kind: 'failed'; readonly fault: Fault; readonly suspects: number };

const PASSED = 0;
const UNRUN = 0xff;
const SUSPECTS = (1 << LOOP_TARGETS) - 1;

/** One byte: 0 passed, 255 unrun, else fault (1 unbuilt, 2 lost, 3 late) · 16 + suspects. */
export const outcomeCodec: Codec<Outcome> = mapped(
  u8,
  (byte) => {
    if (byte === PASSED) return { kind: 'passed' };
    if (byte === UNRUN) return { kind: 'unrun' };
    const fault = faults[(byte >> LOOP_TARGETS) - 1];
    const suspects = byte & SUSPECTS;
    if (fault === undefined || suspects === 0) throw new RemoteError('malformed', 'no outcome of a loop');
    return { kind: 'failed', fault, suspects };
  },
  (outcome) => {
    if (outcome.kind === 'passed') return PASSED;
    if (outcome.kind === 'unrun') return UNRUN;
    return ((faults.indexOf(outcome.fault) + 1) << LOOP_TARGETS) | outcome.suspects;
  },
);
