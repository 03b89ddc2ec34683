import { text as toText, untext } from '#shared/bytes/bytes.ts';
import {
  bytes,
  choice,
  decode,
  encode,
  fixed,
  struct,
  text,
  u64,
  union,
  type Value,
} from '#shared/bytes/codec.ts';
import { AEAD_NONCE_LENGTH } from '#shared/crypto/aead.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
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
export const MESSAGE_ID_LENGTH = 16;
/** In bytes of UTF-8. */
export const MAX_NAME = 64;
export const MAX_TEXT = 16_384;
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

export type EnvelopeKind = 'text' | 'profile';

const envelopeCodec = struct({
  id: fixed(MESSAGE_ID_LENGTH),
  kind: choice(['text', 'profile']),
  time: u64,
  body: bytes(MAX_TEXT),
});
/** `body` is the text, or the sender's name; `time` the sender's, in milliseconds. */
export type Envelope = Value<typeof envelopeCodec>;

const PADDING_STEP = 256;
const LENGTH = 4;

/** length (4) ‖ envelope ‖ zeros, to a multiple of 256 bytes. */
export const encodeEnvelope = (envelope: Envelope): Uint8Array => {
  const content = encode(envelopeCodec, envelope);
  const padded = new Uint8Array(Math.ceil((LENGTH + content.length) / PADDING_STEP) * PADDING_STEP);
  new DataView(padded.buffer).setUint32(0, content.length);
  padded.set(content, LENGTH);
  return padded;
};

/** Throws `malformed`. */
export const decodeEnvelope = (padded: Uint8Array): Envelope => {
  if (padded.length < LENGTH) throw new RemoteError('malformed', 'an empty envelope');
  const end = LENGTH + new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  if (end > padded.length) throw new RemoteError('malformed', 'an envelope longer than its padding');
  return decode(envelopeCodec, padded.subarray(LENGTH, end));
};

/** Throws LocalError `too-long`. */
export const bodyOf = (kind: EnvelopeKind, content: string): Uint8Array => {
  const body = toText(content);
  const most = kind === 'profile' ? MAX_NAME : MAX_TEXT;
  if (body.length > most) throw new LocalError('too-long', `at most ${most} bytes can be sent`);
  return body;
};

/** Throws `malformed`. */
export const contentOf = ({ kind, body }: Envelope): string => {
  if (kind === 'profile' && body.length > MAX_NAME) throw new RemoteError('malformed', 'a name too long');
  return untext(body);
};
