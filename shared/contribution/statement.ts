import { fixed, struct, u32, u8, type Codec } from '../bytes/codec.ts';
import { field, isField } from './field.ts';
import type { Siblings } from './tree.ts';

/** A canonical Groth16 proof; circuits/proof.ts draws it. */
export const PROOF_LENGTH = 256;

/** Scores and thresholds have so many bits. */
export const SCORE_BITS = 32;

/** What a proof is about. Each side makes it of what it knows itself: none of it is taken from a stranger's word. */
export type Claim = {
  readonly nullifier: bigint;
  /** Of the epoch's tree, as the consensus has it. */
  readonly root: bigint;
  readonly epoch: number;
  readonly scope: bigint;
  readonly threshold: number;
  readonly signalHash: bigint;
};

/** A claim before it is proved: the nullifier comes out of the proof. */
export type OpenClaim = Omit<Claim, 'nullifier'>;

/** What only the prover knows. */
export type Holding = {
  readonly secret: bigint;
  readonly score: number;
  readonly index: number;
  readonly siblings: Siblings;
};

/** The public signals in the statement's order, or undefined where one isn't an element of the field or out of its range. */
export const publicSignals = (claim: Claim): readonly bigint[] | undefined => {
  const { nullifier, root, epoch, scope, threshold, signalHash } = claim;
  const isBelow = (value: number, limit: number): boolean =>
    Number.isInteger(value) && value >= 0 && value < limit;
  if (!isBelow(epoch, Number.MAX_SAFE_INTEGER) || !isBelow(threshold, 2 ** SCORE_BITS)) return undefined;
  const signals = [nullifier, root, BigInt(epoch), scope, BigInt(threshold), signalHash];
  return signals.every((signal) => typeof signal === 'bigint' && isField(signal)) ? signals : undefined;
};

/**
 * What goes with a request that a proof pays for: epoch (4) ‖ threshold (1) ‖ nullifier (32) ‖ proof (256). The rest of
 * the claim the verifier knows.
 */
export const presentation = struct({
  epoch: u32,
  threshold: u8,
  nullifier: field,
  proof: fixed(PROOF_LENGTH),
}) satisfies Codec<unknown>;
