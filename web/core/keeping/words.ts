import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { LocalError } from '#shared/errors.ts';

/** The recovery phrase as 12 words of the English list (BIP39). The list is long, and fetched when somebody wants it. */
const WORDS = 12;

export const wordsOf = (entropy: Uint8Array): string[] => entropyToMnemonic(entropy, wordlist).split(' ');

/** Throws LocalError `bad-phrase`, whose sentence says where to look, but no word. */
export const entropyOf = (words: readonly string[]): Uint8Array => {
  const plain = words.map((word) => word.normalize('NFKD').trim().toLowerCase());
  if (plain.length !== WORDS) throw new LocalError('bad-phrase', `it has ${String(WORDS)} words`);
  const unknown = plain.findIndex((word) => !wordlist.includes(word));
  if (unknown >= 0)
    throw new LocalError('bad-phrase', `word ${String(unknown + 1)} is none of the list: look at it again`);
  try {
    return mnemonicToEntropy(plain.join(' '), wordlist);
  } catch {
    throw new LocalError('bad-phrase', 'these words make no phrase: compare each one, and their order');
  }
};
