import { codeOf } from '#shared/errors.ts';
import { Prover, type ReadArtifact } from '#circuits/prove.ts';
import type { FromProver, ProverTask } from './prover.ts';

/** The worker's side of one task: whatever happens ends in one message. */
export const runProver = async (
  { claim, holding }: ProverTask,
  read: ReadArtifact,
  post: (message: FromProver) => void,
): Promise<void> => {
  try {
    const prover = await Prover.open(read);
    const proved = await prover.prove(claim, holding, (fraction) => post({ type: 'progress', fraction }));
    post({ type: 'proved', proved });
  } catch (error) {
    post({ type: 'failed', code: codeOf(error) });
  }
};
