import { hex, text } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import type { Millis } from '#shared/units.ts';
import {
  decodeEntry,
  decodeMessage,
  encodeEntry,
  unsealed,
  type Message,
} from '#web/core/conversation/records.ts';
import { staleConversation } from '#web/core/conversation/reestablish.ts';
import { fileCodec, idOf, pieceKey, readRecord, stepOf, type FileRecord } from '#web/core/files/records.ts';
import { encodeRecord, groupCodec, withoutKeys } from '#web/core/groups/records.ts';
import { ENTRY_OVERHEAD, HEAD_BYTES, type Contents, type Entry } from '#web/core/keeping/contents.ts';
import type { Store, Table } from '#web/core/store/ports.ts';

/** Of files, those up to here come with a backup, the newest first, and so many bytes of them in all. */
export const MAX_FILE_BYTES = 1 << 20;
export const MAX_FILES_BYTES = 32 << 20;

/** Of `identity`: the node is another one in another browser. */
const NODE = 'session';

export type Gathered = {
  contents: Contents;
  /** Not everything had room. */
  partial: boolean;
};

type About = {
  now: Millis;
  name: string;
  copied: boolean;
  life: number;
  /** Bytes of the contents, at the most. */ room: number;
};

const bytesOf = ({ key, value }: Entry): number => ENTRY_OVERHEAD + text(key).length + value.length;

/** Entries, as long as there is room. */
class Basket {
  readonly entries: Entry[] = [];
  partial = false;
  #room: number;

  constructor(room: number) {
    this.#room = room - HEAD_BYTES;
  }

  /** All of them or none. */
  put(...entries: Entry[]): boolean {
    const bytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
    if (bytes > this.#room) {
      this.partial = true;
      return false;
    }
    this.#room -= bytes;
    this.entries.push(...entries);
    return true;
  }
}

/**
 * What a restored profile is to have: who the user is, contacts, groups, messages that are neither deleted nor over, what marks
 * those that are gone, small files. Conversations come without what was sealed and not acknowledged, and as ones whose
 * group is to begin anew: a ratchet that is set back would seal two messages by one key. Rejects with LocalError `storage`.
 */
export const gather = async (store: Store, { now, name, copied, life, room }: About): Promise<Gathered> => {
  const basket = new Basket(room);
  const all = async (table: Entry['table']): Promise<Entry[]> =>
    (await store.all(table)).map(([key, value]) => ({ table, key, value }));
  const identity = (await all('identity')).filter(({ key }) => key !== NODE);
  const conversations = (await all('conversations')).map(staled);
  const groups = (await all('groups')).flatMap(outside);
  const plain = ['settings', 'contacts', 'mailboxes', 'tombstones', 'drafts'] as const;
  const whole = await Promise.all(plain.map(all));
  for (const entry of [...identity, ...conversations, ...groups, ...whole.flat()]) basket.put(entry);
  const messages = newestFirst(await all('messages'), now).filter(({ entry }) => basket.put(entry));
  const kept = new Set(messages.map(({ message }) => hex(message.id)));
  for (const entry of (await all('outbox')).flatMap(waiting)) basket.put(entry);
  const files = messages.flatMap(({ message }) => (message.file ? [hex(message.file)] : []));
  await putFiles(store, basket, files, kept);
  const counts = { contacts: conversations.length, groups: groups.length, messages: messages.length };
  return {
    contents: { madeAt: now, name, copied, life, ...counts, entries: basket.entries },
    partial: basket.partial,
  };
};

const staled = (entry: Entry): Entry => ({ ...entry, value: staleConversation(entry.value) });

/** A group that can be read, and that members put this user into again; what it sealed with stays out of the backup. */
const outside = (entry: Entry): Entry[] => {
  if (entry.key.includes('/')) return [];
  return [{ ...entry, value: encodeRecord(withoutKeys(decode(groupCodec, entry.value))) }];
};

/** What waits to be sent is sealed anew, if its content is known still. */
const waiting = (entry: Entry): Entry[] =>
  unsealed([decodeEntry(entry.value)]).map((each) => ({ ...entry, value: encodeEntry(each) }));

export const isOver = ({ deleted, expires }: Message, now: Millis): boolean =>
  deleted || (expires !== undefined && expires <= now);

const newestFirst = (entries: Entry[], now: Millis): { entry: Entry; message: Message }[] =>
  entries
    .map((entry) => ({ entry, message: decodeMessage(entry.value) }))
    .filter(({ message }) => !isOver(message, now))
    .sort((a, b) => b.message.sentAt - a.message.sentAt);

/** In the order of `ids`, the bytes of those that are all here; what is not here can be asked for again. */
const putFiles = async (
  store: Store,
  basket: Basket,
  ids: string[],
  messages: ReadonlySet<string>,
): Promise<void> => {
  let left = MAX_FILES_BYTES;
  for (const id of new Set(ids)) {
    const stored = await store.get('files', id);
    const record = stored && readRecord(stored);
    if (!record || !messages.has(hex(record.message))) continue;
    const fits = record.state === 'done' && record.offer.size <= Math.min(MAX_FILE_BYTES, left);
    const pieces = fits ? await piecesOf(store, record) : undefined;
    const entry = (value: FileRecord): Entry => ({
      table: 'files',
      key: id,
      value: encode(fileCodec, value),
    });
    if (pieces && basket.put(entry(record), ...pieces)) left -= record.offer.size;
    else basket.put(entry(without(record)));
  }
};

/** Undefined when one is missing. */
const piecesOf = async (store: Store, record: FileRecord): Promise<Entry[] | undefined> => {
  const { size } = record.offer;
  const table = 'chunks' satisfies Table;
  const pieces: Entry[] = [];
  for (let offset = 0; offset < size; offset += stepOf(size)) {
    const key = pieceKey(idOf(record), offset);
    const value = await store.get(table, key);
    if (!value) return undefined;
    pieces.push({ table, key, value });
  }
  return pieces;
};

/** A file whose bytes are not here. */
const without = (record: FileRecord): FileRecord =>
  record.state === 'cancelled' || record.state === 'failed'
    ? record
    : {
        ...record,
        done: 0,
        ...(record.mine ? { state: 'failed', reason: 'not-found' } : { state: 'offered' }),
      };
