import { equal } from '#shared/bytes/bytes.ts';
import { decodeEnvelope, encodeEnvelope, MOST_READ, type Envelope } from '#web/core/conversation/content.ts';
import { takeContent } from '#web/core/conversation/effects.ts';
import { openNow, openPast, sealForAll } from '#web/core/conversation/group-messages.ts';
import { membersOf, placeOf } from '#web/core/conversation/membership.ts';
import { MAX_MEMBERS, type Message } from '#web/core/conversation/records.ts';
import { entered, rises } from '#web/core/conversation/states.ts';
import type { GroupDraft } from '#web/core/groups/draft.ts';
import { fateOf, isPresent, type Fate } from '#web/core/groups/fate.ts';
import type { PacketOf } from '#web/core/groups/packets.ts';
import { placeKey, saidKey, type SaidEntry } from '#web/core/groups/records.ts';

/** What members say to all, and who has it. */

/** Everybody in the group is told. Throws LocalError `too-long`, `refused`. */
export const say = async (draft: GroupDraft, envelope: Envelope): Promise<void> => {
  await tellAll(draft, encodeEnvelope(envelope), draft.record.nextOrder);
};

const tellAll = async (draft: GroupDraft, envelope: Uint8Array, order: number): Promise<void> => {
  const at = placeOf(draft.mls);
  const { group, message } = await sealForAll(draft.mls, envelope);
  draft.set({ mls: group });
  for (const { address } of draft.others) draft.tell(address, { type: 'message', at, message });
  if (draft.record.unsettled.length === 0) return;
  draft.said.set(saidKey(order), { order, epoch: at.epoch, envelope });
};

/** What was said in epochs that are undone is said in this one, by the same ids. */
export const sayAgain = async (draft: GroupDraft, entries: readonly SaidEntry[]): Promise<void> => {
  if (!draft.record.mls) return;
  for (const { order, envelope } of entries) {
    draft.said.delete(saidKey(order));
    await tellAll(draft, envelope, order);
  }
};

/** Throws RemoteError when it is no message of theirs. */
export const takeMessageOf = async (
  draft: GroupDraft,
  from: Uint8Array,
  { at, message }: PacketOf<'message'>,
): Promise<Fate> => {
  const { state, unsettled } = draft.record;
  // Whoever is about to leave, or out by what may be undone, reads it if they stay.
  if (state === 'leaving' || (state === 'left' && unsettled.length > 0)) return 'early';
  const past = draft.pasts.get(placeKey(at));
  const present = isPresent(draft, at);
  if (!draft.record.mls || (!past && !present)) return fateOf(draft, at);
  if (!speaks(draft, from)) return mayReturn(draft, from) ? 'early' : 'done';
  let payload: Uint8Array;
  if (present) {
    const opened = await openNow(draft.mls, message, from);
    draft.set({ mls: opened.group });
    ({ payload } = opened);
  } else {
    if (!past) return 'done';
    const opened = await openPast(draft.mls, past.past, message, from);
    draft.pasts.set(placeKey(at), { ...past, past: opened.past });
    ({ payload } = opened);
  }
  take(draft, from, decodeEnvelope(payload));
  return 'done';
};

/** Whoever was removed does not; who left may have spoken before. */
const speaks = ({ others, record }: GroupDraft, from: Uint8Array): boolean =>
  [...others, ...record.leavers].some(({ address }) => equal(address, from));

/** A member of an epoch to which the group may have to go back. */
const mayReturn = ({ formers }: GroupDraft, from: Uint8Array): boolean =>
  [...formers.values()].some(({ mls }) => membersOf(mls).some(({ address }) => equal(address, from)));

const take = (draft: GroupDraft, from: Uint8Array, envelope: Envelope): void => {
  const { content, id } = envelope;
  const { now } = draft.self;
  const fresh = takeContent(draft.thread, { address: from, author: from }, envelope, now);
  if (content.type === 'file-chunk' || (content.type === 'file' && fresh)) draft.taken.push(envelope);
  const shown = content.type === 'text' || content.type === 'file';
  if (shown && draft.others.some(({ address }) => equal(address, from))) {
    draft.tell(from, { type: 'has', messages: [id] });
  }
};

/** Of own messages somebody says that they have them, or have seen them; they may come back to a group that they are not in. */
export const takeReceipt = (
  draft: GroupDraft,
  from: Uint8Array,
  { type, messages }: PacketOf<'has'> | PacketOf<'seen'>,
): Fate => {
  for (const id of messages) {
    const message = draft.thread.message(id);
    if (!message?.mine || message.event) continue;
    const got = including(message.got, from);
    const seen = type === 'seen' ? including(message.seen, from) : message.seen;
    const next = withState(draft, { ...message, got, seen });
    if (next.got !== message.got || next.seen !== message.seen) draft.thread.put(next);
  }
  return 'done';
};

const including = (addresses: Uint8Array[], address: Uint8Array): Uint8Array[] =>
  addresses.some((each) => equal(each, address)) ? addresses : [...addresses.slice(1 - MAX_MEMBERS), address];

/** An own message is delivered once everybody has it who is in the group now and was when it was written. */
const withState = ({ others, record, self }: GroupDraft, message: Message): Message => {
  const readers = others.filter(({ address }) => {
    const since = record.people.find((each) => equal(each.address, address))?.since ?? 0;
    return since <= message.position;
  });
  const all = (of: readonly Uint8Array[]): boolean =>
    readers.every(({ address }) => of.some((each) => equal(each, address)));
  const delivered = all(message.got) ? entered(message, 'delivered', self.now) : message;
  return all(message.seen) && readers.length > 0 ? entered(delivered, 'read', self.now) : delivered;
};

/** The members are others: some messages may have reached all of them. */
export const settleStates = (draft: GroupDraft): void => {
  for (const message of draft.thread.all()) {
    if (!message.mine || message.event || !rises(message.state, 'read')) continue;
    const next = withState(draft, message);
    if (next !== message) draft.thread.put(next);
  }
};

/** Tells the authors of messages from position `from` on that these were seen. */
export const tellSeen = (draft: GroupDraft, from: number): void => {
  for (const { address } of draft.others) {
    const seen = draft.thread
      .all()
      .filter(
        ({ mine, event, position, author }) => !mine && !event && position >= from && isBy(author, address),
      )
      .map(({ id }) => id);
    for (let at = 0; at < seen.length; at += MOST_READ) {
      draft.tell(address, { type: 'seen', messages: seen.slice(at, at + MOST_READ) });
    }
  }
};

const isBy = (author: Uint8Array | undefined, address: Uint8Array): boolean =>
  author !== undefined && equal(author, address);
