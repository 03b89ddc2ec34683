import { text } from '../bytes/bytes.ts';
import {
  bytes,
  encode,
  mapped,
  struct,
  text as textCodec,
  u64,
  u8,
  type Codec,
  type Value,
} from '../bytes/codec.ts';
import { keyCodec, signatureCodec } from '../bytes/fields.ts';
import { sha256 } from '../crypto/kdf.ts';
import { SIGN_PUBLIC_LENGTH, sign, SIGNATURE_LENGTH, verify, type SignKeypair } from '../crypto/sign.ts';
import { LocalError, RemoteError } from '../errors.ts';
import type { Millis } from '../units.ts';
import { erasableBlobCodec, MAX_BLOB_BYTES } from './blobs.ts';

const NAMED = text('hourglass record id 1');
const RECORD = 'hourglass record 1';
const HANDLE = 'hourglass handle 1';

/**
 * One sealed record in one of its owner's 256 slots:
 *
 *     owner key (32) ‖ slot (1) ‖ revision (8) ‖ blob ‖ signature (64), over slot ‖ revision ‖ SHA-256(blob)
 *
 * A blob of nothing erases what stood in the slot.
 */
export const recordCodec = struct({
  key: keyCodec,
  slot: u8,
  revision: u64,
  blob: erasableBlobCodec,
  signature: signatureCodec,
});
export type SignedRecord = Value<typeof recordCodec>;

export const MAX_RECORD_BYTES = SIGN_PUBLIC_LENGTH + 1 + 8 + MAX_BLOB_BYTES + SIGNATURE_LENGTH;

/** SHA-256( label ‖ owner key ‖ slot (1) ): 32 bytes. */
export const recordId = (key: Uint8Array, slot: number): Uint8Array => sha256(NAMED, key, encode(u8, slot));

type RecordParts = Pick<SignedRecord, 'slot' | 'revision' | 'blob'>;

const recordParts = ({ slot, revision, blob }: RecordParts): Uint8Array[] => [
  encode(u8, slot),
  encode(u64, revision),
  sha256(blob),
];

/** `revision` must be above that of the record that stands in the slot. */
export const signRecord = (owner: SignKeypair, record: RecordParts): SignedRecord => ({
  key: owner.public,
  ...record,
  signature: sign(RECORD, owner.secret, ...recordParts(record)),
});

/** That the owner of `record.key` wrote it; that it is the one asked for, `recordId` tells. */
export const verifyRecord = (record: SignedRecord): boolean =>
  verify(RECORD, record.key, record.signature, ...recordParts(record));

const MAX_HANDLE_LENGTH = 32;
const HANDLE_FORM = /^[a-z][a-z0-9_.-]{2,31}$/;
export const MAX_HANDLE_CONTENT = 1024;
/** A handle is its owner's for this long after its last renewal, and then anybody's. */
export const HANDLE_LIFE_MS: Millis = 30 * 24 * 3_600_000;

export const isHandle = (name: string): boolean => HANDLE_FORM.test(name);

/** 3 to 32 characters out of a-z 0-9 _ . - of which the first is a letter, behind their length (2). */
export const handleNameCodec: Codec<string> = mapped(
  textCodec(MAX_HANDLE_LENGTH),
  (name) => {
    if (!isHandle(name)) throw new RemoteError('malformed', 'not a handle');
    return name;
  },
  (name) => {
    if (!isHandle(name)) throw new LocalError('malformed', 'not a handle');
    return name;
  },
);

/**
 * A name, and what it leads to:
 *
 *     name (length-prefixed, 2) ‖ owner key (32) ‖ revision (8) ‖ content (length-prefixed, 2)
 *     ‖ signature (64), over name ‖ revision ‖ content
 *
 * The revision is the time in ms at which the owner took or renewed it.
 */
export const handleCodec = struct({
  name: handleNameCodec,
  key: keyCodec,
  revision: u64,
  content: bytes(MAX_HANDLE_CONTENT),
  signature: signatureCodec,
});
export type SignedHandle = Value<typeof handleCodec>;

type HandleParts = Pick<SignedHandle, 'name' | 'revision' | 'content'>;

const handleParts = ({ name, revision, content }: HandleParts): Uint8Array[] => [
  text(name),
  encode(u64, revision),
  content,
];

/** `revision`: the time, in ms. */
export const signHandle = (owner: SignKeypair, handle: HandleParts): SignedHandle => ({
  key: owner.public,
  ...handle,
  signature: sign(HANDLE, owner.secret, ...handleParts(handle)),
});

export const verifyHandle = (handle: SignedHandle): boolean =>
  verify(HANDLE, handle.key, handle.signature, ...handleParts(handle));
