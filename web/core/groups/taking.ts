import { equal, hex } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import { placeOf } from '#web/core/conversation/membership.ts';
import type { OwnKeyPackage } from '#web/core/conversation/identity.ts';
import { MAX_MEMBERS } from '#web/core/conversation/records.ts';
import type { GroupDraft } from '#web/core/groups/draft.ts';
import { takeCommitOf, takeFollows, takeProposalOf, takeUndone } from '#web/core/groups/epochs.ts';
import { fateOf, isPresent, type Fate } from '#web/core/groups/fate.ts';
import { joined, takeAgain } from '#web/core/groups/joining.ts';
import type { Packet, PacketOf } from '#web/core/groups/packets.ts';
import { sameStep } from '#web/core/groups/records.ts';
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
 * For another, whose contact this user is; or for this user, who was in the group before. Whoever is in it waits for what
 * takes them out, which came to those before who welcome them again; if nothing does, the welcome was of a branch that is undone.
 */
const takeWelcome = async (
  draft: GroupDraft,
  { isContact, keyPackages }: Env,
  from: Uint8Array,
  packet: PacketOf<'welcome'>,
): Promise<Fate> => {
  const { mls, unsettled, dead } = draft.record;
  if (!equal(packet.to, draft.self.address)) return passOn(draft, packet);
  if (dead.some((step) => sameStep(step, packet))) return 'done';
  if (mls) {
    const mayBeOut = placeOf(mls).epoch <= packet.after.epoch || unsettled.some(({ own }) => !own);
    return mayBeOut ? 'early' : 'done';
  }
  if (!isContact(hex(from))) throw new RemoteError('refused', 'a welcome of no contact');
  await joined(draft, packet, keyPackages());
  return 'done';
};

/** Once they are a member here too, though who welcomed them may be none any more. */
const passOn = (draft: GroupDraft, packet: PacketOf<'welcome'>): Fate => {
  const { to, after } = packet;
  if (draft.others.some(({ address }) => equal(address, to))) {
    draft.tell(to, packet);
    return 'done';
  }
  const mayBe = draft.record.unsettled.some(({ at }) => at.epoch <= after.epoch);
  return mayBe || isPresent(draft, after) ? 'early' : fateOf(draft, after);
};

const hear = (draft: GroupDraft, from: Uint8Array): void => {
  if (!draft.others.some(({ address }) => equal(address, from))) return;
  const others = draft.record.heard.filter(({ address }) => !equal(address, from));
  draft.set({ heard: [...others, { address: from, at: draft.self.now }].slice(-MAX_MEMBERS) });
};
