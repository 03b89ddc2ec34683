import { text } from '../bytes/bytes.ts';
import { encode, u32, u8 } from '../bytes/codec.ts';
import { sha256 } from '../crypto/kdf.ts';
import { seededRng, shuffle, uniform, uniformBetween, type Rng } from '../crypto/rng.ts';
import type { Millis } from '../units.ts';
import { SLOTS, type EpochPlan } from './epochs.ts';
import { LOOP_TARGETS } from './outcomes.ts';

/** In each slot every node stands in at least so many loops. */
export const ROUNDS = 3;

/** Nodes of one slot: as many as a consensus lists at the most. */
export const MOST_AUDITED = 10_000;

/** The targets of a loop, and a guard that is none of them. */
const LEAST_AUDITED = LOOP_TARGETS + 1;

const COMMITMENT = text('hourglass audit plan 1');
const SLOT = text('hourglass audit slot 1');

export const SEED_LENGTH = 32;

/** SHA-256( label ‖ epoch (4) ‖ seed (32) ): what commits the directory to the audits of an epoch before it begins. */
export const auditCommitment = (epoch: number, seed: Uint8Array): Uint8Array =>
  sha256(COMMITMENT, encode(u32, epoch), seed);

/** Which slot's plan it is. The seed (32) is the epoch's. */
export type SlotRef = { readonly seed: Uint8Array; readonly epoch: number; readonly slot: number };

/** The stream of SHA-256( label ‖ seed (32) ‖ epoch (4) ‖ slot (1) ). */
const chanceOf = ({ seed, epoch, slot }: SlotRef): Rng =>
  seededRng(sha256(SLOT, seed, encode(u32, epoch), encode(u8, slot)));

/** Loops of a slot with so many nodes. */
export const loopCount = (nodes: number): number =>
  nodes < LEAST_AUDITED ? 0 : ROUNDS * Math.ceil(nodes / LOOP_TARGETS);

/** The rest of a permutation, too few for a loop, is filled up with its first ones. */
const drawTargets = <T>(rng: Rng, nodes: readonly T[]): T[][] => {
  if (nodes.length < LEAST_AUDITED) return [];
  const loops: T[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const order = shuffle(rng, nodes);
    for (let at = 0; at < order.length; at += LOOP_TARGETS) {
      const group = order.slice(at, at + LOOP_TARGETS);
      loops.push([...group, ...order.slice(0, LOOP_TARGETS - group.length)]);
    }
  }
  return shuffle(rng, loops);
};

/**
 * The four targets of each loop of a slot: three random permutations of the nodes, each cut in fours, its rest filled up
 * with its first ones, and the loops in random order. What stands for the nodes is all one, their order is not.
 */
export const slotTargets = <T>(ref: SlotRef, nodes: readonly T[]): T[][] => drawTargets(chanceOf(ref), nodes);

/** One loop: which nodes, from when in the slot on, for how long cells are sent, how long its circuits stand after that. */
export type PlannedLoop<T> = {
  readonly targets: T[];
  readonly dueMs: Millis;
  readonly spanMs: Millis;
  readonly lingerMs: Millis;
};

/** Loops become due in this part of their slot, so that they end within it. */
const DUE_PART = 0.7;
const JITTER_STEPS = 2 ** 16;

/** The loops of a slot as they become due: each at a random time in its own share of the slot's first 70 %. */
export const slotPlan = <T>(
  ref: SlotRef,
  nodes: readonly T[],
  { slotMs }: Pick<EpochPlan, 'slotMs'>,
): PlannedLoop<T>[] => {
  const rng = chanceOf(ref);
  const loops = drawTargets(rng, nodes);
  const shareMs = (DUE_PART * slotMs) / loops.length;
  return loops.map((targets, at) => ({
    targets,
    dueMs: Math.floor((at + uniform(rng, JITTER_STEPS) / JITTER_STEPS) * shareMs),
    spanMs: uniformBetween(rng, Math.floor(slotMs / 20), Math.floor(slotMs / 4)),
    lingerMs: uniformBetween(rng, 0, 2 * slotMs),
  }));
};

const LEAST_SETTLE_MS: Millis = 10_000;

/** From when on an epoch may be closed: the loops that began at its very end have ended. */
export const closeTime = (epoch: number, { epochMs, slotMs }: EpochPlan): Millis =>
  (epoch + 1) * epochMs + slotMs / 4 + LEAST_SETTLE_MS;

/** Different nodes that an epoch's slots can have. */
export const MOST_REPORTED = SLOTS * MOST_AUDITED;
