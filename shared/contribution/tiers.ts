/** The scores there are, in slots passed of an epoch's twelve. Fewer than the lowest is no score. */
export const TIERS = [3, 6, 9, 12] as const;

export type Tier = (typeof TIERS)[number];

export const isTier = (score: number): score is Tier => (TIERS as readonly number[]).includes(score);

/** The highest tier that so many passed slots reach. */
export const tierOf = (slotsPassed: number): Tier | undefined =>
  TIERS.findLast((tier) => tier <= slotsPassed);
