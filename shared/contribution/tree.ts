import { LocalError } from '../errors.ts';
import { hashElements } from './poseidon.ts';
import { leafOf } from './tags.ts';

/**
 * The tree of an epoch's entries: leaves in the order of the sorted list, node = Poseidon4 of its four children, 8
 * levels whatever the number of leaves. A place without an entry is 0, which is no entry's leaf.
 */
export const ARITY = 4;
export const DEPTH = 8;
export const CAPACITY = ARITY ** DEPTH;

/** What stands beside a leaf's way to the root: at each level, leaves first, the three siblings in their order. */
export type Siblings = readonly (readonly bigint[])[];

export type Tree = {
  readonly root: bigint;
  readonly leaves: number;
  /** For a place from 0; throws `internal` for one that holds no leaf. */
  siblings(index: number): Siblings;
};

/** One qualified node of an epoch. */
export type Entry = { readonly commitment: bigint; readonly score: number };

/**
 * Builds a tree in pieces, since 65,536 leaves take tens of seconds: 1.34 hashes a leaf, some 0.3 ms each. Of what
 * has no leaves below it nothing is hashed but once a level.
 */
export class TreeBuilder {
  readonly #entries: readonly Entry[];
  /** Finished nodes from the leaves up, without what stands for absence at their ends. */
  readonly #levels: bigint[][] = [[]];
  /** The node of each level that has no entry below it. */
  readonly #empty: bigint[] = [0n];

  /** Throws `too-many` above the capacity. */
  constructor(entries: readonly Entry[]) {
    if (entries.length > CAPACITY) throw new LocalError('too-many', 'more leaves than the tree holds');
    this.#entries = entries;
  }

  /** Makes at most `hashes` hashes. True when the tree is complete. */
  step(hashes: number): boolean {
    for (let left = hashes; left > 0; left--) if (this.#hashOne()) return true;
    return this.#complete();
  }

  /** Builds what is left, at once. */
  finish(): Tree {
    while (!this.step(CAPACITY));
    const levels = this.#levels;
    const empty = this.#empty;
    const at = (level: number, place: number): bigint => levels[level]?.[place] ?? (empty[level] as bigint);
    return {
      root: at(DEPTH, 0),
      leaves: this.#entries.length,
      siblings: (index) => {
        if (!Number.isInteger(index) || index < 0 || index >= this.#entries.length)
          throw new LocalError('internal', 'no leaf there');
        return Array.from({ length: DEPTH }, (_, level) => {
          const place = Math.floor(index / ARITY ** level);
          const first = place - (place % ARITY);
          return [0, 1, 2, 3].filter((each) => first + each !== place).map((each) => at(level, first + each));
        });
      },
    };
  }

  #complete(): boolean {
    const due = Math.ceil(this.#entries.length / CAPACITY);
    return this.#empty.length === DEPTH + 1 && this.#levels[DEPTH]?.length === due;
  }

  /** The next leaf, node or empty node; true when there is none. */
  #hashOne(): boolean {
    const height = this.#levels.length - 1;
    const level = this.#levels[height] as bigint[];
    const due = Math.ceil(this.#entries.length / ARITY ** height);
    if (level.length < due) {
      level.push(height === 0 ? this.#leaf(level.length) : this.#node(height, level.length));
      return false;
    }
    if (height === DEPTH) return true;
    const empty = this.#empty[height] as bigint;
    this.#empty.push(hashElements(empty, empty, empty, empty));
    this.#levels.push([]);
    return false;
  }

  #leaf(place: number): bigint {
    const { commitment, score } = this.#entries[place] as Entry;
    return leafOf(commitment, score);
  }

  #node(height: number, place: number): bigint {
    const below = this.#levels[height - 1] as bigint[];
    const child = (each: number): bigint =>
      below[ARITY * place + each] ?? (this.#empty[height - 1] as bigint);
    return hashElements(child(0), child(1), child(2), child(3));
  }
}

/** The root that siblings give to a leaf at a place: what the statement computes. */
export const rootOf = (leaf: bigint, index: number, siblings: Siblings): bigint =>
  siblings.reduce((node, beside, level) => {
    const children = beside.toSpliced(Math.floor(index / ARITY ** level) % ARITY, 0, node);
    return hashElements(...children);
  }, leaf);
