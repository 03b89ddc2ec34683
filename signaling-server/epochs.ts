import type { Millis } from '#shared/units.ts';

const EPOCH_MS: Millis = 3_600_000;

/** Epochs are the hours since 1970. */
export const epochOf = (now: Millis): number => Math.floor(now / EPOCH_MS);
