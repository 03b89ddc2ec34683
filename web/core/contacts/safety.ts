import { sha512 } from '@noble/hashes/sha2.js';
import { concat, equal, hex, text, unhex } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';

/**
 * Safety numbers: what two people compare to know that nobody sits between them. Made as the numeric fingerprint of the
 * Signal protocol is (M. Marlinspike, "Safety number updates", 2016), under a label of our own. Of each side:
 *
 *     h(0)        = SHA-512( label ‖ address (32) ‖ MLS signature key (32) )
 *     h(n)        = SHA-512( h(n−1) ‖ address ‖ MLS signature key )             5,200 times
 *     fingerprint = h(5200)[0..32]
 *     30 digits   = six times 5 bytes of it, big-endian, modulo 100,000, as five digits
 *
 * The two fingerprints in ascending order make the number and the code, so both sides have the same ones. The iterations
 * make a second key with the same digits dearer to look for.
 */
const LABEL = text('hourglass safety number 1');
export const ITERATIONS = 5200;
const FINGERPRINT_LENGTH = 32;
const CHUNKS = 6;
const CHUNK_LENGTH = 5;

/** Version 1 of the code: this, and both fingerprints in upper-case hex. All of it is of a QR code's alphanumeric set. */
const CODE = 'HOURGLASS-SAFETY:1:';
const CODE_FORM = /^HOURGLASS-SAFETY:(\d+):(.*)$/;
/** Longer input is not looked at. */
const MAX_CODE = 512;

/** Somebody as a conversation knows them: who they say to be, and the key that signs for it there. */
export type Party = { address: Uint8Array; key: Uint8Array };

export const fingerprint = ({ address, key }: Party): Uint8Array => {
  let hash = sha512(concat(LABEL, address, key));
  for (let i = 0; i < ITERATIONS; i++) hash = sha512(concat(hash, address, key));
  return hash.slice(0, FINGERPRINT_LENGTH);
};

const digitsOf = (print: Uint8Array): string[] =>
  Array.from({ length: CHUNKS }, (_, chunk) => {
    const bytes = print.subarray(chunk * CHUNK_LENGTH, (chunk + 1) * CHUNK_LENGTH);
    return String(bytes.reduce((sum, byte) => sum * 256 + byte, 0) % 100_000).padStart(5, '0');
  });

const inOrder = (a: Party, b: Party): Uint8Array[] =>
  [fingerprint(a), fingerprint(b)].sort((x, y) => (hex(x) < hex(y) ? -1 : 1));

/** 12 groups of five digits with spaces between them, and the text of the QR code. The same for both sides. */
export const safetyNumber = (a: Party, b: Party): { digits: string; code: string } => {
  const prints = inOrder(a, b);
  return { digits: prints.flatMap(digitsOf).join(' '), code: CODE + hex(concat(...prints)).toUpperCase() };
};

/** Whether the text of a scanned code is that of these two. Throws `malformed` for what is none, `bad-version` for one of another version. */
export const matchesCode = (a: Party, b: Party, scanned: string): boolean => {
  const [, version, prints = ''] = CODE_FORM.exec(scanned.slice(0, MAX_CODE).trim().toUpperCase()) ?? [];
  if (version === undefined) throw new RemoteError('malformed', 'this is no safety code');
  if (version !== '1') throw new RemoteError('bad-version', 'the code is of another version of Hourglass');
  return equal(unhex(prints.toLowerCase()), concat(...inOrder(a, b)));
};
