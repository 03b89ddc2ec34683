import { equal, hex } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import { placeOf } from '#web/core/conversation/membership.ts';
import type { OwnKeyPackage } from '#web/core/conversation/identity.ts';
import { MAX_MEMBERS } from '#web/core/conversation/records.ts';
import type { GroupDraft } from '#web/core/groups/draft.ts';
import { takeCommitOf, takeProposalOf } from '#web/core/groups/epochs.ts';
import type { Fate } from '#web/core/groups/fate.ts';
import { joined, takeAgain } from '#web/core/groups/joining.ts';
import type { Packet, PacketOf } from '#web/core/groups/packets.ts';
import { contradicts, passed, sameEnd } from '#web/core/groups/records.ts';
import { takeMessageOf, takeReceipt } from '#web/core/groups/talk.ts';
import { takeFollows, takeUndone } from '#web/core/groups/undoing.ts';

type Env = {
  /** True for whoever may bring this user into a group. */
  isContact: (address: string) => boolean;
  keyPackages: () => readonly OwnKeyPackage[];
};

/** What a packet of a member's does to a group. Throws RemoteError for what is not as it should be. */
export const takePacket = async (
  draft: GroupDraft,
  env: Env,
  from: Uint8Array,
  packet: Packet,
): Promise<Fate> => {
  const fate = await effectOf(draft, env, from, packet);
  if (fate === 'done') hear(draft, from);
  return fate;
};

const effectOf = async (draft: GroupDraft, env: Env, from: Uint8Array, packet: Packet): Promise<Fate> => {
  switch (packet.type) {
    case 'welcome':
      return takeWelcome(draft, env, from, packet);
    case 'proposal':
      return takeProposalOf(draft, from, packet);
    case 'commit':
      return takeCommitOf(draft, from, packet);
    case 'message':
      return takeMessageOf(draft, from, packet);
    case 'follows':
      return takeFollows(draft, from, packet);
    case 'again':
      if (env.isContact(hex(from))) takeAgain(draft, from, packet);
      return 'done';
    case 'undone':
      return takeUndone(draft, from, packet);
    case 'has':
    case 'seen':
      return takeReceipt(draft, from, packet);
  }
};

/**
 * For another, whom this user wanted to be added; or for this user, who was in the group before. Whoever is in it waits for
 * what takes them out, which came to those before who welcome them again; if nothing does, the welcome was of a branch that
 * is undone. Whoever is out by what may be undone waits until they and who welcomes them agree on how the group came there.
 */
const takeWelcome = async (
  draft: GroupDraft,
  { isContact, keyPackages }: Env,
  from: Uint8Array,
  packet: PacketOf<'welcome'>,
): Promise<Fate> => {
  const { mls, unsettled, dead } = draft.record;
  if (!equal(packet.to, draft.self.address)) return passOn(draft, packet);
  const { after, by, open } = packet;
  const end = { at: after, by };
  if (dead.some((each) => sameEnd(each, end))) return 'done';
  if (mls) return placeOf(mls).epoch <= after.epoch || unsettled.length > 0 ? 'early' : 'done';
  if (!unsettled.every((own) => open.some((each) => sameEnd(each, own)))) return 'early';
  const isOld = after.epoch <= passed(draft.record) && unsettled.length === 0;
  if (isOld || [...open, end].some((each) => contradicts(draft.record, each))) return 'done';
  if (!isContact(hex(from))) throw new RemoteError('refused', 'a welcome of no contact');
  await joined(draft, packet, keyPackages());
  return 'done';
};

/** Throws RemoteError `refused` for whom this user did not want to be added. */
const passOn = (draft: GroupDraft, packet: PacketOf<'welcome'>): Fate => {
  if (!draft.record.vouched.some((address) => equal(address, packet.to)))
    throw new RemoteError('refused', 'a welcome for somebody whom another wanted to be added');
  draft.tell(packet.to, packet);
  return 'done';
};

const hear = (draft: GroupDraft, from: Uint8Array): void => {
  if (!draft.others.some(({ address }) => equal(address, from))) return;
  const others = draft.record.heard.filter(({ address }) => !equal(address, from));
  draft.set({ heard: [...others, { address: from, at: draft.self.now }].slice(-MAX_MEMBERS) });
};
