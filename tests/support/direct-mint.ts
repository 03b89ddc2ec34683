import { Verifier } from '#circuits/verify.ts';
import type { Mint } from '#server/services/mint.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { evaluateBlinded } from '#shared/crypto/voprf.ts';

let verifier: Verifier | undefined;

/** The mint without its thread: what it is asked for is done before any virtual time passes. */
export const directMint = (rng: Rng): Mint => ({
  busy: false,
  verify: async (proof, claim) => (verifier ??= new Verifier()).verify(proof, claim),
  evaluate: async (keys, elements) => evaluateBlinded(keys, elements, rng),
  stop: async () => undefined,
});
