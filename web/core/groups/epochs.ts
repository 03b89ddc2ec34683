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
import { MAX_OPEN, MAX_PROPOSALS, type Named, type PacketOf } from '#web/core/groups/packets.ts';
import {
  MAX_BROUGHT,
  MAX_ENDS,
  MAX_FULFILLED,
  MAX_NAMES,
  placeKey,
  type Held,
} from '#web/core/groups/records.ts';
import { sayAgain, settleStates } from '#web/core/groups/talk.ts';
import { goBack, settle } from '#web/core/groups/undoing.ts';
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
  // Who made it wants it in the next epoch as well.
  if (held.length >= MAX_PROPOSALS) return 'done';
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
    if (draft.record.unsettled.length >= MAX_OPEN) return 'early';
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
  const name = left ? draft.record.name : nameOf(group);
  const ends = [...draft.record.ends, { at, by }].slice(-MAX_ENDS);
  draft.set({ mls: left ? undefined : group, held: [], name, ends });
  const next = pruned(wants, { before, group, committed, me });
  const events = tellWhat(draft, outcome, left);
  const entry = { at, by, awaited, own: true, events };
  draft.set({
    wants: next.open,
    fulfilled: [...fulfilled, ...next.done].slice(-MAX_FULFILLED),
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

/** What people are called. */
export const learn = (draft: GroupDraft, named: readonly Named[]): void => {
  const fresh = named.filter(({ address, name }) => draft.nameOf(address) !== name);
  if (fresh.length === 0) return;
  const people = new Map(draft.record.people.map((each) => [hex(each.address), each]));
  for (const { address, name } of fresh) {
    const since = people.get(hex(address))?.since ?? 0;
    people.set(hex(address), { address, name, since });
  }
  draft.set({ people: keptOf(draft, [...people.values()]) });
};

/** Of people whose names came up as many as are kept, and those who are in the group before others. */
export const keptOf = (draft: GroupDraft, people: GroupDraft['record']['people']): typeof people => {
  const members = draft.others.map(({ address }) => address);
  const isIn = ({ address }: Named): boolean => has(members, address);
  return [...people.filter((each) => !isIn(each)), ...people.filter(isIn)].slice(-MAX_NAMES);
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
