/** Parts into which a voice note is divided to be shown. */
export const PEAKS = 64;

/** How loud each of `count` equal parts is, 0 to 255, against the loudest. Fewer where there are fewer samples. */
export const peaksOf = (samples: Float32Array, count = PEAKS): number[] => {
  const parts = Math.min(count, samples.length);
  const levels = Array.from({ length: parts }, (_, part) => {
    const from = Math.floor((part * samples.length) / parts);
    const to = Math.floor(((part + 1) * samples.length) / parts);
    return levelOf(samples.subarray(from, to));
  });
  const loudest = Math.max(0, ...levels);
  return levels.map((level) => (loudest === 0 ? 0 : Math.round((level / loudest) * 255)));
};

/** The root of the mean square: 0 for silence, 1 for the loudest there is. */
export const levelOf = (samples: Float32Array): number => {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
};
