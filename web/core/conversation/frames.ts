import { bytes, decode, encode, fixed, struct, text, u64, union, type Value } from '#shared/bytes/codec.ts';
import { AEAD_NONCE_LENGTH } from '#shared/crypto/aead.ts';
import { MAX_NAME } from '#web/core/conversation/content.ts';
import { GROUP_ID_LENGTH } from '#web/core/conversation/mls.ts';

/**
 * What passes on a channel to a contact, one frame a message:
 *
 *     welcome = 1 ‖ group id (16) ‖ invite token (16) ‖ name of the sender ‖ MLS welcome
 *     item    = 2 ‖ group id (16) ‖ seq (8) ‖ MLS ciphertext, whose authenticated data is seq
 *     ack     = 3 ‖ group id (16) ‖ epoch (8) ‖ nonce (12) ‖ ChaCha20-Poly1305(items taken in order so far (8))
 *
 * An ack's key is exported from its epoch, one per direction; its associated data are group id ‖ epoch. Group ids are
 * random and known to the two members only.
 */
export const TOKEN_LENGTH = 16;
const MAX_WELCOME = 32_768;
const MAX_CIPHERTEXT = 32_768;
const ACK_LENGTH = 24;

const groupId = fixed(GROUP_ID_LENGTH);

export const frameCodec = union({
  welcome: [
    1,
    struct({ groupId, token: fixed(TOKEN_LENGTH), name: text(MAX_NAME), welcome: bytes(MAX_WELCOME) }),
  ],
  item: [2, struct({ groupId, seq: u64, ciphertext: bytes(MAX_CIPHERTEXT) })],
  ack: [3, struct({ groupId, epoch: u64, nonce: fixed(AEAD_NONCE_LENGTH), sealed: fixed(ACK_LENGTH) })],
});
export type Frame = Value<typeof frameCodec>;

/** Throws `malformed` or `oversized`. */
export const decodeFrame = (frame: Uint8Array): Frame => decode(frameCodec, frame);
export const encodeFrame = (frame: Frame): Uint8Array => encode(frameCodec, frame);
