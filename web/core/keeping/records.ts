import {
  bool,
  decode,
  encode,
  fixed,
  optional,
  struct,
  text,
  u32,
  u64,
  type Value,
} from '#shared/bytes/codec.ts';
import { versioned } from '#shared/bytes/fields.ts';
import { LocalError } from '#shared/errors.ts';
import { ENTROPY_LENGTH } from '#web/core/keeping/phrase.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

/** What the table `keeping` holds, under these keys. */
const codecs = {
  /** The recovery phrase, and whether the user says that it is written down. */
  phrase: versioned(1, struct({ entropy: fixed(ENTROPY_LENGTH), kept: bool })),
  /** Which life of the address this is, whether the directory knows, and whether a later one took over. */
  life: versioned(1, struct({ life: u64, told: bool, moved: bool })),
  /**
   * The copy at the directory: whether there is to be one; when it was last made, ms, and its bytes; whether something changed
   * since; whether one is still to be erased; and the code of why the last try failed.
   */
  copy: versioned(
    1,
    struct({
      on: bool,
      at: optional(u64),
      bytes: u32,
      changed: bool,
      erasing: bool,
      error: optional(text(64)),
    }),
  ),
};
type Records = { [K in keyof typeof codecs]: Value<(typeof codecs)[K]> };
export type PhraseRecord = Records['phrase'];
export type LifeRecord = Records['life'];
export type CopyRecord = Records['copy'];

/** Rejects with LocalError `storage`. */
export const load = async <K extends keyof Records>(
  store: Store,
  key: K,
): Promise<Records[K] | undefined> => {
  const stored = await store.get('keeping', key);
  try {
    return stored && (decode<unknown>(codecs[key], stored) as Records[K]);
  } catch {
    throw new LocalError('storage', 'a stored record of keeping does not parse');
  }
};

export const kept = <K extends keyof Records>(key: K, record: Records[K]): Change => ({
  table: 'keeping',
  key,
  value: (encode as (codec: unknown, value: unknown) => Uint8Array)(codecs[key], record),
});

const ERASING = 'erasing';

/** From here on everything of the profile is to go, also where the tab ends before that is done. */
export const erasing: Change = { table: 'keeping', key: ERASING, value: new Uint8Array(0) };

export const isErasing = async (store: Store): Promise<boolean> =>
  (await store.get('keeping', ERASING)) !== undefined;
