import { SLOTS } from './epochs.ts';
import { faults, LOOP_TARGETS, type Fault, type Outcome } from './outcomes.ts';
import { tierOf, type Tier } from './tiers.ts';

/** A loop of the plan and how it ended; a target is a node's place in the epoch's list. */
export type RanLoop = { readonly targets: readonly number[]; readonly outcome: Outcome };

/** What an epoch came to for one node: slots as bits, the first one lowest, and the fault it was blamed for most often. */
export type NodeScore = {
  readonly tested: number;
  readonly passed: number;
  readonly fault: Fault | undefined;
  readonly tier: Tier | undefined;
};

/** All of a loop's targets. */
const ALL = 2 ** LOOP_TARGETS - 1;

/** A node that was blamed so often, and more often than once in so many loops that it answers for, passes no slot. */
const LEAST_BLAMED = 4;
const ANSWERED_A_BLAME = 3;

const isSuspect = (suspects: number, at: number): boolean => ((suspects >>> at) & 1) === 1;

/** What is counted of each node, by its place. */
class Tally {
  readonly #run: Uint32Array;
  readonly #suspected: Uint32Array;
  readonly #tested: Uint16Array;
  readonly #stood: Uint16Array;
  readonly #blamed: Uint16Array;
  readonly #answered: Uint32Array;
  readonly #faults: Uint32Array;

  constructor(nodes: number) {
    this.#run = new Uint32Array(nodes);
    this.#suspected = new Uint32Array(nodes);
    this.#tested = new Uint16Array(nodes);
    this.#stood = new Uint16Array(nodes);
    this.#blamed = new Uint16Array(nodes);
    this.#answered = new Uint32Array(nodes);
    this.#faults = new Uint32Array(nodes * faults.length);
  }

  count({ targets, outcome }: RanLoop, slot: number): void {
    if (outcome.kind === 'unrun') return;
    targets.forEach((node, at) => {
      add(this.#run, node, 1);
      mark(this.#tested, node, slot);
      if (outcome.kind === 'passed') mark(this.#stood, node, slot);
      else if (isSuspect(outcome.suspects, at)) add(this.#suspected, node, 1);
    });
  }

  /** After all were counted. */
  blame({ targets, outcome }: RanLoop, slot: number): void {
    if (outcome.kind === 'unrun') return;
    const failed = outcome.kind === 'failed';
    for (const node of this.#worst(targets, failed ? outcome.suspects : ALL)) {
      add(this.#answered, node, 1);
      if (!failed) continue;
      mark(this.#blamed, node, slot);
      add(this.#faults, node * faults.length + faults.indexOf(outcome.fault), 1);
    }
  }

  score(node: number): NodeScore {
    const counts = this.#faults.subarray(node * faults.length, (node + 1) * faults.length);
    const blamed = counts.reduce((sum, count) => sum + count, 0);
    const isUnfit = blamed >= LEAST_BLAMED && blamed * ANSWERED_A_BLAME > (this.#answered[node] as number);
    const passed = isUnfit ? 0 : (this.#stood[node] as number) & ~(this.#blamed[node] as number);
    return {
      tested: this.#tested[node] as number,
      passed,
      fault: blamed === 0 ? undefined : faults[counts.indexOf(Math.max(...counts))],
      tier: tierOf(slotsIn(passed)),
    };
  }

  /** Those of the suspects of whose loops the largest part failed by them, all that are even. */
  #worst(targets: readonly number[], suspects: number): number[] {
    let worst: number[] = [];
    for (const [at, node] of targets.entries()) {
      if (!isSuspect(suspects, at)) continue;
      const other = worst[0];
      const more = other === undefined ? 1 : this.#compare(node, other);
      if (more > 0) worst = [node];
      else if (more === 0) worst.push(node);
    }
    return worst;
  }

  /** The parts as fractions, so that nothing is rounded. */
  #compare(a: number, b: number): number {
    const [left, right] = [this.#suspected, this.#run];
    return (left[a] as number) * (right[b] as number) - (left[b] as number) * (right[a] as number);
  }
}

const add = (counts: Uint32Array, at: number, more: number): void => {
  counts[at] = (counts[at] as number) + more;
};

const mark = (masks: Uint16Array, at: number, slot: number): void => {
  masks[at] = (masks[at] as number) | (1 << slot);
};

/** Slots that are set in a mask. */
export const slotsIn = (mask: number): number => {
  let slots = 0;
  for (let slot = 0; slot < SLOTS; slot++) slots += (mask >>> slot) & 1;
  return slots;
};

/**
 * What an epoch came to for each of `nodes` nodes. Loops that did not run count nothing.
 *
 * - A loop is answered for by those of its targets (of a failed one: of its suspects) of whose loops of the epoch the
 *   largest part failed with them as suspects. A failed loop is blamed on them.
 * - A node passes a slot in which a loop passed with it, and none that failed is blamed on it. It passes none at all when
 *   more than a third of the loops that it answers for failed, four of them at least: luck alone would let one through that
 *   loses every second message.
 *
 * Takes time in proportion to the loops, and pauses between pieces of the work.
 */
export function* scoring(
  nodes: number,
  slots: readonly (readonly RanLoop[])[],
): Generator<void, NodeScore[]> {
  const tally = new Tally(nodes);
  for (const [slot, loops] of slots.entries()) {
    yield* each(loops, (loop) => tally.count(loop, slot));
  }
  for (const [slot, loops] of slots.entries()) {
    yield* each(loops, (loop) => tally.blame(loop, slot));
  }
  const scores: NodeScore[] = [];
  yield* each(
    Array.from({ length: nodes }, (_, node) => node),
    (node) => scores.push(tally.score(node)),
  );
  return scores;
}

const BETWEEN_PAUSES = 1_000;

function* each<T>(items: readonly T[], work: (item: T) => void): Generator<void, void> {
  for (const [at, item] of items.entries()) {
    work(item);
    if (at % BETWEEN_PAUSES === BETWEEN_PAUSES - 1) yield;
  }
}

/** The work of a generator in one go. */
export const atOnce = <T>(work: Generator<void, T>): T => {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
};

export const scoresOf = (nodes: number, slots: readonly (readonly RanLoop[])[]): NodeScore[] =>
  atOnce(scoring(nodes, slots));
