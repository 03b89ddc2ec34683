import { equal } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import { nameOf } from '#web/core/conversation/membership.ts';
import type { GroupDraft } from '#web/core/groups/draft.ts';
import { fateOf, isPresent, type Fate } from '#web/core/groups/fate.ts';
import type { PacketOf } from '#web/core/groups/packets.ts';
import {
  MAX_DEAD,
  placeKey,
  sameEnd,
  sureEnds,
  type Unsettled,
  type Want,
} from '#web/core/groups/records.ts';
import { distinct } from '#web/core/groups/wants.ts';

/** What may still be undone of how a group came to its epoch: until when, and how it goes back. */

/** A lower leaf has followed a commit, and will make no other. */
export const takeFollows = (
  draft: GroupDraft,
  from: Uint8Array,
  { at, by, who }: PacketOf<'follows'>,
): Fate => {
  const of = (entry: Unsettled): boolean => sameEnd(entry, { at, by });
  const { joined, brought } = draft.record;
  const isTheirs = equal(from, who) || (joined && equal(from, joined.by));
  if (!isTheirs || !draft.record.unsettled.some(of)) {
    // The group may yet go by that commit, or the sender be the one who brought this user into it.
    const open = draft.record.unsettled.some((each) => each.at.epoch <= at.epoch);
    return open || isPresent(draft, at) ? 'early' : fateOf(draft, at);
  }
  const unsettled = draft.record.unsettled.map((entry) =>
    of(entry) ? { ...entry, awaited: entry.awaited.filter((each) => !equal(each, who)) } : entry,
  );
  draft.set({ unsettled });
  // They may not have been there when it was said to all.
  for (const { address } of brought) draft.tell(address, { type: 'follows', at, by, who });
  settle(draft);
  return 'done';
};

/**
 * The commit that brought this user into the group was overruled: they are not in it, unless they are welcome again, or
 * were in it before and have yet to hear of that other commit.
 */
export const takeUndone = (draft: GroupDraft, from: Uint8Array, { at }: PacketOf<'undone'>): Fate => {
  const { joined, dead, state, unsettled, fulfilled } = draft.record;
  const end = { at, by: from };
  if (dead.some((each) => sameEnd(each, end))) return 'done';
  draft.set({ dead: [...dead, end].slice(-MAX_DEAD) });
  if (!joined || !sameEnd(joined, end)) return 'done';
  const { address: member, name } = draft.self;
  if (draft.record.mls) draft.happened({ type: 'removed', member, name });
  tellUndone(draft, at.epoch + 1);
  // What they said in between, and wanted, they say and want again if they come back; be it to leave.
  const own = unsettled.filter((each) => each.own && each.at.epoch <= at.epoch);
  const ends = [...sureEnds(draft.record), ...own.map((each) => ({ at: each.at, by: each.by }))];
  const next = state === 'leaving' || fulfilled.some(isLeave) ? 'leaving' : 'left';
  draft.set({ mls: undefined, held: [], unsettled: own, state: next, ends });
  keepFormers(draft);
  return 'done';
};

const isLeave = ({ what }: Want): boolean => what.type === 'leave';

/** What brought this user into the group was undone, and they are not welcome again yet. */
const isSuspended = ({ record: { mls, joined, dead } }: GroupDraft): boolean =>
  mls === undefined && joined !== undefined && dead.some((each) => sameEnd(each, joined));

/** Those who came by this user's commits are told, from an epoch on. */
const tellUndone = (draft: GroupDraft, from: number): void => {
  const { brought } = draft.record;
  for (const { at, address } of brought) if (at.epoch >= from) draft.tell(address, { type: 'undone', at });
  draft.set({ brought: brought.filter(({ at }) => at.epoch < from) });
};

/** What is kept to go back, as long as that may be. */
export const settle = (draft: GroupDraft): void => {
  const unsettled = draft.record.unsettled.filter(({ awaited }) => awaited.length > 0);
  if (unsettled.length < draft.record.unsettled.length) draft.set({ unsettled });
  keepFormers(draft);
  if (unsettled.length > 0 || isSuspended(draft)) return;
  draft.set({ fulfilled: [], brought: [], joined: undefined });
  draft.said.clear();
  if (draft.record.state === 'left') forget(draft);
};

const keepFormers = ({ formers, record }: GroupDraft): void => {
  const needed = new Set(record.unsettled.map(({ at }) => placeKey(at)));
  for (const key of [...formers.keys()]) if (!needed.has(key)) formers.delete(key);
};

/** Nothing stays of a group that one is no longer in but what was said there. */
export const forget = (draft: GroupDraft): void => {
  draft.formers.clear();
  draft.pasts.clear();
  draft.said.clear();
  const none = { held: [], wants: [], fulfilled: [], unsettled: [], brought: [], heard: [], leavers: [] };
  draft.set({ state: 'left', mls: undefined, joined: undefined, ...none });
};

/** As if the commit that ended this epoch, and all since, had never been. */
export const goBack = (draft: GroupDraft, entry: Unsettled): void => {
  const former = draft.formers.get(placeKey(entry.at));
  if (!former) throw new RemoteError('stale', 'an epoch that is not kept any more');
  const { unsettled, wants, fulfilled, state, joined } = draft.record;
  const undone = unsettled.filter(({ at }) => at.epoch >= entry.at.epoch);
  tellUndone(draft, entry.at.epoch);
  for (const id of undone.flatMap(({ events }) => events)) {
    const message = draft.thread.message(id);
    if (message) draft.thread.remove(message, draft.self.now);
  }
  const refs = new Set(former.held.map(({ ref }) => ref));
  const open = distinct([...fulfilled, ...wants]).map((want) => ({
    ...want,
    ref: want.ref !== undefined && refs.has(want.ref) ? want.ref : undefined,
  }));
  const leaving = state === 'leaving' || open.some(isLeave);
  for (const { at } of undone) draft.formers.delete(placeKey(at));
  draft.set({
    ...{ mls: former.mls, held: former.held, name: nameOf(former.mls) },
    ...{ wants: open, fulfilled: [], state: leaving ? 'leaving' : 'active' },
    unsettled: unsettled.filter((each) => !undone.includes(each)),
    ends: draft.record.ends.filter(({ at }) => at.epoch < entry.at.epoch),
    joined: joined && joined.at.epoch < entry.at.epoch ? joined : undefined,
  });
};
