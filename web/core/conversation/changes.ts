import {
  createCommit,
  createProposal,
  emptyPskIndex,
  encodeMlsMessage,
  processPrivateMessage,
  type ClientState,
  type PrivateMessage,
  type Proposal,
  type ProposalWithSender,
  type Welcome,
} from 'ts-mls';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import { equal, hex } from '#shared/bytes/bytes.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import { addressIn, verifyCredential } from '#web/core/conversation/credential.ts';
import { freshLeaf, withUpdate } from '#web/core/conversation/handshake.ts';
import { readKeyPackage } from '#web/core/conversation/identity.ts';
import {
  checkMembers,
  extensionsFor,
  identityOf,
  isOut,
  membersOf,
  nameIn,
  ownLeaf,
} from '#web/core/conversation/membership.ts';
import { readMessage, type Group } from '#web/core/conversation/mls.ts';
import { refusing } from '#web/core/conversation/refusing.ts';
import { suite } from '#web/core/conversation/suite.ts';

/**
 * Changes of a group of up to 16: proposals and commits. Whether a member may make one is for the caller to say; what
 * those of others may hold is checked here.
 */

/** What can be proposed. */
export type Change =
  | { type: 'add'; keyPackage: Uint8Array }
  | { type: 'remove'; leaf: number }
  | { type: 'rename'; name: string }
  | { type: 'update' };

/** A change that a member proposed. `ref` names the proposal in its epoch. */
export type Proposed = { ref: string; leaf: number; change: Seen };
/** As others see it. */
type Seen =
  | { type: 'add'; address: Uint8Array; expiry: Millis }
  | { type: 'remove'; leaf: number }
  | { type: 'rename'; name: string }
  | { type: 'update' };

/** What a commit came to. `removed` also has those who asked for it themselves, `left`. */
export type Outcome = {
  added: Uint8Array[];
  removed: Uint8Array[];
  left: Uint8Array[];
  renamed: string | undefined;
};

const proposalOf = async (
  { state, update }: Group,
  change: Change,
): Promise<{ proposal: Proposal; update: Group['update'] }> => {
  switch (change.type) {
    case 'add':
      return {
        proposal: { proposalType: 'add', add: { keyPackage: readKeyPackage(change.keyPackage) } },
        update,
      };
    case 'remove':
      return { proposal: { proposalType: 'remove', remove: { removed: change.leaf } }, update };
    case 'rename': {
      const groupContextExtensions = { extensions: extensionsFor(change.name) };
      return { proposal: { proposalType: 'group_context_extensions', groupContextExtensions }, update };
    }
    case 'update': {
      const fresh = await freshLeaf(state);
      return {
        proposal: { proposalType: 'update', update: { leafNode: fresh.leafNode } },
        update: fresh.update,
      };
    }
  }
};

const refsOf = ({ state }: Group): string[] => Object.keys(state.unappliedProposals);

/** The proposal is among those of the group from here on, until the epoch ends. */
export const propose = async (
  group: Group,
  change: Change,
): Promise<{ group: Group; ref: string; message: Uint8Array }> => {
  const { proposal, update } = await proposalOf(group, change);
  const made = await createProposal(group.state, false, proposal, await suite());
  const next = { state: made.newState, update };
  return { group: next, ref: added(group, next), message: encodeMlsMessage(made.message) };
};

const added = (before: Group, after: Group): string => {
  const known = new Set(refsOf(before));
  const ref = refsOf(after).find((each) => !known.has(each));
  if (ref === undefined) throw new RemoteError('replayed', 'this proposal is known');
  return ref;
};

/** What the group's proposals are. Those of a kind that no client makes are not among them. */
export const proposalsOf = ({ state }: Group): Proposed[] =>
  Object.entries(state.unappliedProposals).flatMap(([ref, { proposal, senderLeafIndex }]) => {
    const change = seen(proposal);
    return change && senderLeafIndex !== undefined ? [{ ref, leaf: senderLeafIndex, change }] : [];
  });

/** Those of proposals that were looked at before: to check a credential takes long. */
const looked = new WeakMap<Proposal, Seen>();

const seen = (proposal: Proposal): Seen | undefined => {
  const known = looked.get(proposal) ?? read(proposal);
  if (known) looked.set(proposal, known);
  return known;
};

const read = (proposal: Proposal): Seen | undefined => {
  switch (proposal.proposalType) {
    case 'add': {
      const { leafNode } = proposal.add.keyPackage;
      const { address, expiry } = verifyCredential(identityOf(leafNode), leafNode.signaturePublicKey);
      return { type: 'add', address, expiry };
    }
    case 'remove':
      return { type: 'remove', leaf: proposal.remove.removed };
    case 'update':
      return { type: 'update' };
    case 'group_context_extensions':
      return { type: 'rename', name: nameIn(proposal.groupContextExtensions.extensions) };
    default:
      return undefined;
  }
};

/** Keeps the group's proposals of these refs alone. */
export const withProposals = (group: Group, refs: readonly string[]): Group => {
  const kept = Object.entries(group.state.unappliedProposals).filter(([ref]) => refs.includes(ref));
  return { ...group, state: { ...group.state, unappliedProposals: Object.fromEntries(kept) } };
};

/** A commit that this member made; `welcomes` are one for each who was added. */
export type Committed = {
  group: Group;
  commit: Uint8Array;
  welcomes: { address: Uint8Array; welcome: Uint8Array }[];
  outcome: Outcome;
};

/** Commits the group's own proposals of these refs, and the changes, and gives the own leaf a fresh key unless it only adds. */
export const commitChanges = async (
  group: Group,
  refs: readonly string[],
  changes: readonly Change[],
  now: Millis,
): Promise<Committed> => {
  const chosen = withProposals(group, refs);
  const extraProposals: Proposal[] = [];
  for (const change of changes) {
    if (change.type !== 'update') extraProposals.push((await proposalOf(group, change)).proposal);
  }
  const cipherSuite = await suite();
  const made = await refusing(() =>
    createCommit({ state: chosen.state, cipherSuite }, { extraProposals, ratchetTreeExtension: true }),
  );
  const own = ownLeaf(group);
  const inline = extraProposals.map((proposal) => ({ proposal, senderLeafIndex: own }));
  const proposals = [...Object.values(chosen.state.unappliedProposals), ...inline];
  const outcome = outcomeOf(group, proposals, now);
  const welcomes = made.welcome ? await apart(made.welcome, proposals) : [];
  const next = succeed(group, made.newState, outcome);
  return { group: next, commit: encodeMlsMessage(made.commit), welcomes, outcome };
};

/** One welcome for each who is welcome: nobody needs what is for the others. */
const apart = async (
  welcome: Welcome,
  proposals: readonly ProposalWithSender[],
): Promise<Committed['welcomes']> => {
  const { hash } = await suite();
  const own: Committed['welcomes'] = [];
  for (const { proposal } of proposals) {
    if (proposal.proposalType !== 'add') continue;
    const ref = await makeKeyPackageRef(proposal.add.keyPackage, hash);
    const secrets = welcome.secrets.filter(({ newMember }) => equal(newMember, ref));
    const one = { version: 'mls10', wireformat: 'mls_welcome', welcome: { ...welcome, secrets } } as const;
    own.push({
      address: addressIn(identityOf(proposal.add.keyPackage.leafNode)),
      welcome: encodeMlsMessage(one),
    });
  }
  return own;
};

/** Throws RemoteError `refused` unless every proposal is one that clients make. */
const outcomeOf = (group: Group, proposals: readonly ProposalWithSender[], now: Millis): Outcome => {
  const outcome: Outcome = { added: [], removed: [], left: [], renamed: undefined };
  const addresses = new Map(membersOf(group).map(({ leaf, address }) => [leaf, address]));
  for (const { proposal, senderLeafIndex } of proposals) {
    const change = seen(proposal);
    if (!change) throw new RemoteError('refused', 'a change of another kind');
    if (change.type === 'rename') outcome.renamed = change.name;
    if (change.type === 'remove') {
      const address = addresses.get(change.leaf);
      if (!address) throw new RemoteError('refused', 'nobody to remove');
      outcome.removed.push(address);
      if (senderLeafIndex === change.leaf) outcome.left.push(address);
    }
    if (change.type === 'add') {
      if (change.expiry <= now) throw new RemoteError('expired', 'a credential past its time');
      outcome.added.push(change.address);
    }
  }
  return outcome;
};

/** The group after a commit. Throws RemoteError `refused` unless just those are members who should be. */
const succeed = (before: Group, state: ClientState, { added: fresh, removed }: Outcome): Group => {
  const next = { state: { ...state, historicalReceiverData: new Map() }, update: undefined };
  const members = membersOf(next);
  checkMembers(members);
  const gone = new Set(removed.map(hex));
  const stays = membersOf(before).filter(({ address }) => !gone.has(hex(address)));
  const moved = stays.some(
    ({ leaf, address }) => !members.some((each) => each.leaf === leaf && equal(each.address, address)),
  );
  const strangers = members.length !== stays.length + fresh.length;
  if (moved || strangers || fresh.some((each) => !members.some(({ address }) => equal(address, each)))) {
    throw new RemoteError('refused', 'other members than were proposed');
  }
  return next;
};

const privateMessageIn = (group: Group, encoded: Uint8Array): PrivateMessage => {
  const message = readMessage(encoded);
  if (message.wireformat !== 'mls_private_message')
    throw new RemoteError('malformed', 'not an MLS ciphertext');
  const { groupId, epoch } = message.privateMessage;
  if (!equal(groupId, group.state.groupContext.groupId)) throw new RemoteError('unexpected', 'another group');
  if (epoch !== group.state.groupContext.epoch) throw new RemoteError('unexpected', 'another epoch');
  return message.privateMessage;
};

/** A proposal of another member's. Throws what MLS finds wrong with it, `refused` for what no client proposes. */
export const takeProposal = async (
  group: Group,
  encoded: Uint8Array,
): Promise<{ group: Group; ref: string; leaf: number }> => {
  const message = privateMessageIn(group, encoded);
  if (message.contentType !== 'proposal') throw new RemoteError('unexpected', 'not a proposal');
  const cs = await suite();
  let sender: number | undefined;
  const { newState } = await refusing(() =>
    processPrivateMessage(group.state, message, emptyPskIndex, cs, (incoming) => {
      if (incoming.kind !== 'proposal' || !seen(incoming.proposal.proposal)) return 'reject';
      sender = incoming.proposal.senderLeafIndex;
      return 'accept';
    }),
  );
  if (sender === undefined) throw new RemoteError('refused', 'a proposal of another kind');
  const next = { ...group, state: newState };
  return { group: next, ref: added(group, next), leaf: sender };
};

/**
 * A commit of another member's, whose proposals the group has. Throws what MLS finds wrong with it, `refused` for what
 * no client commits.
 */
export const takeCommit = async (
  group: Group,
  encoded: Uint8Array,
  from: Uint8Array,
  now: Millis,
): Promise<{ group: Group; outcome: Outcome }> => {
  const message = privateMessageIn(group, encoded);
  if (message.contentType !== 'commit') throw new RemoteError('unexpected', 'not a commit');
  const cs = await suite();
  let sender: number | undefined;
  let proposals: ProposalWithSender[] = [];
  await refusing(() =>
    processPrivateMessage(group.state, message, emptyPskIndex, cs, (incoming) => {
      if (incoming.kind === 'commit') ({ proposals, senderLeafIndex: sender } = incoming);
      return 'reject';
    }),
  );
  const committer = membersOf(group).find(({ leaf }) => leaf === sender);
  if (!committer || !equal(committer.address, from))
    throw new RemoteError('refused', 'a commit of somebody else');
  const outcome = outcomeOf(group, proposals, now);
  const ready = withUpdate(group, proposals) ?? group.state;
  const { newState } = await refusing(() => processPrivateMessage(ready, message, emptyPskIndex, cs));
  if (!isOut({ state: newState, update: undefined })) nameIn(newState.groupContext.extensions);
  return { group: succeed(group, newState, outcome), outcome };
};
