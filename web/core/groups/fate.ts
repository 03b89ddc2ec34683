import { placeOf, samePlace, type Place } from '#web/core/conversation/membership.ts';
import type { GroupDraft } from '#web/core/groups/draft.ts';
import { passed, placeKey } from '#web/core/groups/records.ts';

/** What became of a packet: it had its effect or never will, or something else has to come before it. */
export type Fate = 'done' | 'early';

/** A packet of another epoch than the present: whether it may still be of use. */
export const fateOf = ({ record, pasts }: GroupDraft, at: Place): Fate => {
  if (pasts.has(placeKey(at))) return 'done';
  if (record.unsettled.some((each) => each.at.epoch < at.epoch)) return 'early';
  // A welcome may come later than what is said to whom it is for.
  return at.epoch > (record.mls ? placeOf(record.mls).epoch : passed(record)) ? 'early' : 'done';
};

export const isPresent = ({ record }: GroupDraft, at: Place): boolean =>
  record.mls !== undefined && samePlace(placeOf(record.mls), at);
