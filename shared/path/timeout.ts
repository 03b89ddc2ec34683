import type { Millis } from '../units.ts';

/** How long the building of a circuit may take, learned from the newest builds that succeeded. */
export const START_TIMEOUT_MS: Millis = 8_000;
export const FLOOR_TIMEOUT_MS: Millis = 1_000;
export const CAP_TIMEOUT_MS: Millis = 30_000;
const KEPT = 50;
/** Fewer say too little. */
const ENOUGH = 5;
const PERCENTILE = 0.8;
const SLACK = 1.5;

/** The times of the newest builds, oldest first. */
export type BuildTimes = readonly Millis[];

export const noteBuild = (times: BuildTimes, tookMs: Millis): BuildTimes => [...times, tookMs].slice(-KEPT);

/** The 80th percentile and half as much again, between 1 and 30 s; 8 s until five builds are known. */
export const buildTimeout = (times: BuildTimes): Millis => {
  const sorted = [...times].sort((a, b) => a - b);
  const at = sorted[Math.ceil(sorted.length * PERCENTILE) - 1];
  if (at === undefined || sorted.length < ENOUGH) return START_TIMEOUT_MS;
  return Math.min(CAP_TIMEOUT_MS, Math.max(FLOOR_TIMEOUT_MS, at * SLACK));
};
