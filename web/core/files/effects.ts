import { CHUNK_LENGTH, type ContentOf, type Envelope } from '#web/core/conversation/content.ts';
import type { Held } from '#web/core/files/held.ts';
import {
  idOf,
  isOfGroup,
  isOpen,
  isSmall,
  MAX_FILE,
  newRecord,
  pieceKey,
  SMALL,
  type FileRecord,
} from '#web/core/files/records.ts';
import type { Change } from '#web/core/store/ports.ts';

/** What a contact's words make of a file. */

/** One that is offered; undefined for what is no offer. `tooMany`: parts of other small ones are missing still. */
export const offered = (
  conversation: string,
  { id: message, content }: Envelope,
  tooMany: boolean,
): FileRecord | undefined => {
  if (content.type !== 'file') return undefined;
  const record = newRecord({ conversation, message, mine: false, offer: content.offer, state: 'offered' });
  const most = isOfGroup(record) ? SMALL : MAX_FILE;
  if (content.offer.size > most) return { ...record, state: 'failed', reason: 'too-long' };
  if (!isSmall(record)) return record;
  return tooMany ? { ...record, state: 'failed', reason: 'too-many' } : { ...record, state: 'moving' };
};

/** Part of a small one, if it has its place in it. */
export const storedChunk = (
  held: Held | undefined,
  { offset, data }: ContentOf<'file-chunk'>,
): readonly Change[] => {
  if (!held) return [];
  const { record } = held;
  const { size } = record.offer;
  const fits =
    offset < size && offset % CHUNK_LENGTH === 0 && data.length === Math.min(CHUNK_LENGTH, size - offset);
  if (record.mine || record.state !== 'moving' || !isSmall(record) || !fits) return [];
  return [{ table: 'chunks', key: pieceKey(idOf(record), offset), value: data }];
};

/** An own one, when the contact wants it. */
export const wanted = (record: FileRecord): FileRecord | undefined =>
  record.mine && record.state === 'offered' ? { ...record, state: 'moving' } : undefined;

/** One that the other side ended: of an own one they have all, though it may have been cancelled by then; or it is cancelled. */
export const endedBy = (record: FileRecord, done: number): FileRecord | undefined => {
  const whole = record.mine && done === record.offer.size;
  if (!isOpen(record) && !(whole && record.state === 'cancelled')) return undefined;
  return whole ? { ...record, state: 'done', done } : { ...record, state: 'cancelled', done: 0 };
};
