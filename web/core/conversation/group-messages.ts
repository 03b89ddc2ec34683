import {
  createApplicationMessage,
  emptyPskIndex,
  encodeMlsMessage,
  processPrivateMessage,
  type ClientState,
  type EpochReceiverData,
  type PrivateMessage,
} from 'ts-mls';
import { encode } from 'ts-mls/codec/tlsEncoder.js';
import { decodeEpochReceiverData, epochReceiverDataEncoder } from 'ts-mls/epochReceiverData.js';
import { decryptSenderData } from 'ts-mls/privateMessage.js';
import { equal } from '#shared/bytes/bytes.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import { addressIn } from '#web/core/conversation/credential.ts';
import { identityOf } from '#web/core/conversation/membership.ts';
import { readMessage, type Group } from '#web/core/conversation/mls.ts';
import { refusing } from '#web/core/conversation/refusing.ts';
import { suite } from '#web/core/conversation/suite.ts';

/** Messages of a group's members to all of it, of the epoch that is and of those that were. */

/** What opens messages of an epoch that is over: nobody can be added by it, and nothing sent. */
export type Past = { readonly data: EpochReceiverData };

/** The epoch as it will be kept once it is over. The tree stays for its signature keys alone. */
export const pastOf = ({ state }: Group): Past => {
  const none = new Uint8Array(0);
  const ratchetTree = state.ratchetTree.map((node) =>
    node?.nodeType === 'leaf' ? { ...node, leaf: { ...node.leaf, hpkePublicKey: none } } : undefined,
  );
  const { secretTree, groupContext } = state;
  const { senderDataSecret } = state.keySchedule;
  return { data: { secretTree, ratchetTree, senderDataSecret, groupContext, resumptionPsk: none } };
};

export const encodePast = ({ data }: Past): Uint8Array => encode(epochReceiverDataEncoder)(data);

/** Throws LocalError `storage`. */
export const decodePast = (stored: Uint8Array): Past => {
  const read = decodeEpochReceiverData(stored, 0);
  if (read?.[1] !== stored.length) throw new LocalError('storage', 'a stored epoch does not parse');
  return { data: read[0] };
};

/**
 * Proposals that wait do not keep the members from speaking, other than RFC 9420, section 12.4, has it: who commits does
 * so at once, and the others may have to wait for that for days.
 */
export const sealForAll = async (
  group: Group,
  payload: Uint8Array,
): Promise<{ group: Group; message: Uint8Array }> => {
  const { unappliedProposals } = group.state;
  const made = await createApplicationMessage(
    { ...group.state, unappliedProposals: {} },
    payload,
    await suite(),
  );
  const { privateMessage } = made;
  return {
    group: { ...group, state: { ...made.newState, unappliedProposals } },
    message: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage }),
  };
};

/** Throws what MLS finds wrong with it, and `refused` when another member than `from` made it. */
export const openNow = async (
  group: Group,
  encoded: Uint8Array,
  from: Uint8Array,
): Promise<{ group: Group; payload: Uint8Array }> => {
  const { state } = group;
  const message = applicationIn(encoded, state.groupContext);
  await checkSender(message, state.keySchedule.senderDataSecret, state.ratchetTree, from);
  const { newState, payload } = await opened(state, message);
  return { group: { ...group, state: newState }, payload };
};

/** As `openNow`, by what is kept of an epoch that is over; `group` is the same group in any other. */
export const openPast = async (
  group: Group,
  { data }: Past,
  encoded: Uint8Array,
  from: Uint8Array,
): Promise<{ past: Past; payload: Uint8Array }> => {
  const message = applicationIn(encoded, data.groupContext);
  await checkSender(message, data.senderDataSecret, data.ratchetTree, from);
  const { epoch } = data.groupContext;
  const later = { ...group.state.groupContext, epoch: epoch + 1n };
  const historicalReceiverData = new Map([[epoch, data]]);
  const state = { ...group.state, groupContext: later, historicalReceiverData };
  const { newState, payload } = await opened(state, message);
  const used = newState.historicalReceiverData.get(epoch);
  if (!used) throw new LocalError('internal', 'an epoch that was just used is gone');
  return { past: { data: used }, payload };
};

const applicationIn = (encoded: Uint8Array, context: ClientState['groupContext']): PrivateMessage => {
  const message = readMessage(encoded);
  if (message.wireformat !== 'mls_private_message')
    throw new RemoteError('malformed', 'not an MLS ciphertext');
  const { groupId, epoch, contentType } = message.privateMessage;
  if (!equal(groupId, context.groupId) || epoch !== context.epoch || contentType !== 'application') {
    throw new RemoteError('unexpected', 'of another group, epoch or kind');
  }
  return message.privateMessage;
};

const checkSender = async (
  message: PrivateMessage,
  secret: Uint8Array,
  tree: ClientState['ratchetTree'],
  from: Uint8Array,
): Promise<void> => {
  const cs = await suite();
  const sender = await refusing(() => decryptSenderData(message, secret, cs));
  const node = sender && tree[2 * sender.leafIndex];
  if (node?.nodeType !== 'leaf' || !equal(addressIn(identityOf(node.leaf)), from)) {
    throw new RemoteError('refused', 'a message of somebody else');
  }
};

const opened = async (
  state: ClientState,
  message: PrivateMessage,
): Promise<{ newState: ClientState; payload: Uint8Array }> => {
  const cs = await suite();
  const result = await refusing(() => processPrivateMessage(state, message, emptyPskIndex, cs));
  if (result.kind !== 'applicationMessage') throw new RemoteError('unexpected', 'not a message');
  return { newState: result.newState, payload: result.message };
};
