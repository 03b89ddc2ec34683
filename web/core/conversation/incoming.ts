import { concat, equal } from '#shared/bytes/bytes.ts';
import { decode, encode, u64 } from '#shared/bytes/codec.ts';
import { open } from '#shared/crypto/aead.ts';
import { codeOf, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Draft } from '#web/core/conversation/draft.ts';
import { decodeEnvelope, type Content } from '#web/core/conversation/content.ts';
import type { Frame } from '#web/core/conversation/frames.ts';
import { decrypt } from '#web/core/conversation/handshake.ts';
import { commits } from '#web/core/conversation/mls.ts';
import { takeContent, takeRead } from '#web/core/conversation/effects.ts';
import { entered } from '#web/core/conversation/states.ts';

/** What a frame of the contact does to a conversation. */

/** What was taken leaves the outbox. Throws `bad-layer` or `unexpected`. */
export const takeAck = (draft: Draft, frame: Frame & { type: 'ack' }, now: Millis): void => {
  const { ackKeys, acked, nextSeq } = draft.conversation;
  const keys = ackKeys.find(({ epoch }) => epoch === frame.epoch);
  // Of an epoch whose commit is still under way: what it says will be said again.
  if (!keys) return;
  const place = concat(frame.groupId, encode(u64, frame.epoch));
  const upTo = decode(u64, open(keys.theirs, frame.nonce, frame.sealed, place));
  if (upTo > nextSeq) throw new RemoteError('unexpected', 'an ack for what was never sent');
  draft.joined();
  if (upTo <= acked) return;
  draft.set({ acked: upTo });
  const isTaken = ({ sealed }: Draft['outbox'][number]): boolean => sealed !== undefined && sealed.seq < upTo;
  for (const { messageId } of draft.outbox.filter(isTaken)) {
    const message = messageId && draft.thread.message(messageId);
    if (message) draft.thread.put(entered(message, 'delivered', now));
  }
  draft.outbox = draft.outbox.filter((entry) => !isTaken(entry));
};

/** `receipts`: what the contact has seen is heeded. */
export type Taking = { now: Millis; receipts: boolean };

/** The next item in order. Throws what `decrypt` throws, but for a proposal that came too late. */
export const takeItem = async (
  draft: Draft,
  seq: number,
  ciphertext: Uint8Array,
  taking: Taking,
): Promise<void> => {
  const received = await decrypt(draft.conversation.group, ciphertext).catch((error: unknown) => {
    if (codeOf(error) === 'stale') return undefined;
    throw error;
  });
  // A proposal that a commit overtook: its sender sees from that commit that it has to propose again.
  if (!received) return draft.took(seq);
  if (!equal(received.authenticatedData, encode(u64, seq))) {
    throw new RemoteError('malformed', 'an item under another number');
  }
  draft.took(seq);
  draft.set({ group: received.group });
  if (received.type === 'application') takeEnvelope(draft, received.payload, taking);
  else if (received.type === 'proposal') {
    if (!commits(received.group)) throw new RemoteError('refused', 'the creator does not propose');
    await draft.commit();
  } else {
    await draft.renewAckKeys();
    if (received.lost) await draft.propose();
  }
};

const isShown = (type: Content['type']): boolean =>
  (['text', 'file', 'reaction', 'deletion', 'timer'] as const).some((each) => each === type);

/** What is no envelope is passed over, for it will not be one the next time either. */
const takeEnvelope = (draft: Draft, payload: Uint8Array, { now, receipts }: Taking): void => {
  try {
    const envelope = decodeEnvelope(payload);
    const { content } = envelope;
    const from = { address: draft.conversation.contact, author: undefined };
    if (content.type === 'read') {
      if (receipts) takeRead(draft.thread, content, now);
      return;
    }
    const had = takeContent(draft.thread, from, envelope, now);
    if (content.type === 'profile') draft.set({ name: content.name });
    // The effect of any other is not on messages; a file's is on both, once.
    if (isShown(content.type) && !(content.type === 'file' && had)) return;
    draft.taken.push(envelope);
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
  }
};
