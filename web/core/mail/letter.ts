import { text } from '#shared/bytes/bytes.ts';
import { bytes, encode, list, struct, u64, type Value } from '#shared/bytes/codec.ts';
import { versioned } from '#shared/bytes/fields.ts';
import { Reader } from '#shared/bytes/reader.ts';
import { hpkeOpen, hpkeSeal, HPKE_OVERHEAD, type HpkeBinding } from '#shared/crypto/hpke.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { BLOB_SIZES } from '#shared/directory/blobs.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { Mailbox } from '#shared/rendezvous/contact.ts';

/** A welcome or an item is longer than this only by its sender's fault. */
const MAX_FRAME = 33_024;
/** Frames of one letter. */
export const MOST_FRAMES = 255;
const LABEL = text('hourglass letter 1');

/**
 * What is left in a mailbox: frames of one conversation (`conversation/frames.ts`), in the order in which they are to be taken.
 *
 *     blob   = HPKE( letter ‖ zeros ), of 4,096, 16,384 or 65,536 bytes (`shared/crypto/hpke.ts`)
 *     letter = version (1) ‖ time, ms (8) ‖ count (2) ‖ frames: length (2) ‖ frame
 *
 * HPKE's info is the label, its associated data the mailbox's id (32). `time` is when the sender sealed it.
 */
const letterCodec = versioned(1, struct({ time: u64, frames: list(bytes(MAX_FRAME), MOST_FRAMES) }));
export type Letter = Value<typeof letterCodec>;

const HEAD = 1 + 8 + 2;
const FRAME_HEAD = 2;
const roomOf = (size: number): number => size - HPKE_OVERHEAD;
const LARGEST = roomOf(BLOB_SIZES[2]) - HEAD;

const binding = (mailbox: Uint8Array): HpkeBinding => ({ info: LABEL, ad: mailbox });

/** As few letters as hold all of it in order. Throws LocalError `too-long` for a frame that none can hold. */
export const inLetters = <T extends { frame: Uint8Array }>(parts: readonly T[]): T[][] => {
  const letters: T[][] = [];
  let room = 0;
  for (const part of parts) {
    const length = FRAME_HEAD + part.frame.length;
    if (part.frame.length > MAX_FRAME) throw new LocalError('too-long', 'a frame that no letter can hold');
    const last = letters.at(-1);
    if (last && length <= room && last.length < MOST_FRAMES) last.push(part);
    else {
      letters.push([part]);
      room = LARGEST;
    }
    room -= length;
  }
  return letters;
};

/** A blob of the smallest size that holds it. Throws `bad-key`, and LocalError `too-long`. */
export const sealLetter = (rng: Rng, { mailbox, key }: Mailbox, letter: Letter): Uint8Array => {
  const content = encode(letterCodec, letter);
  const size = BLOB_SIZES.find((each) => content.length <= roomOf(each));
  if (size === undefined) throw new LocalError('too-long', 'more than a letter holds');
  const padded = new Uint8Array(roomOf(size));
  padded.set(content);
  return hpkeSeal(rng, key, padded, binding(mailbox));
};

/** For the mailbox's owner. Throws RemoteError: `bad-layer`, `bad-version`, `malformed`, `oversized`. */
export const openLetter = (secret: Uint8Array, mailbox: Uint8Array, blob: Uint8Array): Letter => {
  const reader = new Reader(hpkeOpen(secret, blob, binding(mailbox)));
  const letter = letterCodec.read(reader);
  if (reader.rest().some((byte) => byte !== 0))
    throw new RemoteError('malformed', 'padding that is not zero');
  return letter;
};
