import { hex } from '#shared/bytes/bytes.ts';
import {
  bool,
  choice,
  decode,
  encode,
  fixed,
  mapped,
  optional,
  struct,
  text,
  u64,
  u8,
  type Value,
} from '#shared/bytes/codec.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { FileView } from '#web/api.ts';
import { CHUNK_LENGTH, fileOfferCodec, MESSAGE_ID_LENGTH } from '#web/core/conversation/content.ts';
import { GROUP_ID_LENGTH } from '#web/core/conversation/mls.ts';
import type { Change } from '#web/core/store/ports.ts';

/**
 * What is kept of a file: one record in `files` under its id in hex, and in `chunks` its bytes, a record each step under
 * `id/offset`. The id is its sender's choice, so the first file of an id is the one that has it.
 */
const VERSION = 1;

/** Up to here a file goes in the conversation's stream, and so through the mailbox too. */
export const SMALL = 65_536;
/** Bytes of a larger one in one record, and between two acknowledgements. */
export const PIECE_LENGTH = 65_536;
/** The largest file: 100 MiB. */
export const MAX_FILE = 104_857_600;
/** Bytes of one file that may be on their way, so that texts behind them wait a moment only. */
export const FILE_WINDOW = 262_144;
/** Larger files of one contact that move at once, each way. */
export const MOST_MOVING = 4;
/** Small files of one contact of which parts are missing; they come one after another, so an honest one has few. */
export const MOST_PARTIAL = 8;

const version = mapped(
  u8,
  (read) => {
    if (read !== VERSION) throw new RemoteError('bad-version');
    return read;
  },
  () => VERSION,
);

/** `making`: its content is being stored, and it was not offered yet. `moving`: wanted, and not all there. */
const state = choice(['making', 'offered', 'moving', 'done', 'cancelled', 'failed']);

export const fileCodec = struct({
  version,
  conversation: text(64),
  message: fixed(MESSAGE_ID_LENGTH),
  mine: bool,
  offer: fileOfferCodec,
  state,
  /** Bytes that the receiver has said they keep, or that are kept here. */
  done: u64,
  reason: optional(text(64)),
});
export type FileRecord = Value<typeof fileCodec>;

export const newRecord = (fields: Omit<FileRecord, 'version' | 'done' | 'reason'>): FileRecord => ({
  ...fields,
  version: VERSION,
  done: 0,
  reason: undefined,
});

export const idOf = ({ offer }: FileRecord): string => hex(offer.file);

/** A group's id has 32 characters, a contact's 64. */
export const isOfGroup = ({ conversation }: Pick<FileRecord, 'conversation'>): boolean =>
  conversation.length === 2 * GROUP_ID_LENGTH;

export const isSmall = ({ offer }: FileRecord): boolean => offer.size <= SMALL;

/** Neither end of it is in sight, nor was it ended. */
export const isOpen = ({ state: now }: FileRecord): boolean => now === 'offered' || now === 'moving';

/** Bytes of a file in one record of `chunks`. */
export const stepOf = (size: number): number => (size <= SMALL ? CHUNK_LENGTH : PIECE_LENGTH);

export const pieceKey = (id: string, offset: number): string => `${id}/${String(offset)}`;

export const storedFile = (record: FileRecord): Change => ({
  table: 'files',
  key: idOf(record),
  value: encode(fileCodec, record),
});

/** Throws LocalError `storage`. */
export const readRecord = (stored: Uint8Array): FileRecord => {
  try {
    return decode(fileCodec, stored);
  } catch (error) {
    throw new LocalError('storage', `a stored file does not parse: ${String(error)}`);
  }
};

/** Nothing of its bytes is left. */
export const erasedPieces = (record: FileRecord): Change[] => {
  const { size } = record.offer;
  const step = stepOf(size);
  // One that claims to be larger never had any.
  if (size > MAX_FILE) return [];
  return Array.from({ length: Math.ceil(size / step) }, (_, at) => ({
    table: 'chunks',
    key: pieceKey(idOf(record), at * step),
    value: undefined,
  }));
};

export const erasedFile = (record: FileRecord): Change[] => [
  { table: 'files', key: idOf(record), value: undefined },
  ...erasedPieces(record),
];

/** What would lead out of a folder, or make a name look like another. */
// eslint-disable-next-line no-control-regex
const UNFIT = /[/\\\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** `live`: a channel to the other side is open. */
export const fileView = (record: FileRecord, live: boolean): FileView => {
  const { offer, state: now, done, reason } = record;
  const { name, type, size, preview, voice } = offer;
  return {
    ...{ id: idOf(record), message: hex(record.message), conversation: record.conversation },
    ...{ name: name.replace(UNFIT, '_'), type, size, done, reason: reason ?? null },
    preview: preview.length > 0 ? preview : null,
    voice: voice ? { durationMs: voice.durationMs, peaks: [...voice.peaks] } : null,
    state: now === 'making' ? 'offered' : now === 'moving' && !live && !isSmall(record) ? 'paused' : now,
  };
};
