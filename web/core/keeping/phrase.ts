import { text } from '#shared/bytes/bytes.ts';
import { hkdf } from '#shared/crypto/kdf.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';

/** The recovery phrase is 128 random bits; the keys come of them by HKDF-SHA-256. `words.ts` has how people write it. */
export const ENTROPY_LENGTH = 16;
export const CHECK_LENGTH = 16;

const SEALING = text('hourglass backup sealing 1');
const CHECK = text('hourglass backup check 1');
const OWNER = text('hourglass backup owner 1');
const SLOTS = text('hourglass backup slots 1');

/** What seals one backup, and what tells the right words from others. */
export const sealingKey = (entropy: Uint8Array, salt: Uint8Array): Uint8Array =>
  hkdf(entropy, SEALING, 32, salt);
export const checkOf = (entropy: Uint8Array, salt: Uint8Array): Uint8Array =>
  hkdf(entropy, CHECK, CHECK_LENGTH, salt);

/** Who owns the copy at the directory, and what seals its records. */
export const ownerOf = (entropy: Uint8Array): SignKeypair => signKeypair(hkdf(entropy, OWNER, 32));
export const slotKey = (entropy: Uint8Array): Uint8Array => hkdf(entropy, SLOTS, 32);
