import { concat, text } from '../bytes/bytes.ts';
import { fixed, list, struct, type Value } from '../bytes/codec.ts';
import { flags, hashCodec, keyCodec, signatureCodec } from '../bytes/fields.ts';
import { sha256 } from '../crypto/kdf.ts';
import { sign, verify, type SignKeypair } from '../crypto/sign.ts';
import { blobCodec, MAX_BLOB_BYTES } from './blobs.ts';

/** A mailbox belongs to an Ed25519 key and goes by that key's hash; who deposits needs to know no more. */
const NAMED = text('hourglass mailbox id 1');
const COLLECT = 'hourglass collect 1';
const ACKNOWLEDGE = 'hourglass acknowledge 1';

const MAILBOX_ID_LENGTH = 32;
export const MAIL_ID_LENGTH = 16;
/** The most messages in one answer, and the most bytes of their blobs. */
export const MOST_COLLECTED = 4;
export const MOST_COLLECTED_BYTES = 128 * 1024;
/** The most messages that one request acknowledges. */
export const MOST_ACKNOWLEDGED = 64;

const mailIdCodec = fixed(MAIL_ID_LENGTH);

/** SHA-256( label ‖ mailbox key ): 32 bytes. */
export const mailboxId = (key: Uint8Array): Uint8Array => sha256(NAMED, key);

/** mailbox id (32) ‖ message id (16) ‖ blob. */
export const depositCodec = struct({ mailbox: hashCodec, id: mailIdCodec, blob: blobCodec });

/** mailbox key (32) ‖ signature (64), over the circuit's binding. */
export const collectCodec = struct({ key: keyCodec, signature: signatureCodec });

/** mailbox key (32) ‖ count (2) ‖ message ids (16 each) ‖ signature (64), over the circuit's binding ‖ ids. */
export const acknowledgeCodec = struct({
  key: keyCodec,
  ids: list(mailIdCodec, MOST_ACKNOWLEDGED),
  signature: signatureCodec,
});

const letterCodec = struct({ id: mailIdCodec, blob: blobCodec });

/** flags (1: 1 more wait, 2 this circuit is woken) ‖ count (2) ‖ messages: id (16) ‖ blob. */
export const mailCodec = struct({
  state: flags(['more', 'woken']),
  messages: list(letterCodec, MOST_COLLECTED),
});

export const MAX_DEPOSIT_BYTES = MAILBOX_ID_LENGTH + MAIL_ID_LENGTH + MAX_BLOB_BYTES;
export const MAX_MAIL_BYTES = 1 + 2 + MOST_COLLECTED * (MAIL_ID_LENGTH + MAX_BLOB_BYTES);

type Collect = { type: 'collect' } & Value<typeof collectCodec>;
type Acknowledge = { type: 'acknowledge' } & Value<typeof acknowledgeCodec>;

/** Both are signed by the mailbox's key to the `binding` (32) of the circuit that carries them. */
export const signCollect = (mailbox: SignKeypair, binding: Uint8Array): Collect => ({
  type: 'collect',
  key: mailbox.public,
  signature: sign(COLLECT, mailbox.secret, binding),
});

export const verifyCollect = (binding: Uint8Array, { key, signature }: Collect): boolean =>
  verify(COLLECT, key, signature, binding);

export const signAcknowledge = (
  mailbox: SignKeypair,
  binding: Uint8Array,
  ids: Uint8Array[],
): Acknowledge => ({
  type: 'acknowledge',
  key: mailbox.public,
  ids,
  signature: sign(ACKNOWLEDGE, mailbox.secret, binding, concat(...ids)),
});

export const verifyAcknowledge = (binding: Uint8Array, { key, ids, signature }: Acknowledge): boolean =>
  verify(ACKNOWLEDGE, key, signature, binding, concat(...ids));
