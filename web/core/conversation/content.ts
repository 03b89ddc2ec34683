import { text as toText } from '#shared/bytes/bytes.ts';
import {
  bytes,
  decode,
  encode,
  fixed,
  list,
  optional,
  struct,
  text,
  u32,
  u64,
  union,
  type Value,
} from '#shared/bytes/codec.ts';
import { keyCodec } from '#shared/bytes/fields.ts';
import { XWING_PUBLIC_LENGTH } from '#shared/crypto/kem.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';

/** What one member says to another, or to a group: an envelope with one content, sealed by MLS. */

export const MESSAGE_ID_LENGTH = 16;
export const FILE_ID_LENGTH = 16;
/** In bytes of UTF-8. */
export const MAX_NAME = 64;
export const MAX_TEXT = 16_384;
export const MAX_EMOJI = 32;
export const MAX_FILE_NAME = 255;
export const MAX_FILE_TYPE = 127;
/** Of a picture's preview, made by the sender. */
export const MAX_PREVIEW = 8_192;
/** Of a file, in one item. */
export const CHUNK_LENGTH = 16_384;
/** Heights of a voice note's waveform. */
export const MAX_PEAKS = 64;
/** Messages that one receipt names. */
export const MOST_READ = 256;
export const MAX_GROUP_MESSAGE = 24_576;
export const MAX_INVITE = 128;

const messageId = fixed(MESSAGE_ID_LENGTH);
const fileId = fixed(FILE_ID_LENGTH);

/** Duration in ms, and the loudness of its parts, 0 to 255 each. */
export const voiceCodec = struct({ durationMs: u32, peaks: bytes(MAX_PEAKS) });

/**
 * A file that is offered: `hash` is SHA-256 of the whole, `key` (32) what its chunks are sealed with where they pass outside
 * MLS. Its preview is JPEG or nothing.
 */
export const fileOfferCodec = struct({
  file: fileId,
  name: text(MAX_FILE_NAME),
  type: text(MAX_FILE_TYPE),
  size: u64,
  hash: fixed(32),
  key: keyCodec,
  preview: bytes(MAX_PREVIEW),
  voice: optional(voiceCodec),
});
export type FileOffer = Value<typeof fileOfferCodec>;

/**
 * kind (1) ‖ fields. A text or file may answer another message, and may end at a time of the sender's clock, ms. A reaction without
 * an emoji takes the former one back. A deletion is heeded where its sender wrote the message.
 */
export const contentCodec = union({
  text: [1, struct({ text: text(MAX_TEXT), replyTo: optional(messageId), expires: optional(u64) })],
  /** What the sender is called; and where their sealed profile stands, if they have one: its record's owner key and sealing key. */
  profile: [
    2,
    struct({ name: text(MAX_NAME), record: optional(struct({ owner: keyCodec, key: keyCodec })) }),
  ],
  reaction: [3, struct({ to: messageId, emoji: text(MAX_EMOJI) })],
  deletion: [4, struct({ message: messageId })],
  /** The sender has seen these. */
  read: [5, struct({ messages: list(messageId, MOST_READ) })],
  /** From now on new messages end so long after they were sent, ms; or do not. */
  timer: [6, struct({ ms: optional(u64) })],
  /** Where the sender takes what is for them while they are away, and the X-Wing key that it is sealed for. */
  mailbox: [7, struct({ mailbox: fixed(32), key: fixed(XWING_PUBLIC_LENGTH) })],
  file: [8, struct({ offer: fileOfferCodec, replyTo: optional(messageId), expires: optional(u64) })],
  /** Bytes of a small file, which come in order as messages do. */
  'file-chunk': [9, struct({ file: fileId, offset: u64, data: bytes(CHUNK_LENGTH) })],
  /** Who was offered a file wants it from a place on; or either side ends it. */
  'file-want': [10, struct({ file: fileId, offset: u64 })],
  'file-end': [11, struct({ file: fileId, done: u64 })],
  /** A message of a group's own MLS, on its way to one of its members. */
  group: [12, struct({ group: fixed(16), message: bytes(MAX_GROUP_MESSAGE) })],
  /**
   * The sender takes as a contact whoever came to them. Where that was by an address that takes requests alone, the invite
   * (`contacts/invites.ts`) leads to their own.
   */
  accepted: [13, struct({ invite: optional(bytes(MAX_INVITE)) })],
});
export type Content = Value<typeof contentCodec>;
export type ContentOf<T extends Content['type']> = Extract<Content, { type: T }>;

const envelopeCodec = struct({ id: messageId, time: u64, content: contentCodec });
/** `time` is the sender's, in ms; `id` random, and the message's id where the content is one. */
export type Envelope = Value<typeof envelopeCodec>;

const PADDING_STEP = 256;
const LENGTH = 4;

/** length (4) ‖ id (16) ‖ time (8) ‖ content ‖ zeros, to a multiple of 256 bytes. Throws LocalError `too-long`. */
export const encodeEnvelope = (envelope: Envelope): Uint8Array => {
  checkLengths(envelope.content);
  const encoded = encode(envelopeCodec, envelope);
  const padded = new Uint8Array(Math.ceil((LENGTH + encoded.length) / PADDING_STEP) * PADDING_STEP);
  new DataView(padded.buffer).setUint32(0, encoded.length);
  padded.set(encoded, LENGTH);
  return padded;
};

/** Throws `malformed`. */
export const decodeEnvelope = (padded: Uint8Array): Envelope => {
  if (padded.length < LENGTH) throw new RemoteError('malformed', 'an empty envelope');
  const end = LENGTH + new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  if (end > padded.length) throw new RemoteError('malformed', 'an envelope longer than its padding');
  return decode(envelopeCodec, padded.subarray(LENGTH, end));
};

/** What the user chose, as against what this program did. Throws LocalError `too-long`. */
const checkLengths = (content: Content): void => {
  if (content.type === 'text') checkLength(content.text, MAX_TEXT);
  if (content.type === 'profile') checkLength(content.name, MAX_NAME);
  if (content.type === 'reaction') checkLength(content.emoji, MAX_EMOJI);
  if (content.type === 'file') checkLength(content.offer.name, MAX_FILE_NAME);
};

/** Throws LocalError `too-long`. */
export const checkLength = (content: string, most: number): void => {
  if (toText(content).length > most)
    throw new LocalError('too-long', `at most ${String(most)} bytes can be sent`);
};
