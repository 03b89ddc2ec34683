import {
  bool,
  bytes,
  choice,
  decode,
  encode,
  list,
  struct,
  text,
  u32,
  u64,
  type Value,
} from '#shared/bytes/codec.ts';
import { versioned } from '#shared/bytes/fields.ts';
import { LocalError } from '#shared/errors.ts';
import type { BackupContents } from '#web/api.ts';
import { MAX_NAME } from '#web/core/conversation/content.ts';
import type { Table } from '#web/core/store/ports.ts';

/** The tables of which a backup has records, in the order in which they are put. */
export const keptTables = [
  'identity',
  'settings',
  'contacts',
  'conversations',
  'groups',
  'mailboxes',
  'tombstones',
  'drafts',
  'messages',
  'outbox',
  'files',
  'chunks',
] as const satisfies Table[];

const MAX_KEY = 1024;
const MAX_VALUE = 1 << 22;
const MAX_ENTRIES = 1 << 22;

/** A record of the store as a restored profile is to have it. */
const entryCodec = struct({ table: choice(keptTables), key: text(MAX_KEY), value: bytes(MAX_VALUE) });
export type Entry = Value<typeof entryCodec>;

/**
 * What a backup holds, sealed:
 *
 *     version (1) ‖ made at, ms (8) ‖ name (2 + n) ‖ contacts (4) ‖ groups (4) ‖ messages (4) ‖ copied (1) ‖ life (8) ‖ count (4)
 *     ‖ entries
 *     entry = table (1: its place in the list above) ‖ key (2 + n) ‖ value (4 + n)
 *
 * `copied`: the profile keeps a copy at the directory. `life`: which life of the address it is (life.ts).
 */
const contentsCodec = versioned(
  1,
  struct({
    madeAt: u64,
    name: text(MAX_NAME),
    contacts: u32,
    groups: u32,
    messages: u32,
    copied: bool,
    life: u64,
    entries: list(entryCodec, MAX_ENTRIES),
  }),
);
export type Contents = Value<typeof contentsCodec>;

/** Bytes of an entry beside those of its key and value. */
export const ENTRY_OVERHEAD = 1 + 2 + 4;
/** Bytes of contents without entries, at the most. */
export const HEAD_BYTES = 1 + 8 + 2 + MAX_NAME + 3 * 4 + 1 + 8 + 4;

export const encodeContents = (contents: Contents): Uint8Array => encode(contentsCodec, contents);

/** Throws LocalError `bad-backup`: it was sealed by the right phrase, but by no Hourglass that is known here. */
export const decodeContents = (plain: Uint8Array): Contents => {
  try {
    return decode(contentsCodec, plain);
  } catch {
    throw new LocalError('bad-backup', 'it opens, but what is in it does not parse: use a newer Hourglass');
  }
};

export const told = ({ madeAt, name, contacts, groups, messages }: Contents): BackupContents => ({
  ...{ madeAt, name, contacts, groups, messages },
});
