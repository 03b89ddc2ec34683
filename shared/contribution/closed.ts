import { struct, type Value } from '../bytes/codec.ts';
import { entryList } from './entries.ts';
import { field, FIELD_LENGTH } from './field.ts';

/** An epoch whose scores are fixed, as the archive holds it: root of the tree (32) ‖ the tree's entries (entries.ts). */
export const closedEpochCodec = struct({ root: field, entries: entryList });
export type ClosedEpoch = Value<typeof closedEpochCodec>;

/** Where the root stands by itself, for whoever needs no more. */
export const CLOSED_ROOT_LENGTH = FIELD_LENGTH;
