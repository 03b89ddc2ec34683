/** How many words a recovery phrase has. */
export const PHRASE_WORDS = 12;

/** Words as they were typed or pasted, with the numbers, commas and capitals of a list left out. */
export const wordsIn = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter(Boolean);

/** What was pasted into field `at` fills the ones after it as well. */
export function pasteWords(words: readonly string[], at: number, text: string): string[] {
  const pasted = wordsIn(text).slice(0, words.length - at);
  return words.map((word, i) => pasted[i - at] ?? word);
}

/** `count` different places out of `of`, in order; `random` gives numbers from 0 up to 1. */
export function somePlaces(count: number, of: number, random: () => number): number[] {
  const places = Array.from({ length: of }, (_, i) => i);
  const chosen = Array.from(
    { length: count },
    () => places.splice(Math.floor(random() * places.length), 1)[0]!,
  );
  return chosen.sort((a, b) => a - b);
}
