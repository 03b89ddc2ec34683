import { text } from '../bytes/bytes.ts';
import { bytes, decode, encode, struct } from '../bytes/codec.ts';
import { keyCodec, signatureCodec } from '../bytes/fields.ts';
import { sha256 } from '../crypto/kdf.ts';
import { sign, verify, type SignKeypair } from '../crypto/sign.ts';
import { RemoteError } from '../errors.ts';

const OPEN = 'hourglass inbox open 1';
const IDENTITY = text('hourglass inbox identity 1');

export const TAG_LENGTH = 16;
export const MAX_TICKET_BYTES = 512;

/** tag = SHA-256( tag key )[0..16]: under it an exit finds the circuit of an inbox, and knows nothing else of it. */
export const inboxTag = (tagKey: Uint8Array): Uint8Array => sha256(tagKey).slice(0, TAG_LENGTH);

/** What stands for a node id in the handshake with an inbox's owner: 32 bytes that follow from its onion key. */
export const inboxId = (onionKey: Uint8Array): Uint8Array => sha256(IDENTITY, onionKey);

/**
 * INBOX_OPEN: tag key, Ed25519 (32) ‖ ticket (2 + n: as `ticket.ts` lays it out) ‖ signature (64)
 *
 * The signature is the tag key's, over the binding of the circuit that carries it and the ticket.
 */
const inboxOpenCodec = struct({
  tagKey: keyCodec,
  ticket: bytes(MAX_TICKET_BYTES),
  signature: signatureCodec,
});

/** The data of an INBOX_OPEN on the circuit with this `binding` (32). */
export const signInboxOpen = (tagKeys: SignKeypair, binding: Uint8Array, ticket: Uint8Array): Uint8Array =>
  encode(inboxOpenCodec, {
    tagKey: tagKeys.public,
    ticket,
    signature: sign(OPEN, tagKeys.secret, binding, ticket),
  });

/** The tag (16) that the data opens, and with what. Throws `malformed`, `oversized` or `bad-signature`. */
export const readInboxOpen = (
  data: Uint8Array,
  binding: Uint8Array,
): { tag: Uint8Array; ticket: Uint8Array } => {
  const { tagKey, ticket, signature } = decode(inboxOpenCodec, data);
  if (!verify(OPEN, tagKey, signature, binding, ticket)) throw new RemoteError('bad-signature');
  return { tag: inboxTag(tagKey), ticket };
};
