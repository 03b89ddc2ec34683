export type Strength = 'none' | 'short' | 'weak' | 'fair' | 'good';

/** The fewest characters that are taken. */
export const LEAST_PASSPHRASE = 8;

/** Bits that an unrelated word adds: about as many as a pick out of 2,000. */
const WORD_BITS = 11;
const FAIR_BITS = 40;
const GOOD_BITS = 60;

const kinds: readonly [pattern: RegExp, letters: number][] = [
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/[0-9]/, 10],
  [/[ -/:-@[-`{-~]/, 33],
  [/[^ -~]/, 60],
];

/** Letters that say something: a repeated one, or the next one of the alphabet or of a row of digits, says nothing. */
function telling(text: string): number {
  let count = 0;
  const letters = [...text.toLowerCase()];
  letters.forEach((letter, at) => {
    const step = at === 0 ? 2 : letter.codePointAt(0)! - letters[at - 1]!.codePointAt(0)!;
    if (Math.abs(step) > 1) count++;
  });
  return count;
}

/**
 * About how many bits a guesser has to try: by letters, or by words where that is less. People choose no letter at
 * random, so a word counts by itself and not by its length.
 */
export function bitsOf(passphrase: string): number {
  const letters = kinds.reduce((sum, [pattern, size]) => sum + (pattern.test(passphrase) ? size : 0), 0);
  const byLetters = letters === 0 ? 0 : telling(passphrase) * Math.log2(letters);
  const words = new Set(passphrase.toLowerCase().split(/\s+/).filter(Boolean));
  // Only what reads as words: letters alone, in more than one.
  const plain = words.size > 0 && [...words].every((word) => /^\p{L}+$/u.test(word));
  return plain ? Math.min(byLetters, words.size * WORD_BITS + words.size) : byLetters * 0.7;
}

/** A hint, not a measure: a passphrase out of a book or a song is weaker than it looks here. */
export function strengthOf(passphrase: string): Strength {
  if (passphrase === '') return 'none';
  if ([...passphrase].length < LEAST_PASSPHRASE) return 'short';
  const bits = bitsOf(passphrase);
  return bits < FAIR_BITS ? 'weak' : bits < GOOD_BITS ? 'fair' : 'good';
}
