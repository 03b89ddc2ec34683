import { equal } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import { verifyCredential } from '#web/core/conversation/credential.ts';
import { readKeyPackage, type Identity, type OwnKeyPackage } from '#web/core/conversation/identity.ts';
import {
  createAlone,
  identityOf,
  joinMembers,
  membersOf,
  nameOf,
  placeOf,
} from '#web/core/conversation/membership.ts';
import { groupIdOfGroup } from '#web/core/conversation/mls.ts';
import { GroupDraft, type Self } from '#web/core/groups/draft.ts';
import { learn } from '#web/core/groups/epochs.ts';
import { GROUP_ID_LENGTH, type PacketOf } from '#web/core/groups/packets.ts';
import {
  GROUP_VERSION,
  MAX_ENDS,
  sameEnd,
  type GroupRecord,
  type GroupState,
  type Unsettled,
} from '#web/core/groups/records.ts';
import { sayAgain } from '#web/core/groups/talk.ts';
import { distinct } from '#web/core/groups/wants.ts';

/** How one comes into a group: by making it, or by a welcome. */

const emptyRecord = (id: Uint8Array): GroupRecord => ({
  version: GROUP_VERSION,
  ...{ id, state: 'left', name: '', mls: undefined, timer: undefined },
  ...{ held: [], wants: [], fulfilled: [], unsettled: [], people: [], heard: [], leavers: [] },
  ...{ brought: [], vouched: [], joined: undefined, dead: [], ends: [] },
  ...{ nextOrder: 0, nextPosition: 0, readTo: 0 },
});

const empty = (id: Uint8Array): GroupState => ({
  record: emptyRecord(id),
  ...{ formers: new Map(), pasts: new Map(), said: new Map(), messages: new Map(), tombstones: new Map() },
});

/** A group of this user alone. */
export const founded = async (self: Self, identity: Identity, name: string): Promise<GroupDraft> => {
  const draft = new GroupDraft(empty(self.rng(GROUP_ID_LENGTH)), self, true);
  const mls = await createAlone(draft.record.id, identity, name);
  draft.set({ state: 'active', name, mls });
  draft.happened({ type: 'created' }, { mine: true, author: self.address });
  return draft;
};

/** A group that was not known. Throws what `joined` throws. */
export const invited = async (
  self: Self,
  id: Uint8Array,
  packet: PacketOf<'welcome'>,
  packages: readonly OwnKeyPackage[],
): Promise<GroupDraft> => {
  const draft = new GroupDraft(empty(id), self, true);
  await joined(draft, packet, packages);
  return draft;
};

/** This user is in the group by what others know, and asks those to be added anew who may do so. */
export const askAgain = (
  draft: GroupDraft,
  contacts: readonly Uint8Array[],
  keyPackage: Uint8Array,
): void => {
  for (const to of contacts) draft.tell(to, { type: 'again', keyPackage });
  draft.set({ state: 'left' });
};

/** A member who lost the group's keys. Throws RemoteError `refused` for a key package of somebody else. */
export const takeAgain = (draft: GroupDraft, from: Uint8Array, { keyPackage }: PacketOf<'again'>): void => {
  const { leafNode } = readKeyPackage(keyPackage);
  if (!equal(verifyCredential(identityOf(leafNode), leafNode.signaturePublicKey).address, from))
    throw new RemoteError('refused', 'a key package of somebody else');
  const { wants, state } = draft.record;
  const known = wants.some(({ what }) => what.type === 'readd' && equal(what.address, from));
  if (state !== 'active' || known || !draft.others.some(({ address }) => equal(address, from))) return;
  const what = { type: 'readd', address: from, name: draft.nameOf(from), keyPackage } as const;
  draft.set({ wants: [...wants, { what, ref: undefined }] });
};

/** This user is in the group by a welcome. Throws what `joinMembers` throws, and `refused` for another group or another user's. */
export const joined = async (
  draft: GroupDraft,
  { by, after, open: entries, welcome, names }: PacketOf<'welcome'>,
  packages: readonly OwnKeyPackage[],
): Promise<void> => {
  const { self } = draft;
  const mls = await joinMembers(packages, welcome);
  const members = membersOf(mls);
  const place = placeOf(mls);
  const isOurs = equal(groupIdOfGroup(mls), draft.record.id) && place.epoch === after.epoch + 1;
  if (!isOurs || !members.some(({ address }) => equal(address, by)))
    throw new RemoteError('refused', 'a welcome into another group');
  const again = [...draft.said.values()];
  const { fulfilled, wants } = draft.record;
  const leaving = draft.record.state === 'leaving';
  const open = distinct([...fulfilled, ...wants]).filter(
    ({ what }) => what.type !== 'update' && (what.type !== 'leave' || leaving),
  );
  draft.set({
    ...{ state: leaving ? 'leaving' : 'active', name: nameOf(mls), mls, held: [], fulfilled: [] },
    wants: [{ type: 'update' } as const, ...open.map(({ what }) => what)].map((what) => ({
      what,
      ref: undefined,
    })),
  });
  learn(draft, names);
  const event = draft.happened({ type: 'added', member: self.address, name: self.name });
  const unsettled = agreed(draft, entries, event);
  const end = { at: after, by };
  const ends = pathOf(draft, [...entries.map((each) => ({ at: each.at, by: each.by })), end]);
  draft.set({ unsettled, ends, joined: unsettled.length > 0 ? end : undefined });
  await sayAgain(draft, again);
};

type Ends = GroupRecord['ends'];

const pathOf = ({ record: { ends } }: GroupDraft, told: Ends): Ends => {
  const fresh = told.filter((each) => !ends.some((known) => sameEnd(known, each)));
  return [...ends, ...fresh].sort((a, b) => a.at.epoch - b.at.epoch).slice(-MAX_ENDS);
};

/** What may still be undone of how the group came here. Whoever was in it before may have to go back to that. */
const agreed = (draft: GroupDraft, entries: PacketOf<'welcome'>['open'], event: Uint8Array): Unsettled[] => {
  const me = draft.self.address;
  const { unsettled, ends } = draft.record;
  return entries.flatMap(({ at, by, awaited }): Unsettled[] => {
    const known = unsettled.find((each) => sameEnd(each, { at, by }));
    // Whoever is welcome goes by what led there.
    if (!known && awaited.some((each) => equal(each, me)))
      for (const { address } of draft.others) draft.tell(address, { type: 'follows', at, by, who: me });
    const still = awaited.filter(
      (who) => !equal(who, me) && (!known || known.awaited.some((each) => equal(each, who))),
    );
    // What this user knows of is settled here, though not yet for who welcomes them.
    const isSettled = !known && ends.some((each) => sameEnd(each, { at, by }));
    if (still.length === 0 || isSettled) return [];
    return [{ at, by, awaited: still, own: known?.own ?? false, events: known?.events ?? [event] }];
  });
};
