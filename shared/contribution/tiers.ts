/** The scores there are, in slots passed of an epoch's twelve. Fewer than the lowest is no score. */
export const TIERS = [3, 6, 9, 12] as const;

export type Tier = (typeof TIERS)[number];

export const isTier = (score: number): score is Tier => (TIERS as readonly number[]).includes(score);

/** The highest tier that so many passed slots reach. */
export const tierOf = (slotsPassed: number): Tier | undefined =>
  TIERS.findLast((tier) => tier <= slotsPassed);

/** A proof is made among at least so many who could have made it: it would point at its maker otherwise. */
export const SMALLEST_CROWD = 8;
