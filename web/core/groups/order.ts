import { equal, hex } from '#shared/bytes/bytes.ts';
import { codeOf, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import {
  commitChanges,
  propose,
  proposalsOf,
  withProposals,
  type Change,
  type Committed,
} from '#web/core/conversation/changes.ts';
import { membersOf, ownLeaf, placeOf, type Member } from '#web/core/conversation/membership.ts';
import type { Group as Mls } from '#web/core/conversation/mls.ts';
import { MAX_MEMBERS } from '#web/core/conversation/records.ts';
import type { GroupDraft } from '#web/core/groups/draft.ts';
import { enter } from '#web/core/groups/epochs.ts';
import { MAX_OPEN, MAX_PROPOSALS, MAX_UNSETTLED, type Named } from '#web/core/groups/packets.ts';
import { MAX_VOUCHED, type Held, type Want } from '#web/core/groups/records.ts';
import { forget } from '#web/core/groups/undoing.ts';
import { changeFor } from '#web/core/groups/wants.ts';

/** Whose turn it is to end an epoch, and what its commit holds. */

/** Who was to commit, and was not heard for so long, is passed over. */
export const SILENT_MS: Millis = 7 * 86_400_000;

/** How often it is looked whether it has come to that. */
const LOOK_MS: Millis = 86_400_000;

/** Mark of a want that its owner commits without a proposal. */
const OWN = 'own';

/** Does what this user is due: commits, if it is theirs to, else proposes what they want. */
export const advance = async (draft: GroupDraft): Promise<void> => {
  const { state, mls } = draft.record;
  if (!mls || state === 'left') return;
  if (commitsNow(draft)) {
    await commit(draft);
    return;
  }
  await proposeAll(draft);
  // Where everybody leaves, nobody is left to commit it; but somebody may yet undo how it came to that.
  if (state !== 'leaving' || draft.record.unsettled.length > 0) return;
  if (!draft.others.every((each) => isLeaving(draft, each))) return;
  draft.happened({ type: 'left' }, { mine: true, author: draft.self.address });
  forget(draft);
};

/** When to look whether silence has made it this user's turn; undefined while nothing waits. */
export const lookAt = ({ record, others, self }: GroupDraft): Millis | undefined =>
  record.held.length > 0 && others.length > 0 ? self.now + LOOK_MS : undefined;

/** They said so in this epoch, in which they make no commit any more. */
const isLeaving = ({ record, self, mls }: GroupDraft, { address, leaf }: Member): boolean =>
  (record.state === 'leaving' && equal(address, self.address)) || wantGone(mls, leaf).includes(leaf);

/** Leaves of those who want the member of a leaf to be removed, which that one can't commit. */
const wantGone = (mls: Mls, gone: number): number[] =>
  proposalsOf(mls).flatMap(({ leaf, change }) =>
    change.type === 'remove' && change.leaf === gone ? [leaf] : [],
  );

/** The lowest leaf that stays, or, where nobody does, the lowest that does not leave; those before it were silent. */
const commitsNow = (draft: GroupDraft): boolean => {
  const { mls, self, record } = draft;
  const members = membersOf(mls);
  const here = members.filter((each) => !isLeaving(draft, each));
  const staying = here.filter(({ leaf }) => wantGone(mls, leaf).length === 0);
  const line = staying.length > 0 ? staying : here;
  const place = line.findIndex(({ address }) => equal(address, self.address));
  if (place < 0) return false;
  // Only a commit of the lowest leaf is settled at once.
  const most = place > 0 ? MAX_UNSETTLED : MAX_OPEN;
  if (record.unsettled.length >= most && members[0]?.leaf !== ownLeaf(mls)) return false;
  return line.slice(0, place).every(({ address }) => isSilent(draft, address, place));
};

const isSilent = ({ record, self }: GroupDraft, address: Uint8Array, place: number): boolean => {
  if (record.unsettled.some(({ awaited }) => awaited.some((each) => equal(each, address)))) return true;
  if (record.held.length === 0) return false;
  const heard = record.heard.find((each) => equal(each.address, address))?.at ?? 0;
  const asked = Math.min(...record.held.map(({ at }) => at));
  return self.now - Math.max(heard, asked) >= place * SILENT_MS;
};

type Own = { want: Want; change: Change };
type Chosen = { held: Held[]; own: Own[] };

/** Does nothing where there is nothing to commit. */
const commit = async (draft: GroupDraft): Promise<void> => {
  const { self } = draft;
  const made = await make(draft);
  if (!made) return;
  const { chosen, committed } = made;
  const { group, commit: message, welcomes, outcome } = committed;
  const before = placeOf(draft.mls);
  const proposals = chosen.held.map((each) => each.message);
  const named = namesOf(draft, outcome.added);
  for (const { address } of draft.others) {
    draft.tell(address, { type: 'commit', at: before, proposals, commit: message, named });
  }
  const sponsors = welcomes.map(({ address }) => sponsorOf(draft, address, chosen.held) ?? address);
  const inline = chosen.own.map(({ want }) => want);
  draft.set({
    wants: draft.record.wants.map((want) => (inline.includes(want) ? { ...want, ref: OWN } : want)),
  });
  const refs = chosen.held.map(({ ref }) => ref);
  enter(draft, { group, outcome, by: self.address, committed: [OWN, ...refs] });
  const open = draft.record.unsettled.map(({ at, by, awaited }) => ({ at, by, awaited }));
  const names = namesOf(
    draft,
    membersOf(group).map(({ address }) => address),
  );
  for (const [at, { address: to, welcome }] of welcomes.entries()) {
    const packet = { type: 'welcome', to, by: self.address, after: before, open, welcome, names } as const;
    draft.tell(sponsors[at] ?? to, packet);
  }
};

const make = async (draft: GroupDraft): Promise<{ chosen: Chosen; committed: Committed } | undefined> => {
  const { self } = draft;
  for (;;) {
    const { mls, record } = draft;
    const own = ownOf(draft);
    const chosen = choose(mls, record.held, own, self.now);
    if (chosen.held.length === 0 && chosen.own.length === 0) return undefined;
    const committed = await attempt(mls, chosen, self.now);
    if (committed) return { chosen, committed };
    await dropBad(draft, chosen);
  }
};

/** What this user wants and can commit, each change once. */
const ownOf = ({ mls, record, self }: GroupDraft): Own[] => {
  const found = new Map<string, Own>();
  for (const want of record.wants) {
    if (want.what.type === 'leave' || want.ref !== undefined) continue;
    const change = changeFor(mls, want, self.address);
    const whom = 'address' in want.what ? hex(want.what.address) : '';
    if (change) found.set(`${change.type} ${whom}`, { want, change });
  }
  return [...found.values()];
};

const attempt = async (mls: Mls, { held, own }: Chosen, now: Millis): Promise<Committed | undefined> => {
  const refs = held.map(({ ref }) => ref);
  const changes = own.map(({ change }) => change);
  try {
    return await commitChanges(mls, refs, changes, now);
  } catch (error) {
    if (error instanceof RemoteError) return undefined;
    throw error;
  }
};

/** What MLS does not take even by itself goes, so that it keeps nothing else from being committed; if it is none of them, what came last of others. */
const dropBad = async (draft: GroupDraft, { held, own }: Chosen): Promise<void> => {
  const { mls, self, record } = draft;
  const alone: Chosen[] = [
    ...own.map((each) => ({ held: [], own: [each] })),
    ...held.map((each) => ({ held: [each], own: [] })),
  ];
  const bad: Chosen[] = [];
  for (const one of alone) if (!(await attempt(mls, one, self.now))) bad.push(one);
  const gone = bad.length > 0 ? bad : alone.slice(Math.ceil(alone.length / 2));
  const refs = gone.flatMap((each) => each.held.map(({ ref }) => ref));
  const wants = gone.flatMap((each) => each.own.map(({ want }) => want));
  const kept = record.held.filter(({ ref }) => !refs.includes(ref));
  draft.set({
    mls: withProposals(
      mls,
      kept.map(({ ref }) => ref),
    ),
    held: kept,
    wants: record.wants.filter((want) => !wants.includes(want)),
  });
};

/** Whose contact they are; undefined: this user's. */
const sponsorOf = (
  { mls, self }: GroupDraft,
  to: Uint8Array,
  held: readonly Held[],
): Uint8Array | undefined => {
  const added = proposalsOf(mls).filter(({ change }) => change.type === 'add' && equal(change.address, to));
  const by = held.find(({ ref }) => added.some((each) => each.ref === ref))?.by;
  return by && !equal(by, self.address) ? by : undefined;
};

const namesOf = (draft: GroupDraft, addresses: readonly Uint8Array[]): Named[] =>
  addresses.map((address) => ({ address, name: draft.nameOf(address) }));

/** Of what is wanted, as much as can be had at once: own changes first, then proposals in the order in which they came. */
const choose = (mls: Mls, held: readonly Held[], own: readonly Own[], now: Millis): Chosen => {
  const members = membersOf(mls);
  const proposals = new Map(proposalsOf(mls).map((each) => [each.ref, each]));
  const present = new Set(members.map(({ address }) => hex(address)));
  for (const { want } of own)
    if (want.what.type === 'add' || want.what.type === 'readd') present.add(hex(want.what.address));
  const removed = new Set(own.flatMap(({ change }) => (change.type === 'remove' ? [change.leaf] : [])));
  const removals = held.filter(({ ref }) => {
    const change = proposals.get(ref)?.change;
    if (change?.type !== 'remove' || removed.has(change.leaf) || change.leaf === ownLeaf(mls)) return false;
    if (!members.some(({ leaf }) => leaf === change.leaf)) return false;
    removed.add(change.leaf);
    return true;
  });
  let room = MAX_MEMBERS - members.length + removed.size;
  const fitting = own.filter(({ change }) => change.type !== 'add' || room-- > 0);
  let renamed = own.some(({ change }) => change.type === 'rename');
  const others = held.filter(({ ref }) => {
    const proposal = proposals.get(ref);
    switch (proposal?.change.type) {
      case 'add': {
        const id = hex(proposal.change.address);
        if (room <= 0 || present.has(id) || proposal.change.expiry <= now) return false;
        present.add(id);
        room -= 1;
        return true;
      }
      case 'rename':
        if (renamed) return false;
        renamed = true;
        return true;
      case 'update':
        return proposal.leaf !== ownLeaf(mls) && !removed.has(proposal.leaf);
      default:
        return false;
    }
  });
  return apart({ held: [...removals, ...others], own: fitting }, (ref) => proposals.get(ref)?.change.type);
};

/**
 * What one commit can't hold together waits for the next. With ts-mls nobody is added by the commit that removes others:
 * the leaf that becomes free would be taken at once, and who had it would not see that they are out. And a new name goes
 * without what brings a fresh key: the path of a commit is sealed for the group's former extensions, and opened for the new.
 */
const apart = ({ held, own }: Chosen, typeOf: (ref: string) => Change['type'] | undefined): Chosen => {
  const types = [...held.map(({ ref }) => typeOf(ref)), ...own.map(({ change }) => change.type)];
  const waits: readonly (Change['type'] | undefined)[] = types.includes('remove')
    ? ['add', 'rename']
    : types.includes('update')
      ? ['rename']
      : [];
  return {
    held: held.filter(({ ref }) => !waits.includes(typeOf(ref))),
    own: own.filter(({ change }) => !waits.includes(change.type)),
  };
};

const proposeAll = async (draft: GroupDraft): Promise<void> => {
  const { self } = draft;
  for (const want of draft.record.wants) {
    if (want.ref !== undefined || draft.record.held.length >= MAX_PROPOSALS) continue;
    const change = changeFor(draft.mls, want, self.address);
    if (!change) continue;
    const at = placeOf(draft.mls);
    const made = await propose(draft.mls, change).catch((error: unknown) => {
      // The same was proposed before, by bytes that are the same.
      if (codeOf(error) === 'replayed') return undefined;
      throw error;
    });
    if (!made) continue;
    const held = { ref: made.ref, message: made.message, by: self.address, at: self.now };
    const wants = draft.record.wants.map((each) => (each === want ? { ...each, ref: made.ref } : each));
    const named = namedIn(want);
    draft.set({
      ...{ mls: made.group, held: [...draft.record.held, held], wants },
      vouched: named ? withVouched(draft, named.address) : draft.record.vouched,
    });
    for (const { address } of draft.others)
      draft.tell(address, { type: 'proposal', at, message: made.message, named });
  }
};

const withVouched = ({ record }: GroupDraft, address: Uint8Array): Uint8Array[] =>
  [...record.vouched.filter((each) => !equal(each, address)), address].slice(-MAX_VOUCHED);

const namedIn = ({ what }: Want): Named | undefined =>
  what.type === 'add' || what.type === 'readd' ? { address: what.address, name: what.name } : undefined;
