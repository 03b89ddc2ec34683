import { grainGenConstants, poseidon, type PoseidonFn } from '@noble/curves/abstract/poseidon.js';
import { bn254_Fr } from '@noble/curves/bn254.js';
import { LocalError } from '../errors.ts';

/**
 * Poseidon (eprint 2019/458) over the scalar field of BN254 with the parameters of circomlib: x^5, 8 full rounds, the
 * paper's partial rounds, constants from its Grain generator, capacity one element, that starts as 0 and is the hash.
 */
const ROUNDS_FULL = 8;
/** By the number of inputs. */
const ROUNDS_PARTIAL: Readonly<Record<number, number>> = { 2: 57, 3: 56, 4: 60 };

const permutationOf = (inputs: number): PoseidonFn => {
  const roundsPartial = ROUNDS_PARTIAL[inputs];
  if (roundsPartial === undefined) throw new LocalError('internal', 'a hash of 2, 3 or 4 elements');
  const options = { Fp: bn254_Fr, t: inputs + 1, roundsFull: ROUNDS_FULL, roundsPartial, sboxPower: 5 };
  return poseidon({ ...options, ...grainGenConstants(options) });
};

/** Generating constants takes some 30 ms a width: at first use, then never again. */
const permutations = new Map<number, PoseidonFn>();

/** The hash of 2, 3 or 4 elements. */
export const hashElements = (...inputs: bigint[]): bigint => {
  let permute = permutations.get(inputs.length);
  if (permute === undefined) {
    permute = permutationOf(inputs.length);
    permutations.set(inputs.length, permute);
  }
  const [hash] = permute([0n, ...inputs]);
  return hash as bigint;
};
