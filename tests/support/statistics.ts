/** How many standard errors on either side hold 99.9 % of a normal distribution. */
const Z_TWO_SIDED = 3.2905;
/** Below this many 99.9 % of a normal distribution lie. */
const Z_ONE_SIDED = 3.0902;

export type Interval = { low: number; high: number };

/** Where the mean of `count` independent values of this variance lies in 99.9 % of cases. */
export const meanInterval = (mean: number, variance: number, count: number): Interval => {
  const reach = Z_TWO_SIDED * Math.sqrt(variance / count);
  return { low: mean - reach, high: mean + reach };
};

/** Where a share lies in 99.9 % of cases, when each of `count` is hit with probability `p`. */
export const shareInterval = (p: number, count: number): Interval => meanInterval(p, p * (1 - p), count);

/** How many standard errors on either side hold 95 % of a normal distribution. */
const Z_95 = 1.96;

/** Where the mean of whatever these values are drawn from lies in 95 % of cases. */
export const meanOf95 = (values: readonly number[]): Interval => {
  const middle = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1);
  const reach = Z_95 * Math.sqrt(variance / values.length);
  return { low: middle - reach, high: middle + reach };
};

/** Where a probability lies in 95 % of cases, when `hits` of `count` were hit (Wilson, 1927). */
export const shareOf95 = (hits: number, count: number): Interval => {
  const share = hits / count;
  const square = Z_95 ** 2;
  const middle = (share + square / (2 * count)) / (1 + square / count);
  const reach =
    (Z_95 / (1 + square / count)) * Math.sqrt((share * (1 - share)) / count + square / (4 * count * count));
  return { low: middle - reach, high: middle + reach };
};

export const holds = ({ low, high }: Interval, value: number): boolean => low <= value && value <= high;

/** Of counts against what was expected of each. */
export const chiSquare = (counts: readonly number[], expected: readonly number[]): number =>
  counts.reduce((sum, count, i) => sum + (count - (expected[i] ?? 0)) ** 2 / (expected[i] ?? 0), 0);

/** What a chi-square of so many degrees of freedom stays under in 99.9 % of cases (Wilson and Hilferty, 1931). */
export const chiSquareLimit = (freedom: number): number => {
  const part = 2 / (9 * freedom);
  return freedom * (1 - part + Z_ONE_SIDED * Math.sqrt(part)) ** 3;
};

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
};
