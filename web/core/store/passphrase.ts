import { concat, text } from '#shared/bytes/bytes.ts';
import { decode, encode, fixed, struct, u32, type Value } from '#shared/bytes/codec.ts';
import { versioned } from '#shared/bytes/fields.ts';
import { AEAD_NONCE_LENGTH, AEAD_TAG_LENGTH, open, seal } from '#shared/crypto/aead.ts';
import { LocalError } from '#shared/errors.ts';

/** A data key behind a passphrase. */

const VERSION = 1;
export const DATA_KEY_LENGTH = 32;
const SALT_LENGTH = 16;

/** Of Argon2id (RFC 9106): memory in KiB, and passes over it. Section 4's second choice, but in one lane: a worker has no more. */
export type Cost = { memoryKib: number; passes: number };
export const COST: Cost = { memoryKib: 65_536, passes: 3 };
/** What a record may ask for, so that a damaged one ends in an answer. */
const MOST: Cost = { memoryKib: 1 << 20, passes: 64 };

/** In characters. */
export const LEAST_PASSPHRASE = 8;
const MAX_PASSPHRASE_BYTES = 1024;

const costCodec = struct({ memoryKib: u32, passes: u32, salt: fixed(SALT_LENGTH) });
type Costly = Value<typeof costCodec>;

/**
 *     version (1) ‖ memory, KiB (4) ‖ passes (4) ‖ salt (16) ‖ nonce (12) ‖ ChaCha20-Poly1305(key, nonce, data key) (48)
 *
 * over the fields before the nonce; `key` = Argon2id(passphrase in NFKC, salt), 32 bytes.
 */
const wrappedCodec = versioned(
  VERSION,
  struct({
    cost: costCodec,
    nonce: fixed(AEAD_NONCE_LENGTH),
    sealed: fixed(DATA_KEY_LENGTH + AEAD_TAG_LENGTH),
  }),
);

const bytesOf = (passphrase: string): Uint8Array => text(passphrase.normalize('NFKC'));

/** Throws LocalError `bad-passphrase` for one that is too short or too long to be chosen. */
export const checkPassphrase = (passphrase: string): void => {
  if ([...passphrase].length < LEAST_PASSPHRASE)
    throw new LocalError('bad-passphrase', `choose at least ${String(LEAST_PASSPHRASE)} characters`);
  if (bytesOf(passphrase).length > MAX_PASSPHRASE_BYTES)
    throw new LocalError('bad-passphrase', 'choose a shorter one');
};

/** Loaded when it is needed: few profiles have a passphrase. */
const stretch = async (passphrase: string, { memoryKib, passes, salt }: Costly): Promise<Uint8Array> => {
  const { argon2id } = await import('hash-wasm');
  return argon2id({
    password: bytesOf(passphrase),
    salt,
    parallelism: 1,
    memorySize: memoryKib,
    iterations: passes,
    hashLength: DATA_KEY_LENGTH,
    outputType: 'binary',
  });
};

const over = (cost: Costly): Uint8Array => concat(Uint8Array.of(VERSION), encode(costCodec, cost));

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** `least` is lower in tests alone. */
export const wrap = async (dataKey: Uint8Array, passphrase: string, least = COST): Promise<Uint8Array> => {
  const cost = { ...least, salt: random(SALT_LENGTH) };
  const nonce = random(AEAD_NONCE_LENGTH);
  const sealed = seal(await stretch(passphrase, cost), nonce, dataKey, over(cost));
  return encode(wrappedCodec, { cost, nonce, sealed });
};

/** The data key. Throws LocalError `bad-passphrase`, after the same work whatever was given, or `storage`. */
export const unwrap = async (wrapped: Uint8Array, passphrase: string): Promise<Uint8Array> => {
  const { cost, nonce, sealed } = read(wrapped);
  if (bytesOf(passphrase).length > MAX_PASSPHRASE_BYTES) throw wrong();
  const key = await stretch(passphrase, cost);
  try {
    return open(key, nonce, sealed, over(cost));
  } catch {
    throw wrong();
  }
};

const wrong = (): LocalError => new LocalError('bad-passphrase', 'that is not the passphrase: try again');

const read = (wrapped: Uint8Array): Value<typeof wrappedCodec> => {
  try {
    const record = decode(wrappedCodec, wrapped);
    const { memoryKib, passes } = record.cost;
    if (memoryKib < 8 || memoryKib > MOST.memoryKib || passes < 1 || passes > MOST.passes)
      throw new LocalError('storage');
    return record;
  } catch {
    throw new LocalError('storage', 'the lock of this profile does not parse');
  }
};
