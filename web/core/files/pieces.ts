import { equal } from '#shared/bytes/bytes.ts';
import { sha256OfParts } from '#shared/crypto/kdf.ts';
import { LocalError } from '#shared/errors.ts';
import { idOf, pieceKey, stepOf, type FileRecord } from '#web/core/files/records.ts';
import type { Store } from '#web/core/store/ports.ts';

/** The bytes of files in the store. No more of a file than one piece is held at a time. */

/** Stores a content; returns its SHA-256. Rejects with LocalError `storage`. */
export const keepContent = async (store: Store, id: string, content: Blob): Promise<Uint8Array> => {
  const hash = sha256OfParts();
  const step = stepOf(content.size);
  for (let offset = 0; offset < content.size; offset += step) {
    const value = new Uint8Array(await content.slice(offset, offset + step).arrayBuffer());
    hash.update(value);
    await store.write([{ table: 'chunks', key: pieceKey(id, offset), value }]);
  }
  return hash.digest();
};

/** Its pieces in order. Throws LocalError `not-found` where one is missing. */
export async function* piecesOf(store: Store, record: FileRecord): AsyncGenerator<Uint8Array> {
  const { size } = record.offer;
  for (let offset = 0; offset < size; offset += stepOf(size)) {
    const piece = await store.get('chunks', pieceKey(idOf(record), offset));
    if (!piece) throw new LocalError('not-found', 'a part of this file is not here');
    yield piece;
  }
}

/** Whether what is kept is what was offered. */
export const isWhole = async (store: Store, record: FileRecord): Promise<boolean> => {
  const hash = sha256OfParts();
  for await (const piece of piecesOf(store, record)) hash.update(piece);
  return equal(hash.digest(), record.offer.hash);
};

/** What a page may show without running anything that is in it. */
const SHOWN =
  /^(image\/(png|jpeg|gif|webp|avif|bmp)|audio\/(webm|ogg|mpeg|mp4|wav|aac|flac)|video\/(webm|mp4|ogg)|text\/plain)(;|$)/;

/** The whole of a file. Its type is its sender's where a page can do no harm by it. Throws LocalError `not-found`. */
export const contentOf = async (store: Store, record: FileRecord): Promise<Blob> => {
  const parts: Blob[] = [];
  // A blob each, since a browser need not hold those in memory.
  for await (const piece of piecesOf(store, record)) parts.push(new Blob([piece as Uint8Array<ArrayBuffer>]));
  const { type } = record.offer;
  return new Blob(parts, { type: SHOWN.test(type) ? type : 'application/octet-stream' });
};
