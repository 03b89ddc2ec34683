import { env } from 'node:process';

const SEED = 20_250_301;
const LONG_FACTOR = 34;

/** Parameters of a property: always the same `count` cases, or 34 times as many (10,000 for 300) under HG_LONG=1. */
export const runs = (count: number): { seed: number; numRuns: number } => ({
  seed: SEED,
  numRuns: env['HG_LONG'] === '1' ? count * LONG_FACTOR : count,
});
