import {
  createCommit,
  createProposal,
  encodeMlsMessage,
  emptyPskIndex,
  processPrivateMessage,
  type ClientState,
  type LeafNodeUpdate,
  type PrivateMessage,
  type ProposalWithSender,
} from 'ts-mls';
import { encode } from 'ts-mls/codec/tlsEncoder.js';
import { signWithLabel } from 'ts-mls/crypto/signature.js';
import { leafNodeTBSEncoder } from 'ts-mls/leafNode.js';
import { equal } from '#shared/bytes/bytes.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import { readMessage, type Group, type PendingUpdate } from '#web/core/conversation/mls.ts';
import { refusing } from '#web/core/conversation/refusing.ts';
import { suite } from '#web/core/conversation/suite.ts';

/** Renewing the keys of a group's leaves, and receiving whatever the other member sends. */

/** Where the own leaf stands in the tree. */
export const ownNode = ({ privatePath }: ClientState): number => 2 * privatePath.leafIndex;

/** A fresh key for the own leaf, signed into it (RFC 9420, section 12.1.2). */
export const freshLeaf = async (
  state: ClientState,
): Promise<{ leafNode: LeafNodeUpdate; update: PendingUpdate }> => {
  const cs = await suite();
  const node = state.ratchetTree[ownNode(state)];
  if (node?.nodeType !== 'leaf') throw new LocalError('internal', 'no leaf of our own');
  const keys = await cs.hpke.generateKeyPair();
  const publicKey = await cs.hpke.exportPublicKey(keys.publicKey);
  const secretKey = await cs.hpke.exportPrivateKey(keys.privateKey);
  const { signaturePublicKey, credential, capabilities } = node.leaf;
  const fields = { hpkePublicKey: publicKey, signaturePublicKey, credential, capabilities };
  const content = { ...fields, leafNodeSource: 'update' as const, extensions: [] };
  const { groupId } = state.groupContext;
  const signed = encode(leafNodeTBSEncoder)({ ...content, groupId, leafIndex: state.privatePath.leafIndex });
  const signature = await signWithLabel(state.signaturePrivateKey, 'LeafNodeTBS', signed, cs.signature);
  return { leafNode: { ...content, signature }, update: { publicKey, secretKey } };
};

/** A fresh key for the own leaf, for the other member to commit. */
export const proposeUpdate = async (
  group: Group,
  authenticatedData: Uint8Array,
): Promise<{ group: Group; ciphertext: Uint8Array }> => {
  const { leafNode, update } = await freshLeaf(group.state);
  const proposal = { proposalType: 'update' as const, update: { leafNode } };
  const made = await createProposal(group.state, false, proposal, await suite(), authenticatedData);
  return { group: { state: made.newState, update }, ciphertext: encodeMlsMessage(made.message) };
};

/** Commits what was proposed, and a fresh key for the own leaf with it. */
export const commitUpdate = async (
  group: Group,
  authenticatedData: Uint8Array,
): Promise<{ group: Group; ciphertext: Uint8Array }> => {
  const context = { state: group.state, cipherSuite: await suite() };
  const made = await refusing(() => createCommit(context, { authenticatedData }));
  return { group: { ...group, state: made.newState }, ciphertext: encodeMlsMessage(made.commit) };
};

export type Received = { group: Group; authenticatedData: Uint8Array } & (
  | { type: 'application'; payload: Uint8Array }
  | { type: 'proposal' }
  /** `lost`: an update of our own that this commit left out, so that it has to be proposed again. */
  | { type: 'commit'; lost: boolean }
);

/**
 * Throws `bad-layer` (forged or altered), `bad-signature`, `malformed`, `refused` (a proposal that changes who is in
 * the group, or a commit by who may not), `stale` (a proposal for an epoch that has passed).
 */
export const decrypt = async (group: Group, ciphertext: Uint8Array): Promise<Received> => {
  const message = readMessage(ciphertext);
  if (message.wireformat !== 'mls_private_message')
    throw new RemoteError('malformed', 'not an MLS ciphertext');
  const { privateMessage } = message;
  if (!equal(privateMessage.groupId, group.state.groupContext.groupId)) throw new RemoteError('unexpected');
  if (privateMessage.epoch > group.state.groupContext.epoch)
    throw new RemoteError('unexpected', 'a later epoch');
  return refusing(() =>
    privateMessage.contentType === 'commit'
      ? receiveCommit(group, privateMessage)
      : receiveOther(group, privateMessage),
  );
};

const isUpdate = ({ proposal }: ProposalWithSender): boolean => proposal.proposalType === 'update';

const receiveOther = async (group: Group, message: PrivateMessage): Promise<Received> => {
  const { authenticatedData } = message;
  const result = await processPrivateMessage(
    group.state,
    message,
    emptyPskIndex,
    await suite(),
    (incoming) => (incoming.kind === 'proposal' && isUpdate(incoming.proposal) ? 'accept' : 'reject'),
  );
  const next = { ...group, state: result.newState };
  if (result.kind === 'applicationMessage') {
    return { type: 'application', group: next, payload: result.message, authenticatedData };
  }
  if (result.actionTaken === 'reject') throw new RemoteError('refused', 'only updates are proposed here');
  return { type: 'proposal', group: next, authenticatedData };
};

/**
 * A commit may hold the own update, whose secret key has to be in place before the commit's path is opened. So it is
 * read twice: once to see what it commits, once to apply it.
 */
const receiveCommit = async (group: Group, message: PrivateMessage): Promise<Received> => {
  const cs = await suite();
  const { state, update } = group;
  let proposals: ProposalWithSender[] = [];
  let sender: number | undefined;
  await processPrivateMessage(state, message, emptyPskIndex, cs, (incoming) => {
    if (incoming.kind === 'commit') ({ proposals, senderLeafIndex: sender } = incoming);
    return 'reject';
  });
  if (sender !== 0) throw new RemoteError('refused', 'only the creator commits');
  if (!proposals.every(isUpdate)) throw new RemoteError('refused', 'only updates are committed here');
  const ready = withUpdate(group, proposals);
  const { newState } = await processPrivateMessage(ready ?? state, message, emptyPskIndex, cs);
  return {
    type: 'commit',
    group: { state: newState, update: undefined },
    lost: update !== undefined && ready === undefined,
    authenticatedData: message.authenticatedData,
  };
};

/** The state with the own leaf's next key in place, if these proposals hold it. */
export const withUpdate = (
  { state, update }: Group,
  proposals: readonly ProposalWithSender[],
): ClientState | undefined => {
  const included =
    update !== undefined &&
    proposals.some(
      ({ proposal, senderLeafIndex }) =>
        proposal.proposalType === 'update' &&
        senderLeafIndex === state.privatePath.leafIndex &&
        equal(proposal.update.leafNode.hpkePublicKey, update.publicKey),
    );
  if (!included) return undefined;
  const privateKeys = { ...state.privatePath.privateKeys, [ownNode(state)]: update.secretKey };
  return { ...state, privatePath: { ...state.privatePath, privateKeys } };
};
