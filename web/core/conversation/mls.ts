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

const pendingUpdateCodec = struct({ publicKey: bytes(2048), secretKey: bytes(64) });
/** The own leaf's next key, proposed and not yet committed. */
type PendingUpdate = Value<typeof pendingUpdateCodec>;

export type Group = { readonly state: ClientState; readonly update: PendingUpdate | undefined };

const config = (authService: AuthenticationService): ClientConfig => ({
  // Messages arrive in order. Four past epochs cover what was under way while commits passed.
  keyRetentionConfig: defaultKeyRetentionConfig,
  lifetimeConfig: defaultLifetimeConfig,
  keyPackageEqualityConfig: defaultKeyPackageEqualityConfig,
  // The envelope is padded already.
  paddingConfig: { kind: 'alwaysPad', paddingLength: 0 },
  authService,
});

/** `accepts` sees what each leaf's credential truly says; what it says untruly never gets there. */
const vouching = (accepts: (address: Uint8Array, expiry: Millis) => boolean): AuthenticationService => ({
  validateCredential: async (credential, signatureKey) => {
    try {
      if (credential.credentialType !== 'basic' || !('identity' in credential)) return false;
      const { address, expiry } = verifyCredential(credential.identity, signatureKey);
      return accepts(address, expiry);
    } catch {
      return false;
    }
  },
});

const leaves = (state: ClientState): LeafNode[] =>
  state.ratchetTree.flatMap((node) => (node?.nodeType === 'leaf' ? [node.leaf] : []));

const addressOf = (leaf: LeafNode): Uint8Array => {
  if (leaf.credential.credentialType !== 'basic' || !('identity' in leaf.credential)) {
    throw new RemoteError('bad-signature', 'not a basic credential');
  }
  return verifyCredential(leaf.credential.identity, leaf.signaturePublicKey).address;
};

/** From here on a leaf may change its keys, never its address. Expiry counts when a contact is first met. */
const amongMembers = (state: ClientState): ClientState => {
  const members = leaves(state);
  const accepts = (address: Uint8Array): boolean =>
    members.some((member) => equal(addressOf(member), address));
  return { ...state, clientConfig: config(vouching(accepts)) };
};

export const groupIdOfGroup = ({ state }: Group): Uint8Array => state.groupContext.groupId;
export const epochOf = ({ state }: Group): number => Number(state.groupContext.epoch);
/** Leaf 0, the group's creator, commits; the other proposes. */
export const commits = ({ state }: Group): boolean => state.privatePath.leafIndex === 0;
/** False while a proposal waits for its commit: nothing may be sent before (RFC 9420, section 12.4). */
export const maySend = ({ state }: Group): boolean => Object.keys(state.unappliedProposals).length === 0;

/** The creator's group with the contact added to it, and the welcome for them. Throws `bad-signature`, `malformed`, `bad-key`. */
export const createGroup = async (
  rng: Rng,
  identity: Identity,
  contact: { address: Uint8Array; keyPackage: Uint8Array },
  now: Millis,
): Promise<{ group: Group; welcome: Uint8Array }> => {
  const cipherSuite = await suite();
  const keyPackage = readKeyPackage(contact.keyPackage);
  const own = await makeKeyPackage(identity);
  const accepts = (address: Uint8Array, expiry: Millis): boolean =>
    equal(address, identity.address) || (equal(address, contact.address) && expiry > now);
  const alone = await createMlsGroup(
    rng(GROUP_ID_LENGTH),
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

const readWelcome = (encoded: Uint8Array): Welcome => {
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

const packageFor = async (welcome: Welcome, packages: readonly OwnKeyPackage[]): Promise<OwnKeyPackage> => {
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
  const made = await createApplicationMessage(group.state, payload, await suite(), authenticatedData);
  return {
    group: { ...group, state: made.newState },
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
