import { concat } from '#shared/bytes/bytes.ts';
import { encode, u64 } from '#shared/bytes/codec.ts';
import { AEAD_NONCE_LENGTH, seal } from '#shared/crypto/aead.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { LocalError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Draft } from '#web/core/conversation/draft.ts';
import { encodeEnvelope, MESSAGE_ID_LENGTH, type Content } from '#web/core/conversation/content.ts';
import { encodeFrame } from '#web/core/conversation/frames.ts';
import { epochOf, groupIdOfGroup } from '#web/core/conversation/mls.ts';
import { entered } from '#web/core/conversation/records.ts';

/** Items that may be under way, and that a receiver holds while an earlier one is missing. */
export const WINDOW = 64;

/** Throws LocalError `too-long`. */
export const newEnvelope = (
  rng: Rng,
  now: Millis,
  content: Content,
): { id: Uint8Array; envelope: Uint8Array } => {
  const id = rng(MESSAGE_ID_LENGTH);
  return { id, envelope: encodeEnvelope({ id, time: now, content }) };
};

/** Says how many of the contact's items were taken, which also shows who is speaking. */
export const ackFrame = ({ conversation }: Draft, rng: Rng): Uint8Array => {
  const keys = conversation.ackKeys.at(-1);
  if (!keys) throw new LocalError('internal', 'no key to acknowledge with');
  const groupId = groupIdOfGroup(conversation.group);
  const epoch = epochOf(conversation.group);
  const nonce = rng(AEAD_NONCE_LENGTH);
  const place = concat(groupId, encode(u64, epoch));
  const sealed = seal(keys.mine, nonce, encode(u64, conversation.delivered), place);
  return encodeFrame({ type: 'ack', groupId, epoch, nonce, sealed });
};

export type Due = { seq: number; frame: Uint8Array };

/** The items from `from` on that the window allows, in order; their messages are now being sent. */
export const takeDue = (draft: Draft, from: number, now: Millis): Due[] => {
  const groupId = groupIdOfGroup(draft.conversation.group);
  const end = draft.conversation.acked + WINDOW;
  const due: Due[] = [];
  for (const { sealed, messageId } of draft.outbox) {
    if (!sealed || sealed.seq < from || sealed.seq >= end) continue;
    due.push({ seq: sealed.seq, frame: encodeFrame({ type: 'item', groupId, ...sealed }) });
    const message = messageId && draft.message(messageId);
    if (message?.state === 'queued') draft.put(entered(message, 'sending', now));
  }
  return due.sort((a, b) => a.seq - b.seq);
};
