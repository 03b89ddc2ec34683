import { secretFrom, commitmentOf } from '#shared/contribution/tags.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { Command } from '#shared/node/input.ts';
import type { NodeEvent } from '#shared/node/output.ts';

const SEED_LENGTH = 32;

/**
 * Commits a node that never proves anything: in each epoch to a fresh secret, which is thrown away. Its scores hide those
 * who do prove.
 */
export const commitAfresh = (rng: Rng, command: (command: Command) => void): ((event: NodeEvent) => void) => {
  let committed: number | undefined;
  return (event) => {
    if (event.type !== 'consensus') return;
    const { epoch, params } = event.consensus;
    if (epoch === committed || params.policy === 'off') return;
    committed = epoch;
    command({ type: 'commit', epoch, commitment: commitmentOf(secretFrom(rng(SEED_LENGTH))) });
  };
};
