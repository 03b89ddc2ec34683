import { codeOf } from '#shared/errors.ts';
import { Prover, type ReadArtifact } from '#circuits/prove.ts';
import type { FromProver, ProverOrder } from './prover.ts';

/** The worker's side of one order: whatever happens ends in one message. */
export const runProver = async (
  order: ProverOrder,
  read: ReadArtifact,
  post: (message: FromProver) => void,
): Promise<void> => {
  try {
    const prover = await Prover.open(read);
    if (order === 'fetch') return post({ type: 'fetched' });
    const proved = await prover.prove(order.claim, order.holding, (fraction) =>
      post({ type: 'progress', fraction }),
    );
    post({ type: 'proved', proved });
  } catch (error) {
    post({ type: 'failed', code: codeOf(error) });
  }
};
