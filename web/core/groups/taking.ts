import { equal, hex } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import type { OwnKeyPackage } from '#web/core/conversation/identity.ts';
import { MAX_MEMBERS } from '#web/core/conversation/records.ts';
import type { GroupDraft } from '#web/core/groups/draft.ts';
import { takeCommitOf, takeFollows, takeProposalOf, takeUndone } from '#web/core/groups/epochs.ts';
import type { Fate } from '#web/core/groups/fate.ts';
import { joined, takeAgain } from '#web/core/groups/joining.ts';
import type { Packet, PacketOf } from '#web/core/groups/packets.ts';
import { takeMessageOf, takeReceipt } from '#web/core/groups/talk.ts';

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
      await takeWelcome(draft, env, from, packet);
      return 'done';
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

/** For another, whose contact this user is; or for this user, who was in the group before. */
const takeWelcome = async (
  draft: GroupDraft,
  { isContact, keyPackages }: Env,
  from: Uint8Array,
  packet: PacketOf<'welcome'>,
): Promise<void> => {
  const isMember = draft.others.some(({ address }) => equal(address, from));
  if (!equal(packet.to, draft.self.address)) {
    if (isMember) draft.tell(packet.to, packet);
    return;
  }
  const returns = draft.record.state === 'left' && isContact(hex(from));
  if (!isMember && !returns) throw new RemoteError('refused', 'a welcome of somebody else');
  await joined(draft, packet, keyPackages());
};

const hear = (draft: GroupDraft, from: Uint8Array): void => {
  if (!draft.others.some(({ address }) => equal(address, from))) return;
  const others = draft.record.heard.filter(({ address }) => !equal(address, from));
  draft.set({ heard: [...others, { address: from, at: draft.self.now }].slice(-MAX_MEMBERS) });
};
