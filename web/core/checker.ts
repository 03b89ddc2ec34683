import type { Verifier } from '#circuits/verify.ts';
import type { Ports } from '#shared/driver/driver.ts';
import type { Input } from '#shared/node/input.ts';

/** Checks others' proofs, between other work; what that takes is loaded with the first one. */
export const proofChecks = (
  later: Ports['later'],
  input: (input: Input) => void,
): NonNullable<Ports['verify']> => {
  let loaded: Promise<Verifier> | undefined;
  return (job, claim, proof) => {
    const answer = (valid: boolean): void => input({ type: 'verified', job, valid });
    loaded ??= import('#circuits/verify.ts').then(({ Verifier }) => new Verifier());
    loaded.then(
      (verifier) => later(() => answer(verifier.verify(proof, claim))),
      () => {
        loaded = undefined;
        answer(false);
      },
    );
  };
};
