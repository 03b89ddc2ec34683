import { concat } from '#shared/bytes/bytes.ts';
import { encode, u64 } from '#shared/bytes/codec.ts';
import { AEAD_NONCE_LENGTH, seal } from '#shared/crypto/aead.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { LocalError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Channels } from '#web/core/conversation/channels.ts';
import type { Draft } from '#web/core/conversation/draft.ts';
import { encodeEnvelope, MESSAGE_ID_LENGTH, type Content } from '#web/core/conversation/content.ts';
import { encodeFrame } from '#web/core/conversation/frames.ts';
import { epochOf, groupIdOfGroup } from '#web/core/conversation/mls.ts';
import type { Hold } from '#web/core/conversation/session-env.ts';
import { entered } from '#web/core/conversation/states.ts';

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
const takeDue = (draft: Draft, from: number, now: Millis): Due[] => {
  const end = draft.conversation.acked + WINDOW;
  return leaving(draft, ({ seq }) => seq >= from && seq < end, now);
};

export type Outgoing = { frames: Uint8Array[]; items: Due[]; acks: boolean };

/** What the newest channel is due: an introduction, an ack, then items within the window. */
export const takeOutgoing = async (
  draft: Draft,
  channels: Channels,
  { held, rng, now }: { held: Hold | undefined; rng: Rng; now: Millis },
): Promise<Outgoing> => {
  const { welcome, stale, acked } = draft.conversation;
  if (!channels.any || stale || held === 'everything') return { frames: [], items: [], acks: false };
  const acks = draft.acknowledges || (channels.introduce && !welcome);
  const frames = channels.introduce && welcome ? [welcome] : acks ? [ackFrame(draft, rng)] : [];
  if (held) return { frames, items: [], acks };
  await draft.seal(acked + WINDOW);
  const items = takeDue(draft, Math.max(channels.sentTo, acked), now);
  return { frames: [...frames, ...items.map(({ frame }) => frame)], items, acks };
};

/** What goes by mail while no channel does. `stored`: when the directory took it before, ms. */
export type Mail = {
  /** Of a group that the contact has yet to join: to be there before anything else. */
  welcome: { frame: Uint8Array; stored: Millis | undefined } | undefined;
  /** All that is not acknowledged, in order. */
  items: (Due & { stored: Millis | undefined })[];
  /** Tells what was taken, `upTo`, where the contact may not know. It goes last, for a commit among the items may make its key known. */
  ack: { frame: Uint8Array; upTo: number } | undefined;
};

/**
 * Seals whatever waits, for mail has no window. `acks`: something was taken of which the contact may not know. `held`:
 * nothing else is to leave.
 */
export const takeMail = async (
  draft: Draft,
  { acks, held, rng }: { acks: boolean; held: boolean; rng: Rng },
): Promise<Mail> => {
  if (!held) await draft.seal(Infinity);
  const { welcome, welcomeStored: stored, delivered: upTo } = draft.conversation;
  const at = new Map(draft.outbox.map(({ sealed, stored: when }) => [sealed?.seq, when]));
  return {
    welcome: welcome && !held ? { frame: welcome, stored } : undefined,
    // They wait until the directory has them, which may not come about.
    items: framesOf(draft, () => !held).map((due) => ({ ...due, stored: at.get(due.seq) })),
    ack: acks && !welcome ? { frame: ackFrame(draft, rng), upTo } : undefined,
  };
};

/** What the directory took of it. */
export type Taken = { welcome?: boolean; items?: readonly number[]; ack?: number };

export const markStored = (draft: Draft, { welcome, items = [], ack = 0 }: Taken, now: Millis): void => {
  const { told, welcome: waiting } = draft.conversation;
  if (ack > told) draft.set({ told: ack });
  if (welcome && waiting) draft.set({ welcomeStored: now });
  draft.outbox = draft.outbox.map((entry) => {
    if (!entry.sealed || !items.includes(entry.sealed.seq)) return entry;
    const message = entry.messageId && draft.thread.message(entry.messageId);
    if (message) draft.thread.put(entered(message, 'stored', now));
    return { ...entry, stored: now };
  });
};

/** As `framesOf`; their messages are now being sent. */
const leaving = (draft: Draft, which: (sealed: { seq: number }) => boolean, now: Millis): Due[] => {
  for (const { sealed, messageId } of draft.outbox) {
    const message = sealed && which(sealed) && messageId && draft.thread.message(messageId);
    if (message && message.state === 'queued') draft.thread.put(entered(message, 'sending', now));
  }
  return framesOf(draft, which);
};

const framesOf = (draft: Draft, which: (sealed: { seq: number }) => boolean): Due[] => {
  const groupId = groupIdOfGroup(draft.conversation.group);
  return draft.outbox
    .flatMap(({ sealed }) => (sealed && which(sealed) ? [sealed] : []))
    .map((sealed) => ({ seq: sealed.seq, frame: encodeFrame({ type: 'item', groupId, ...sealed }) }))
    .sort((a, b) => a.seq - b.seq);
};
