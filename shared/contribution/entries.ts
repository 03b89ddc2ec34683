import { list, mapped, struct, u8, type Codec } from '../bytes/codec.ts';
import { LocalError, RemoteError } from '../errors.ts';
import { field } from './field.ts';
import { isTier } from './tiers.ts';
import { CAPACITY, type Entry } from './tree.ts';

const byCommitment = (a: Entry, b: Entry): number =>
  a.commitment < b.commitment ? -1 : a.commitment > b.commitment ? 1 : 0;

/** Ascending by commitment. Two of one commitment are `internal`: whoever collects them refuses the second. */
export const sortEntries = (entries: readonly Entry[]): Entry[] => {
  const sorted = [...entries].sort(byCommitment);
  if (!ascends(sorted)) throw new LocalError('internal', 'a commitment twice');
  return sorted;
};

const ascends = (entries: readonly Entry[]): boolean =>
  entries.every((entry, at) => {
    const before = entries[at - 1];
    return before === undefined || before.commitment < entry.commitment;
  });

/** Where a commitment stands in sorted entries. */
export const indexOf = (entries: readonly Entry[], commitment: bigint): number | undefined => {
  const at = entries.findIndex((entry) => entry.commitment === commitment);
  return at < 0 ? undefined : at;
};

/** How many could have made a proof with this threshold. */
export const crowdOf = (entries: readonly Entry[], threshold: number): number =>
  entries.filter(({ score }) => score >= threshold).length;

/**
 * The published list of an epoch: count (4) ‖ entries of commitment (32) ‖ score (1), ascending by commitment, each
 * once, each score a tier. Anything else is `malformed`; over 65,536 `oversized`.
 */
export const entryList: Codec<Entry[]> = mapped(
  list(struct({ commitment: field, score: u8 }), CAPACITY),
  (entries) => {
    if (!entries.every(({ score }) => isTier(score)))
      throw new RemoteError('malformed', 'a score that is no tier');
    if (!ascends(entries)) throw new RemoteError('malformed', 'entries out of order');
    return entries;
  },
  (entries) => entries,
);
