import type { Presented } from '#circuits/verify.ts';
import type { Evaluation, VoprfKeys } from '#shared/crypto/voprf.ts';
import type { Code } from '#shared/errors.ts';

/** What the mint's thread is given, one at a time, and what it answers: structured clones. */
export type MintJob =
  { type: 'verify'; batch: Presented[] } | { type: 'evaluate'; keys: VoprfKeys; elements: Uint8Array[] };

export type MintAnswer =
  | { type: 'verified'; holds: boolean[] }
  | { type: 'evaluated'; evaluation: Evaluation }
  | { type: 'refused'; code: Code };
