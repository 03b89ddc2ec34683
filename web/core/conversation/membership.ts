import {
  createGroup as createMlsGroup,
  emptyPskIndex,
  joinGroup as joinMlsGroup,
  type ClientState,
  type Extension,
  type LeafNode,
} from 'ts-mls';
import { equal, hex, text, untext } from '#shared/bytes/bytes.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import { MAX_NAME } from '#web/core/conversation/content.ts';
import { addressIn } from '#web/core/conversation/credential.ts';
import {
  makeKeyPackage,
  privateKeysOf,
  readKeyPackage,
  type Identity,
  type OwnKeyPackage,
} from '#web/core/conversation/identity.ts';
import {
  config,
  decodeGroup,
  packageFor,
  readWelcome,
  vouching,
  type Group,
} from '#web/core/conversation/mls.ts';
import { MAX_MEMBERS } from '#web/core/conversation/records.ts';
import { refusing } from '#web/core/conversation/refusing.ts';
import { NAME_EXTENSION, suite } from '#web/core/conversation/suite.ts';

/**
 * Who is in an MLS group of up to 16, and what it is called: its name is an extension of the group's context, so that
 * all who are in one epoch have one name, and whoever joins learns it with the rest.
 */

export type Member = { leaf: number; address: Uint8Array };

const TAG_LENGTH = 8;

/** An epoch, and a mark that no other epoch of the same number in another branch has: the head of its confirmation tag. */
export type Place = { epoch: number; tag: Uint8Array };

export const placeOf = ({ state }: Group): Place => ({
  epoch: Number(state.groupContext.epoch),
  tag: state.confirmationTag.slice(0, TAG_LENGTH),
});

export const samePlace = (a: Place, b: Place): boolean => a.epoch === b.epoch && equal(a.tag, b.tag);

/** Whose credential is good may be a member; who is added is looked at again. */
const open = (state: ClientState): ClientState => ({ ...state, clientConfig: config(vouching(() => true)) });

/** The own member cannot read what comes now. */
export const isOut = ({ state }: Group): boolean => state.groupActiveState.kind !== 'active';

export const ownLeaf = ({ state }: Group): number => state.privatePath.leafIndex;

export const identityOf = (leaf: LeafNode): Uint8Array => {
  if (leaf.credential.credentialType !== 'basic' || !('identity' in leaf.credential)) {
    throw new RemoteError('bad-signature', 'not a basic credential');
  }
  return leaf.credential.identity;
};

const membersIn = (tree: ClientState['ratchetTree']): Member[] =>
  tree.flatMap((node, at) =>
    node?.nodeType === 'leaf' ? [{ leaf: at / 2, address: addressIn(identityOf(node.leaf)) }] : [],
  );

/** From the lowest leaf on. */
export const membersOf = ({ state }: Group): Member[] => membersIn(state.ratchetTree);

export const nameIn = (extensions: readonly Extension[]): string => {
  const [first, ...others] = extensions;
  if (first?.extensionType !== NAME_EXTENSION || others.length > 0 || first.extensionData.length > MAX_NAME) {
    throw new RemoteError('refused', 'a group of another kind');
  }
  return untext(first.extensionData);
};

export const nameOf = ({ state }: Group): string => nameIn(state.groupContext.extensions);

export const extensionsFor = (name: string): Extension[] => [
  { extensionType: NAME_EXTENSION, extensionData: text(name) },
];

/** A group of nobody but its creator. */
export const createAlone = async (groupId: Uint8Array, identity: Identity, name: string): Promise<Group> => {
  const own = await makeKeyPackage(identity);
  const keys = [readKeyPackage(own.public), privateKeysOf(own)] as const;
  const state = await createMlsGroup(groupId, ...keys, extensionsFor(name), await suite());
  return { state: open(state), update: undefined };
};

/**
 * Joins by whichever of the own key packages the welcome is for. Throws what `packageFor` throws, `bad-signature` when
 * an address did not sign, `refused` for a group that no client makes.
 */
export const joinMembers = async (
  packages: readonly OwnKeyPackage[],
  welcome: Uint8Array,
): Promise<Group> => {
  const read = readWelcome(welcome);
  const own = await packageFor(read, packages);
  const keys = [readKeyPackage(own.public), privateKeysOf(own)] as const;
  const cs = await suite();
  const taking = config(vouching(() => true));
  const state = await refusing(() =>
    joinMlsGroup(read, ...keys, emptyPskIndex, cs, undefined, undefined, taking),
  );
  const group = { state, update: undefined };
  checkMembers(membersOf(group));
  nameOf(group);
  return group;
};

/** Throws LocalError `storage`. */
export const decodeMembers = (stored: Uint8Array): Group => {
  const { state, update } = decodeGroup(stored);
  // What ts-mls encodes of a proposal of leaf 0 is that nobody made it; here members made every one.
  const proposals = Object.entries(state.unappliedProposals).map(
    ([ref, { proposal, senderLeafIndex = 0 }]) => [ref, { proposal, senderLeafIndex }] as const,
  );
  return { state: open({ ...state, unappliedProposals: Object.fromEntries(proposals) }), update };
};

/** Throws RemoteError `refused`. */
export const checkMembers = (members: readonly Member[]): void => {
  const different = new Set(members.map(({ address }) => hex(address)));
  if (members.length > MAX_MEMBERS || different.size !== members.length) {
    throw new RemoteError('refused', 'too many members, or one twice');
  }
};

/** Throws LocalError `internal` where there is no such member. */
export const leafOf = (group: Group, address: Uint8Array): number => {
  const member = membersOf(group).find((each) => equal(each.address, address));
  if (!member) throw new LocalError('internal', 'not a member');
  return member.leaf;
};
