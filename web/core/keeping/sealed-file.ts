import { concat, equal, text } from '#shared/bytes/bytes.ts';
import { AEAD_TAG_LENGTH, counterNonce, open, seal } from '#shared/crypto/aead.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { LocalError } from '#shared/errors.ts';
import { CHECK_LENGTH, checkOf, sealingKey } from '#web/core/keeping/phrase.ts';

/**
 * A backup as a file:
 *
 *     header = magic "HGBACKUP" (8) ‖ version (1) ‖ salt (16) ‖ check (16) ‖ sum (8)
 *     file   = header ‖ pieces, each ChaCha20-Poly1305(key, nonce = place ‖ last, AD = header) of 65,536 bytes, the last shorter or not
 *
 * `key` and `check` come of the recovery phrase and the salt; `sum` begins SHA-256 of what stands before it, so that a damaged
 * header and wrong words are told apart. A nonce is 12 bytes: 2 × place, and 1 more for the last piece.
 */
const MAGIC = text('HGBACKUP');
const VERSION = 1;
const SALT_LENGTH = 16;
const SUM_LENGTH = 8;
const HEADER_LENGTH = MAGIC.length + 1 + SALT_LENGTH + CHECK_LENGTH + SUM_LENGTH;

const PIECE_LENGTH = 65_536;
const ROOM = PIECE_LENGTH - AEAD_TAG_LENGTH;

/** No larger file is made or read. */
export const MAX_BACKUP_BYTES = 128 << 20;

/** How many bytes of contents make a file of `length` bytes at the most. */
export const contentsRoom = (length: number): number =>
  length - HEADER_LENGTH - Math.ceil((length - HEADER_LENGTH) / PIECE_LENGTH) * AEAD_TAG_LENGTH;

const nonceOf = (place: number, last: boolean): Uint8Array => counterNonce(2 * place + (last ? 1 : 0));

const withSum = (start: Uint8Array): Uint8Array => concat(start, sha256(start).slice(0, SUM_LENGTH));

/** Throws LocalError `oversized`. */
export const sealFile = (rng: Rng, entropy: Uint8Array, contents: Uint8Array): Uint8Array => {
  if (contents.length > contentsRoom(MAX_BACKUP_BYTES))
    throw new LocalError('oversized', 'there is more to keep than a backup holds');
  const salt = rng(SALT_LENGTH);
  const header = withSum(concat(MAGIC, Uint8Array.of(VERSION), salt, checkOf(entropy, salt)));
  const key = sealingKey(entropy, salt);
  const pieces: Uint8Array[] = [];
  const count = Math.max(1, Math.ceil(contents.length / ROOM));
  for (let place = 0; place < count; place++) {
    const plain = contents.subarray(place * ROOM, (place + 1) * ROOM);
    pieces.push(seal(key, nonceOf(place, place === count - 1), plain, header));
  }
  return concat(header, ...pieces);
};

/** The contents. Throws LocalError: `bad-backup`, `bad-version`, `bad-phrase`, `oversized`. */
export const openFile = (entropy: Uint8Array, file: Uint8Array): Uint8Array => {
  const { header, salt } = readHeader(entropy, file);
  const key = sealingKey(entropy, salt);
  const body = file.subarray(HEADER_LENGTH);
  const count = Math.max(1, Math.ceil(body.length / PIECE_LENGTH));
  const pieces: Uint8Array[] = [];
  try {
    for (let place = 0; place < count; place++) {
      const sealed = body.subarray(place * PIECE_LENGTH, (place + 1) * PIECE_LENGTH);
      pieces.push(open(key, nonceOf(place, place === count - 1), sealed, header));
    }
  } catch {
    throw damaged();
  }
  return concat(...pieces);
};

const damaged = (): LocalError =>
  new LocalError('bad-backup', 'it is damaged or not whole: fetch it again, or take another copy');

const readHeader = (entropy: Uint8Array, file: Uint8Array): { header: Uint8Array; salt: Uint8Array } => {
  if (file.length > MAX_BACKUP_BYTES) throw new LocalError('oversized', 'this is no backup: it is too large');
  if (!equal(file.subarray(0, MAGIC.length), MAGIC))
    throw new LocalError('bad-backup', 'this is no backup of Hourglass: choose another file');
  const version = file[MAGIC.length];
  if (version === undefined) throw damaged();
  if (version !== VERSION)
    throw new LocalError('bad-version', 'the backup is of another version: open it with a newer Hourglass');
  const header = file.slice(0, HEADER_LENGTH);
  if (!equal(withSum(header.subarray(0, HEADER_LENGTH - SUM_LENGTH)), header)) throw damaged();
  const salt = header.slice(MAGIC.length + 1, MAGIC.length + 1 + SALT_LENGTH);
  const check = header.subarray(HEADER_LENGTH - SUM_LENGTH - CHECK_LENGTH, HEADER_LENGTH - SUM_LENGTH);
  if (!equal(checkOf(entropy, salt), check))
    throw new LocalError('bad-phrase', 'these words do not open this backup: take those that belong to it');
  return { header, salt };
};
