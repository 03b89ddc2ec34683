import {
  bytes,
  decode,
  encode,
  fixed,
  list,
  optional,
  struct,
  text,
  u64,
  union,
  type Value,
} from '#shared/bytes/codec.ts';
import { concat } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import { MAX_GROUP_MESSAGE, MAX_NAME, MESSAGE_ID_LENGTH, MOST_READ } from '#web/core/conversation/content.ts';
import { MAX_MEMBERS } from '#web/core/conversation/records.ts';

/**
 * What members of a group tell each other, one packet a time, in the order and with the reliability of the conversation
 * between the two. A packet that is longer than a content takes goes in parts:
 *
 *     part = last (1: 0 or 1) ‖ bytes of the packet
 */
export const GROUP_ID_LENGTH = 16;
const TAG_LENGTH = 8;
const PART = MAX_GROUP_MESSAGE - 1;
/** Of one packet. A commit that puts 15 people into a group is about 60,000 bytes long, the welcome for one of 16 members 45,000. */
export const MAX_PARTS = 6;
export const MAX_PACKET = MAX_PARTS * PART;
export const MAX_PROPOSAL = 8_192;
/** Proposals of one epoch that are kept, and that one commit holds. */
export const MAX_PROPOSALS = 48;
const MAX_COMMIT = 98_304;
const MAX_WELCOME = 98_304;

const address = fixed(32);
export const namedCodec = struct({ address, name: text(MAX_NAME) });
/** Somebody, and what they are called. */
export type Named = Value<typeof namedCodec>;

/** An epoch's number, and the first bytes of its confirmation tag, which tell branches of one number apart. */
export const placeCodec = struct({ epoch: u64, tag: fixed(TAG_LENGTH) });

/** Epochs that a group can be led by someone else than its lowest leaf before that one has followed. */
export const MAX_UNSETTLED = 16;
/** As many as are kept: those who go on without one who is to be removed come to a few more. */
export const MAX_OPEN = 32;

/** An epoch that was ended by `by`, and not by its lowest leaf: lower ones, `awaited`, may still end it otherwise, and theirs counts. */
export const openCodec = struct({ at: placeCodec, by: address, awaited: list(address, MAX_MEMBERS) });

const MESSAGE = 4;

export const packetCodec = union({
  /** For `to`, on its way to them by a contact of theirs: they were added by `by`, who ended the epoch at `after`. `open`: what may still be undone. */
  welcome: [
    1,
    struct({
      to: address,
      by: address,
      after: placeCodec,
      open: list(openCodec, MAX_OPEN),
      welcome: bytes(MAX_WELCOME),
      names: list(namedCodec, MAX_MEMBERS),
    }),
  ],
  /** `named`: who it would add. */
  proposal: [2, struct({ at: placeCodec, message: bytes(MAX_PROPOSAL), named: optional(namedCodec) })],
  /** Ends the epoch at `at`; with every proposal of others that it commits, for not each member may have got them yet. */
  commit: [
    3,
    struct({
      at: placeCodec,
      proposals: list(bytes(MAX_PROPOSAL), MAX_PROPOSALS),
      commit: bytes(MAX_COMMIT),
      named: list(namedCodec, MAX_MEMBERS),
    }),
  ],
  message: [MESSAGE, struct({ at: placeCodec, message: bytes(MAX_GROUP_MESSAGE) })],
  /** `who` will not end the epoch at `at` any more: they go by the commit of `by`. They say so, and whoever brought the receiver into the group says it again. */
  follows: [5, struct({ at: placeCodec, by: address, who: address })],
  /** The sender's commit that ended the epoch at `at`, and brought the receiver into the group, does not count. */
  undone: [8, struct({ at: placeCodec })],
  /** The sender has lost the group's keys, and asks to be added anew by this key package. */
  again: [9, struct({ keyPackage: bytes(MAX_PROPOSAL) })],
  /** The sender has these messages of the receiver's, or has seen them. */
  has: [6, struct({ messages: list(fixed(MESSAGE_ID_LENGTH), MOST_READ) })],
  seen: [7, struct({ messages: list(fixed(MESSAGE_ID_LENGTH), MOST_READ) })],
});
export type Packet = Value<typeof packetCodec>;
export type PacketOf<T extends Packet['type']> = Extract<Packet, { type: T }>;

/** The parts of a packet, in their order. */
export const encodeParts = (packet: Packet): Uint8Array[] => {
  const whole = encode(packetCodec, packet);
  const count = Math.max(1, Math.ceil(whole.length / PART));
  return Array.from({ length: count }, (_, at) =>
    concat(Uint8Array.of(at === count - 1 ? 1 : 0), whole.subarray(at * PART, (at + 1) * PART)),
  );
};

/** Throws `malformed`. */
export const isLast = (part: Uint8Array): boolean => {
  const [last] = part;
  if (last !== 0 && last !== 1) throw new RemoteError('malformed', 'neither a last part nor another');
  return last === 1;
};

/** True for a part that another has to follow. */
export const mayGoOn = ([last]: Uint8Array): boolean => last === 0;

/** True for the first part of a message: the one kind without which a group goes on. */
export const isTalk = ([, kind]: Uint8Array): boolean => kind === MESSAGE;

/** Throws `malformed` or `oversized`. */
export const decodeParts = (parts: readonly Uint8Array[]): Packet =>
  decode(packetCodec, concat(...parts.map((part) => part.subarray(1))));
