import { equal, hex } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import { takeCommit, takeProposal, type Outcome } from '#web/core/conversation/changes.ts';
import { pastOf } from '#web/core/conversation/group-messages.ts';
import {
  isOut,
  membersOf,
  nameOf,
  placeOf,
  samePlace,
  type Place,
} from '#web/core/conversation/membership.ts';
import type { Group as Mls } from '#web/core/conversation/mls.ts';
import { MAX_MEMBERS, type MessageEventRecord } from '#web/core/conversation/records.ts';
import type { GroupDraft } from '#web/core/groups/draft.ts';
import { fateOf, isPresent, type Fate } from '#web/core/groups/fate.ts';
import type { Named, PacketOf } from '#web/core/groups/packets.ts';
import {
  MAX_BROUGHT,
  MAX_DEAD,
  placeKey,
  sameStep,
  type Held,
  type Unsettled,
} from '#web/core/groups/records.ts';
import { sayAgain, settleStates } from '#web/core/groups/talk.ts';
import { pruned } from '#web/core/groups/wants.ts';

/**
 * How a group goes from one epoch to the next, and back. Of two commits that end one epoch the one of the lower leaf
 * counts, for all. So whoever follows a commit while lower leaves may still make another keeps the epoch that it ended,
 * until each of these has followed too.
 */

/** Messages of an epoch are taken for so long after it; mail is under way for half of that at most. */
const PAST_MS: Millis = 30 * 86_400_000;
const MAX_PASTS = 64;
const MOST_EACH = 12;

/** Throws RemoteError when it is no proposal of theirs. */
export const takeProposalOf = async (
  draft: GroupDraft,
  from: Uint8Array,
  { at, message, named }: PacketOf<'proposal'>,
): Promise<Fate> => {
  if (!isPresent(draft, at)) return fateOf(draft, at);
  const { held } = draft.record;
  if (held.some((each) => equal(each.message, message))) return 'done';
  if (held.filter(({ by }) => equal(by, from)).length >= MOST_EACH) throw new RemoteError('too-many');
  await hold(draft, from, message);
  if (named) learn(draft, [named]);
  return 'done';
};

const hold = async (draft: GroupDraft, from: Uint8Array | undefined, message: Uint8Array): Promise<Held> => {
  const { group, ref, leaf } = await takeProposal(draft.mls, message);
  const by = membersOf(group).find((each) => each.leaf === leaf)?.address;
  if (!by || (from && !equal(by, from))) throw new RemoteError('refused', 'a proposal of somebody else');
  const held = { ref, message, by, at: draft.self.now };
  draft.set({ mls: group, held: [...draft.record.held, held] });
  return held;
};

/** Throws RemoteError when it is no commit of theirs that this group can follow; then nothing of the draft may be kept. */
export const takeCommitOf = async (
  draft: GroupDraft,
  from: Uint8Array,
  packet: PacketOf<'commit'>,
): Promise<Fate> => {
  if (isPresent(draft, packet.at)) {
    await follow(draft, from, packet);
    return 'done';
  }
  const entry = draft.record.unsettled.find(({ at, own }) => own && samePlace(at, packet.at));
  if (!entry) return fateOf(draft, packet.at);
  const former = draft.formers.get(placeKey(entry.at));
  const leaf = (address: Uint8Array): number | undefined =>
    former && membersOf(former.mls).find((each) => equal(each.address, address))?.leaf;
  if ((leaf(from) ?? Infinity) >= (leaf(entry.by) ?? -1)) return 'done';
  const again = [...draft.said.values()].filter(({ epoch }) => epoch > entry.at.epoch);
  goBack(draft, entry);
  await follow(draft, from, packet);
  await sayAgain(draft, again);
  return 'done';
};

const follow = async (
  draft: GroupDraft,
  from: Uint8Array,
  { proposals, commit, named }: PacketOf<'commit'>,
): Promise<void> => {
  for (const message of proposals) {
    const known = draft.record.held.some((each) => equal(each.message, message));
    if (!known) await hold(draft, undefined, message);
  }
  const committed = draft.record.held.filter((held) => proposals.some((each) => equal(each, held.message)));
  const { group, outcome } = await takeCommit(draft.mls, commit, from, draft.self.now);
  learn(draft, named);
  enter(draft, { group, outcome, by: from, committed: committed.map(({ ref }) => ref) });
};

type Ending = { group: Mls; outcome: Outcome; by: Uint8Array; committed: readonly string[] };

/** The group is in its next epoch, by a commit of `by`. */
export const enter = (draft: GroupDraft, { group, outcome, by, committed }: Ending): void => {
  const before = draft.mls;
  const at = placeOf(before);
  const members = membersOf(before);
  const bound = boundBy(before, by, outcome);
  const me = draft.self.address;
  keepPast(draft, before, at);
  if (has(bound, me)) {
    const others = members.filter(({ address }) => !equal(address, me));
    for (const to of [...others.map(({ address }) => address), ...outcome.added]) {
      draft.tell(to, { type: 'follows', at, by, who: me });
    }
  }
  const awaited = bound.filter((address) => !equal(address, me));
  const { held, unsettled, wants, fulfilled } = draft.record;
  if (awaited.length > 0) draft.formers.set(placeKey(at), { mls: before, held });
  const left = isOut(group);
  draft.set({ mls: left ? undefined : group, held: [], name: left ? draft.record.name : nameOf(group) });
  const next = pruned(wants, { before, group, committed, me });
  const events = tellWhat(draft, outcome, left);
  const entry = { at, by, awaited, own: true, events };
  draft.set({
    wants: next.open,
    fulfilled: [...fulfilled, ...next.done],
    unsettled: awaited.length > 0 ? [...unsettled, entry] : unsettled,
  });
  if (equal(by, me) && draft.record.unsettled.length > 0) {
    const fresh = outcome.added.map((address) => ({ at, address }));
    draft.set({ brought: [...draft.record.brought, ...fresh].slice(-MAX_BROUGHT) });
  }
  if (left) draft.set({ state: 'left' });
  settle(draft);
  settleStates(draft);
};

/** Who could have ended an epoch otherwise than `by` did. Whoever leaves makes no commit any more. */
const boundBy = (before: Mls, by: Uint8Array, { left }: Outcome): Uint8Array[] => {
  const members = membersOf(before);
  const leaf = members.find(({ address }) => equal(address, by))?.leaf ?? 0;
  return members.filter((each) => each.leaf < leaf && !has(left, each.address)).map(({ address }) => address);
};

const has = (addresses: readonly Uint8Array[], address: Uint8Array): boolean =>
  addresses.some((each) => equal(each, address));

const keepPast = (draft: GroupDraft, before: Mls, at: Place): void => {
  const { now } = draft.self;
  const key = placeKey(at);
  // After going back, what was already opened of it stays opened.
  if (!draft.pasts.has(key)) draft.pasts.set(key, { at, past: pastOf(before), ended: now });
  const old = [...draft.pasts].filter(([, { ended }]) => ended < now - PAST_MS).map(([each]) => each);
  const over = [...draft.pasts.keys()].sort().slice(0, Math.max(0, draft.pasts.size - MAX_PASTS));
  for (const each of [...old, ...over]) draft.pasts.delete(each);
};

const MAX_NAMES = 128;

/** What people are called. */
export const learn = (draft: GroupDraft, named: readonly Named[]): void => {
  const fresh = named.filter(({ address, name }) => draft.nameOf(address) !== name);
  if (fresh.length === 0) return;
  const people = new Map(draft.record.people.map((each) => [hex(each.address), each]));
  for (const { address, name } of fresh) {
    const since = people.get(hex(address))?.since ?? 0;
    people.set(hex(address), { address, name, since });
  }
  draft.set({ people: [...people.values()].slice(-MAX_NAMES) });
};

/** The lines that say what a commit changed; their ids. */
const tellWhat = (draft: GroupDraft, outcome: Outcome, out: boolean): Uint8Array[] => {
  const { added, removed, left, renamed } = outcome;
  const { now } = draft.self;
  const lines: [MessageEventRecord, Uint8Array?][] = [
    ...added.map((member): [MessageEventRecord] => [{ type: 'added', member, name: draft.nameOf(member) }]),
    ...removed.map((member): [MessageEventRecord, Uint8Array?] =>
      has(left, member)
        ? [{ type: 'left' }, member]
        : [{ type: 'removed', member, name: draft.nameOf(member) }],
    ),
  ];
  if (renamed !== undefined && !out) lines.push([{ type: 'renamed', name: renamed }]);
  const ids = lines.map(([event, author]) =>
    draft.happened(event, { author, mine: author !== undefined && equal(author, draft.self.address) }),
  );
  const people = draft.record.people.map((each) =>
    has(added, each.address) ? { ...each, since: draft.thread.position } : each,
  );
  const leavers = [...draft.record.leavers, ...left.map((address) => ({ address, at: now }))];
  draft.set({
    people,
    leavers: leavers
      .filter(({ address, at }) => at > now - PAST_MS && !has(added, address))
      .slice(-MAX_MEMBERS),
    heard: draft.record.heard.filter(({ address }) => !has(removed, address)),
  });
  return ids;
};

/** A lower leaf has followed a commit, and will make no other. */
export const takeFollows = (
  draft: GroupDraft,
  from: Uint8Array,
  { at, by, who }: PacketOf<'follows'>,
): Fate => {
  const of = (entry: Unsettled): boolean => samePlace(entry.at, at) && equal(entry.by, by);
  const { joined, brought } = draft.record;
  if (!equal(from, who) && !(joined && equal(from, joined.by))) throw new RemoteError('refused');
  if (!draft.record.unsettled.some(of)) {
    // The group may yet go by that commit.
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
  const { joined, dead, state, unsettled } = draft.record;
  const step = { after: at, by: from };
  if (!joined || !sameStep(joined, step)) {
    draft.set({ dead: [...dead, step].slice(-MAX_DEAD) });
    return 'done';
  }
  const { address: member, name } = draft.self;
  draft.happened({ type: 'removed', member, name });
  // What they said in between, and wanted, they say and want again if they come back; be it to leave.
  const own = unsettled.filter((each) => each.own && each.at.epoch <= at.epoch);
  const next = state === 'leaving' ? 'leaving' : 'left';
  draft.set({ mls: undefined, held: [], unsettled: own, joined: undefined, state: next });
  keepFormers(draft);
  return 'done';
};

/** What is kept to go back, as long as that may be. */
const settle = (draft: GroupDraft): void => {
  const unsettled = draft.record.unsettled.filter(({ awaited }) => awaited.length > 0);
  if (unsettled.length < draft.record.unsettled.length) draft.set({ unsettled });
  keepFormers(draft);
  if (unsettled.length > 0) return;
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
const goBack = (draft: GroupDraft, entry: Unsettled): void => {
  const former = draft.formers.get(placeKey(entry.at));
  if (!former) throw new RemoteError('stale', 'an epoch that is not kept any more');
  const { unsettled, wants, fulfilled, state } = draft.record;
  const undone = unsettled.filter(({ at }) => at.epoch >= entry.at.epoch);
  const { brought } = draft.record;
  const back = brought.filter(({ at }) => at.epoch >= entry.at.epoch);
  for (const { at, address } of back) draft.tell(address, { type: 'undone', at });
  for (const id of undone.flatMap(({ events }) => events)) {
    const message = draft.thread.message(id);
    if (message) draft.thread.remove(message, draft.self.now);
  }
  const refs = new Set(former.held.map(({ ref }) => ref));
  const open = [...fulfilled, ...wants].map((want) => ({
    ...want,
    ref: want.ref !== undefined && refs.has(want.ref) ? want.ref : undefined,
  }));
  const leaving = state === 'leaving' || open.some(({ what }) => what.type === 'leave');
  for (const { at } of undone) draft.formers.delete(placeKey(at));
  draft.set({
    ...{ mls: former.mls, held: former.held, name: nameOf(former.mls) },
    ...{ wants: open, fulfilled: [], state: leaving ? 'leaving' : 'active' },
    unsettled: unsettled.filter((each) => !undone.includes(each)),
    ...{ brought: brought.filter((each) => !back.includes(each)), joined: undefined },
  });
};
