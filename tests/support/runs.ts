import { env } from 'node:process';

const SEED = 20_250_301;
const LONG_FACTOR = 100;

/** Parameters of a property: always the same `count` cases, or a hundred times as many under HG_LONG=1. */
export const runs = (count: number): { seed: number; numRuns: number } => ({
  seed: SEED,
  numRuns: env['HG_LONG'] === '1' ? count * LONG_FACTOR : count,
});
