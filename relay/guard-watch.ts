import type { Outcome } from '#shared/contribution/outcomes.ts';
import type { NodeId } from '#shared/units.ts';

/** Loops in a row that a guard may fail. */
const MOST_IN_ROW = 12;
/** Guards that are avoided at once; the one that was found out first may be one again. */
const MOST_AVOIDED = 4;

type Ended = { outcome: Outcome };

/**
 * Tells a bad guard from bad nodes. A guard stands in every loop that begins with it and is no suspect of any: so a failed loop
 * counts once another one has passed through the same guard, and never if that one passes none any more.
 */
export class GuardWatch<E extends Ended> {
  readonly #held = new Map<NodeId, E[]>();
  readonly #avoid: (guards: NodeId[]) => void;
  #avoided: NodeId[] = [];

  constructor(avoid: (guards: NodeId[]) => void) {
    this.#avoid = avoid;
  }

  /** What may be told now that this loop has ended. */
  take(guard: NodeId | undefined, ended: E): E[] {
    if (guard === undefined || ended.outcome.kind === 'unrun') return [ended];
    const held = [...(this.#held.get(guard) ?? []), ended];
    const isBad = ended.outcome.kind === 'failed' && held.length > MOST_IN_ROW;
    if (ended.outcome.kind === 'failed' && !isBad) {
      this.#held.set(guard, held);
      return [];
    }
    this.#held.delete(guard);
    if (!isBad) return held;
    this.#avoided = [...this.#avoided.filter((each) => each !== guard), guard].slice(-MOST_AVOIDED);
    this.#avoid(this.#avoided);
    return held.map((each) => ({ ...each, outcome: { kind: 'unrun' } }));
  }
}
