import { randomBytes } from 'node:crypto';
import { Verifier } from '#circuits/verify.ts';
import type { Mint } from '#server/services/mint.ts';
import { evaluateBlinded } from '#shared/crypto/voprf.ts';

let verifier: Verifier | undefined;

/** The mint without its thread: what it is asked for is done before any virtual time passes. */
export const directMint: Mint = {
  busy: false,
  verify: async (proof, claim) => (verifier ??= new Verifier()).verify(proof, claim),
  evaluate: async (keys, elements) =>
    evaluateBlinded(keys, elements, (length) => new Uint8Array(randomBytes(length))),
  stop: async () => undefined,
};
