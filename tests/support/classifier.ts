/** What is to be told apart: numbers, and the class that they belong to. */
export type Sample = { features: readonly number[]; label: number };

const ROUNDS = 300;
const STEP = 0.5;
const DECAY = 0.01;

type Scale = { mean: number; spread: number };

const scalesOf = (samples: readonly Sample[]): Scale[] =>
  (samples[0]?.features ?? []).map((_, at) => {
    const values = samples.map(({ features }) => features[at] ?? 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return { mean, spread: Math.sqrt(variance) || 1 };
  });

/** Ends in the constant that an offset is the weight of. */
const scaled = (features: readonly number[], scales: readonly Scale[]): number[] => [
  ...scales.map(({ mean, spread }, at) => ((features[at] ?? mean) - mean) / spread),
  1,
];

const softmax = (scores: readonly number[]): number[] => {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

/** Multinomial logistic regression by gradient descent over all samples at once, with weight decay. Deterministic. */
export const train = (
  samples: readonly Sample[],
  classes: number,
): ((features: readonly number[]) => number) => {
  const scales = scalesOf(samples);
  const inputs = samples.map(({ features }) => scaled(features, scales));
  const counts = Array.from(
    { length: classes },
    (_, label) => samples.filter((each) => each.label === label).length,
  );
  // Each class counts as much as any other, however many samples it has.
  const shareOf = samples.map(({ label }) => 1 / (classes * (counts[label] ?? 1)));
  const weights = Array.from({ length: classes }, () => new Array<number>(scales.length + 1).fill(0));
  for (let round = 0; round < ROUNDS; round++) {
    const slopes = weights.map((row) => row.map((weight) => DECAY * weight));
    inputs.forEach((input, i) => {
      const shares = softmax(weights.map((row) => dot(row, input)));
      shares.forEach((share, label) => {
        const error = (share - Number(samples[i]?.label === label)) * (shareOf[i] ?? 0);
        const slope = slopes[label] ?? [];
        input.forEach((value, at) => (slope[at] = (slope[at] ?? 0) + error * value));
      });
    });
    weights.forEach((row, label) =>
      row.forEach((weight, at) => (row[at] = weight - STEP * (slopes[label]?.[at] ?? 0))),
    );
  }
  return (features) => {
    const scores = weights.map((row) => dot(row, scaled(features, scales)));
    return scores.indexOf(Math.max(...scores));
  };
};

/** The mean over the classes of the share that is recognised. By chance it is one in so many classes. */
export const balancedAccuracy = (
  samples: readonly Sample[],
  predict: (features: readonly number[]) => number,
): number => {
  const labels = [...new Set(samples.map(({ label }) => label))];
  const shares = labels.map((label) => {
    const own = samples.filter((sample) => sample.label === label);
    return own.filter(({ features }) => predict(features) === label).length / own.length;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
};
