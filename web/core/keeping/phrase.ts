import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { text } from '#shared/bytes/bytes.ts';
import { hkdf } from '#shared/crypto/kdf.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import { LocalError } from '#shared/errors.ts';

/** The recovery phrase: 128 random bits as 12 words of the English list (BIP39), and the keys that come of them by HKDF-SHA-256. */
export const ENTROPY_LENGTH = 16;
export const WORDS = 12;
export const CHECK_LENGTH = 16;

const SEALING = text('hourglass backup sealing 1');
const CHECK = text('hourglass backup check 1');
const OWNER = text('hourglass backup owner 1');
const SLOTS = text('hourglass backup slots 1');

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

/** What seals one backup, and what tells the right words from others. */
export const sealingKey = (entropy: Uint8Array, salt: Uint8Array): Uint8Array =>
  hkdf(entropy, SEALING, 32, salt);
export const checkOf = (entropy: Uint8Array, salt: Uint8Array): Uint8Array =>
  hkdf(entropy, CHECK, CHECK_LENGTH, salt);

/** Who owns the copy at the directory, and what seals its records. */
export const ownerOf = (entropy: Uint8Array): SignKeypair => signKeypair(hkdf(entropy, OWNER, 32));
export const slotKey = (entropy: Uint8Array): Uint8Array => hkdf(entropy, SLOTS, 32);
