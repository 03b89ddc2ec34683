import {
  createApplicationMessage,
  createCommit,
  createGroup as createMlsGroup,
  decodeGroupState,
  decodeMlsMessage,
  defaultKeyPackageEqualityConfig,
  defaultKeyRetentionConfig,
  defaultLifetimeConfig,
  emptyPskIndex,
  encodeGroupState,
  encodeMlsMessage,
  joinGroup as joinMlsGroup,
  mlsExporter,
  type AuthenticationService,
  type ClientConfig,
  type ClientState,
  type LeafNode,
  type MLSMessage,
  type Welcome,
} from 'ts-mls';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import { equal } from '#shared/bytes/bytes.ts';
import { bytes, decode, encode, optional, struct, type Value } from '#shared/bytes/codec.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Party } from '#web/core/contacts/safety.ts';
import { verifyCredential } from '#web/core/conversation/credential.ts';
import {
  makeKeyPackage,
  privateKeysOf,
  readKeyPackage,
  type Identity,
  type OwnKeyPackage,
} from '#web/core/conversation/identity.ts';
import { refusing } from '#web/core/conversation/refusing.ts';
import { suite } from '#web/core/conversation/suite.ts';

/**
 * Groups of two by MLS (RFC 9420). A `Group` is a value: each operation gives the next one and leaves the old one
 * usable, so that whoever fails to store the next simply stays with the old.
 */
export const GROUP_ID_LENGTH = 16;
const MAX_STATE = 1 << 20;

export const pendingUpdateCodec = struct({ publicKey: bytes(2048), secretKey: bytes(64) });
/** The own leaf's next key, proposed and not yet committed. */
export type PendingUpdate = Value<typeof pendingUpdateCodec>;

export type Group = { readonly state: ClientState; readonly update: PendingUpdate | undefined };

/** What MLS leaves to the client; `authService` says who may be a member. */
export const config = (authService: AuthenticationService): ClientConfig => ({
  // Messages arrive in order. Four past epochs cover what was under way while commits passed.
  keyRetentionConfig: defaultKeyRetentionConfig,
  lifetimeConfig: defaultLifetimeConfig,
  keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
  // The envelope is padded already.
  paddingConfig: { kind: 'alwaysPad', paddingLength: 0 },
  authService,
});

/** `accepts` sees what each leaf's credential truly says; what it says untruly never gets there. */
export const vouching = (
  accepts: (address: Uint8Array, expiry: Millis, signatureKey: Uint8Array) => boolean,
): AuthenticationService => ({
  validateCredential: async (credential, signatureKey) => {
    try {
      if (credential.credentialType !== 'basic' || !('identity' in credential)) return false;
      const { address, expiry } = verifyCredential(credential.identity, signatureKey);
      return accepts(address, expiry, signatureKey);
    } catch {
      return false;
    }
  },
});

/** The members' leaves, from the left. */
export const leaves = (state: ClientState): LeafNode[] =>
  state.ratchetTree.flatMap((node) => (node?.nodeType === 'leaf' ? [node.leaf] : []));

const addressOf = (leaf: LeafNode): Uint8Array => {
  if (leaf.credential.credentialType !== 'basic' || !('identity' in leaf.credential)) {
    throw new RemoteError('bad-signature', 'not a basic credential');
  }
  return verifyCredential(leaf.credential.identity, leaf.signaturePublicKey).address;
};

/**
 * From here on a leaf may renew its encryption key, never its address or the key that signs for it: who has another one
 * makes another group, and that is told to the user. Expiry counts when a contact is first met.
 */
const amongMembers = (state: ClientState): ClientState => {
  const members = leaves(state);
  const accepts = (address: Uint8Array, _: Millis, signatureKey: Uint8Array): boolean =>
    members.some(
      (member) => equal(member.signaturePublicKey, signatureKey) && equal(addressOf(member), address),
    );
  return { ...state, clientConfig: config(vouching(accepts)) };
};

/**
 * time of making (6, ms) ‖ random (10), so that of two groups with one contact the later is known. `after`: the time of
 * one that it is to replace.
 */
const newGroupId = (rng: Rng, now: Millis, after: Millis): Uint8Array => {
  const id = rng(GROUP_ID_LENGTH);
  const time = Math.max(now, after + 1);
  const view = new DataView(id.buffer, id.byteOffset);
  view.setUint16(0, Math.floor(time / 2 ** 32));
  view.setUint32(2, time % 2 ** 32);
  return id;
};

export const groupTime = (groupId: Uint8Array): Millis => {
  const view = new DataView(groupId.buffer, groupId.byteOffset);
  return view.getUint16(0) * 2 ** 32 + view.getUint32(2);
};

export const groupIdOfGroup = ({ state }: Group): Uint8Array => state.groupContext.groupId;
/** The two of a conversation: their addresses, and the keys that sign for them in it. Throws `bad-signature` in a group of others. */
export const partiesOf = ({ state }: Group): { own: Party; other: Party } => {
  const [first, second] = leaves(state).map((leaf) => ({
    address: addressOf(leaf),
    key: leaf.signaturePublicKey,
  }));
  if (!first || !second) throw new RemoteError('bad-signature', 'not a conversation of two');
  return commits({ state, update: undefined })
    ? { own: first, other: second }
    : { own: second, other: first };
};
export const epochOf = ({ state }: Group): number => Number(state.groupContext.epoch);
/** Leaf 0, the group's creator, commits; the other proposes. */
export const commits = ({ state }: Group): boolean => state.privatePath.leafIndex === 0;
/**
 * False while a proposal of another waits for its commit: nothing may be sent before (RFC 9420, section 12.4). One's own
 * keeps nothing back, for who proposes does not commit: invited by mail, they could not answer before the other came and went.
 */
export const maySend = ({ state }: Group): boolean =>
  Object.values(state.unappliedProposals).every(
    ({ senderLeafIndex }) => senderLeafIndex === state.privatePath.leafIndex,
  );
/** True when no proposal waits for its commit. */
export const isSettled = ({ state }: Group): boolean => Object.keys(state.unappliedProposals).length === 0;

/** The creator's group with the contact added to it, and the welcome for them. Throws `bad-signature`, `malformed`, `bad-key`. */
export const createGroup = async (
  rng: Rng,
  identity: Identity,
  contact: { address: Uint8Array; keyPackage: Uint8Array },
  now: Millis,
  after: Millis = 0,
): Promise<{ group: Group; welcome: Uint8Array }> => {
  const cipherSuite = await suite();
  const keyPackage = readKeyPackage(contact.keyPackage);
  const own = await makeKeyPackage(identity);
  const accepts = (address: Uint8Array, expiry: Millis): boolean =>
    equal(address, identity.address) || (equal(address, contact.address) && expiry > now);
  const alone = await createMlsGroup(
    newGroupId(rng, now, after),
    readKeyPackage(own.public),
    privateKeysOf(own),
    [],
    cipherSuite,
    config(vouching(accepts)),
  );
  const added = await refusing(() =>
    createCommit(
      { state: alone, cipherSuite },
      { extraProposals: [{ proposalType: 'add', add: { keyPackage } }], ratchetTreeExtension: true },
    ),
  );
  if (!added.welcome) throw new LocalError('internal', 'no welcome for the contact');
  return {
    group: {
      state: amongMembers({ ...added.newState, historicalReceiverData: new Map() }),
      update: undefined,
    },
    welcome: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome: added.welcome }),
  };
};

/**
 * Joins by whichever of the own key packages the welcome is for. Throws `bad-key` when it is for none, `bad-signature`
 * when a member's address did not sign or the credential is past its time, `refused` for any group but one of two
 * that the other has made.
 */
export const joinGroup = async (
  identity: Identity,
  packages: readonly OwnKeyPackage[],
  welcome: Uint8Array,
  now: Millis,
): Promise<{ group: Group; contact: Uint8Array }> => {
  const read = readWelcome(welcome);
  const own = await packageFor(read, packages);
  const accepts = (address: Uint8Array, expiry: Millis): boolean =>
    equal(address, identity.address) || expiry > now;
  const state = await refusing(async () =>
    joinMlsGroup(
      read,
      readKeyPackage(own.public),
      privateKeysOf(own),
      emptyPskIndex,
      await suite(),
      undefined,
      undefined,
      config(vouching(accepts)),
    ),
  );
  const [first, second, ...others] = leaves(state).map(addressOf);
  if (!first || !second || others.length > 0 || state.privatePath.leafIndex !== 1) {
    throw new RemoteError('refused', 'not a conversation of two');
  }
  if (equal(first, identity.address) || !equal(second, identity.address)) {
    throw new RemoteError('refused', 'not a conversation of the other with this user');
  }
  return { group: { state: amongMembers(state), update: undefined }, contact: first };
};

/** Throws `malformed` unless the bytes are one welcome. */
export const readWelcome = (encoded: Uint8Array): Welcome => {
  const message = readMessage(encoded);
  if (message.wireformat !== 'mls_welcome') throw new RemoteError('malformed', 'not a welcome');
  return message.welcome;
};

/** Throws `malformed` unless the bytes are one MLS message. */
export const readMessage = (encoded: Uint8Array): MLSMessage => {
  let read: [MLSMessage, number] | undefined;
  try {
    read = decodeMlsMessage(encoded, 0);
  } catch {
    read = undefined;
  }
  if (read?.[1] !== encoded.length) throw new RemoteError('malformed', 'not an MLS message');
  return read[0];
};

/** The own key package that a welcome is for. Throws `bad-key`. */
export const packageFor = async (
  welcome: Welcome,
  packages: readonly OwnKeyPackage[],
): Promise<OwnKeyPackage> => {
  const { hash } = await suite();
  for (const own of packages) {
    const reference = await makeKeyPackageRef(readKeyPackage(own.public), hash);
    if (welcome.secrets.some(({ newMember }) => equal(newMember, reference))) return own;
  }
  throw new RemoteError('bad-key', 'a welcome for a key package that is no longer held');
};

/** Throws LocalError `internal` unless `maySend`. */
export const encrypt = async (
  group: Group,
  payload: Uint8Array,
  authenticatedData: Uint8Array,
): Promise<{ group: Group; ciphertext: Uint8Array }> => {
  if (!maySend(group)) throw new LocalError('internal', 'a proposal waits for its commit');
  const { unappliedProposals } = group.state;
  const settled = { ...group.state, unappliedProposals: {} };
  const made = await createApplicationMessage(settled, payload, await suite(), authenticatedData);
  return {
    group: { ...group, state: { ...made.newState, unappliedProposals } },
    ciphertext: encodeMlsMessage({
      version: 'mls10',
      wireformat: 'mls_private_message',
      privateMessage: made.privateMessage,
    }),
  };
};

const stateCodec = struct({ state: bytes(MAX_STATE), update: optional(pendingUpdateCodec) });

export const encodeGroup = ({ state, update }: Group): Uint8Array =>
  encode(stateCodec, { state: encodeGroupState(state), update });

/** Throws LocalError `storage` on what `encodeGroup` has not made. */
export const decodeGroup = (stored: Uint8Array): Group => {
  const { state, update } = decode(stateCodec, stored);
  const read = decodeGroupState(state, 0);
  if (read?.[1] !== state.length) throw new LocalError('storage', 'a stored group does not parse');
  return { state: amongMembers({ ...read[0], clientConfig: config(vouching(() => false)) }), update };
};

/** Two keys of this epoch, which only the members can derive: one for what this side sends, one for the other's. */
export const exportKeys = async (
  { state }: Group,
  label: string,
): Promise<{ mine: Uint8Array; theirs: Uint8Array }> => {
  const cs = await suite();
  const own = state.privatePath.leafIndex;
  const key = (leaf: number): Promise<Uint8Array> =>
    mlsExporter(state.keySchedule.exporterSecret, label, Uint8Array.of(leaf), 32, cs);
  return { mine: await key(own), theirs: await key(1 - own) };
};
