import type { Rng } from '#shared/crypto/rng.ts';
import { AEAD_KEY_LENGTH } from '#shared/crypto/aead.ts';
import { text } from '#shared/bytes/bytes.ts';
import { LocalError } from '#shared/errors.ts';
import type { FileAbout } from '#web/api.ts';
import {
  CHUNK_LENGTH,
  FILE_ID_LENGTH,
  MAX_FILE_NAME,
  MAX_FILE_TYPE,
  MAX_PEAKS,
  MAX_PREVIEW,
  MESSAGE_ID_LENGTH,
  type ContentOf,
} from '#web/core/conversation/content.ts';
import { keepContent } from '#web/core/files/pieces.ts';
import {
  erasedFile,
  idOf,
  isSmall,
  MAX_FILE,
  newRecord,
  storedFile,
  type FileRecord,
} from '#web/core/files/records.ts';
import type { Store } from '#web/core/store/ports.ts';

/** How an own file comes to be offered. */

type From = { store: Store; rng: Rng; conversation: string };

/**
 * Stores the content, and what is to be said of it. Should this end half-way, the record that stands as `making` tells what is
 * to be erased. Rejects with LocalError `too-long` or `storage`.
 */
export const prepare = async (
  { store, rng, conversation }: From,
  content: Blob,
  about: FileAbout,
): Promise<FileRecord> => {
  checkAbout(content, about);
  const { name, type, preview, voice } = about;
  const record = newRecord({
    ...{ conversation, mine: true, state: 'making', message: rng(MESSAGE_ID_LENGTH) },
    offer: {
      ...{ file: rng(FILE_ID_LENGTH), name, type, size: content.size },
      ...{ hash: new Uint8Array(32), key: rng(AEAD_KEY_LENGTH), preview: preview ?? new Uint8Array(0) },
      voice: voice ? { durationMs: voice.durationMs, peaks: Uint8Array.from(voice.peaks) } : undefined,
    },
  });
  await store.write([storedFile(record)]);
  try {
    const hash = await keepContent(store, idOf(record), content);
    return { ...record, offer: { ...record.offer, hash }, state: isSmall(record) ? 'moving' : 'offered' };
  } catch (error) {
    await store.write(erasedFile(record)).catch(() => undefined);
    throw error;
  }
};

/** A small file's bytes, as they go in the conversation's stream. */
export const chunksOf = async (record: FileRecord, content: Blob): Promise<ContentOf<'file-chunk'>[]> => {
  const whole = new Uint8Array(await content.arrayBuffer());
  const { file } = record.offer;
  return Array.from({ length: Math.ceil(whole.length / CHUNK_LENGTH) }, (_, at) => {
    const offset = at * CHUNK_LENGTH;
    return { type: 'file-chunk', file, offset, data: whole.subarray(offset, offset + CHUNK_LENGTH) };
  });
};

/** Throws LocalError `too-long`. */
const checkAbout = ({ size }: Blob, { name, type, preview, voice }: FileAbout): void => {
  const within = (length: number, most: number, what: string): void => {
    if (length > most) throw new LocalError('too-long', what);
  };
  within(size, MAX_FILE, 'a file may have 100 MB at the most');
  within(text(name).length, MAX_FILE_NAME, `a name may have ${String(MAX_FILE_NAME)} bytes at the most`);
  within(text(type).length, MAX_FILE_TYPE, `a type may have ${String(MAX_FILE_TYPE)} bytes at the most`);
  within(preview?.length ?? 0, MAX_PREVIEW, `a preview may have ${String(MAX_PREVIEW)} bytes at the most`);
  within(voice?.peaks.length ?? 0, MAX_PEAKS, `at most ${String(MAX_PEAKS)} parts of a voice note are shown`);
};
