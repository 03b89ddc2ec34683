import { concat, equal } from '../bytes/bytes.ts';
import {
  choice,
  decode,
  encode,
  list,
  mapped,
  struct,
  u32,
  u64,
  u8,
  type Codec,
  type Value,
} from '../bytes/codec.ts';
import { flags, hashCodec, keyCodec, signatureCodec, versioned } from '../bytes/fields.ts';
import { Reader } from '../bytes/reader.ts';
import { sha256 } from '../crypto/kdf.ts';
import { SLOTS } from '../contribution/epochs.ts';
import { SIGNATURE_LENGTH, sign, verify } from '../crypto/sign.ts';
import { LocalError, RemoteError } from '../errors.ts';
import type { Millis } from '../units.ts';
import { descriptorCodec, type NodeDescriptor } from './descriptor.ts';
import { Unverified } from './unverified.ts';

const LABEL = 'hourglass consensus 1';

export const MAX_NODES = 10_000;
export const MAX_CONSENSUS_BYTES = 16 * 1024 * 1024;
/** The fifth hop is a contact's place. */
const MAX_DIRECTORY_HOPS = 4;

const statusCodec = struct({
  /** What the directory found the node fit for. */
  roles: flags(['guard', 'exit']),
  /** Measured capacity: a node is drawn in proportion to it. */
  weight: u32,
  /** Since when the node has been listed without a gap, ms. */
  since: u64,
});
type Status = { guard: boolean; exit: boolean; weight: number; since: Millis };

/** A node as its own signed descriptor and what the directory adds. */
export type ConsensusNode = NodeDescriptor & Status;

/** descriptor (1,355 or 1,387) ‖ roles (1) ‖ weight (4) ‖ since (8). */
const nodeCodec: Codec<ConsensusNode> = {
  write(w, v) {
    descriptorCodec.write(w, v);
    statusCodec.write(w, { roles: v, weight: v.weight, since: v.since });
  },
  read(r) {
    const descriptor = descriptorCodec.read(r);
    const { roles, weight, since } = statusCodec.read(r);
    return { ...descriptor, ...roles, weight, since };
  },
};

const hops: Codec<number> = mapped(
  u8,
  (n) => {
    if (n < 1 || n > MAX_DIRECTORY_HOPS) throw new RemoteError('malformed', 'a number of hops out of range');
    return n;
  },
  (n) => n,
);

/** An epoch's length in ms, in whole slots. */
const epochLength: Codec<number> = mapped(
  u32,
  (epochMs) => {
    if (epochMs < SLOTS || epochMs % SLOTS !== 0)
      throw new RemoteError('malformed', 'an epoch without whole slots');
    return epochMs;
  },
  (epochMs) => epochMs,
);

const paramsCodec = struct({
  /** A node registers at a random time within this span. */
  registrationDelayMs: u32,
  /** Under this many nodes nobody is anonymous yet. */
  minimumNodes: u32,
  freshMs: u32,
  usableMs: u32,
  /** How long a circuit to the directory is, the directory included. */
  directoryHops: hops,
  /** Whether proofs of contribution are asked for. */
  policy: choice(['off', 'observe', 'enforce']),
  epochMs: epochLength,
});
export type Params = Value<typeof paramsCodec>;

/**
 * The directory's view of the network:
 *
 *     version (1) ‖ sequence (8) ‖ time, ms (8) ‖ epoch (4) ‖ hash of the previous one (32) ‖ directory key (32)
 *     ‖ directory onion key (32) ‖ registration delay (4) ‖ minimum nodes (4) ‖ fresh (4) ‖ usable (4)
 *     ‖ directory hops (1) ‖ policy (1) ‖ epoch length (4) ‖ contribution epoch (4) ‖ contribution root (32)
 *     ‖ audit plan (32) ‖ token key (32) ‖ verification key hash (32)
 *     ‖ count (2) ‖ nodes, ascending by id ‖ signature (64)
 *
 * The signature covers the sequence number, the hash of the previous one and the hash of all that stands before it.
 * So these four are a statement that speaks for itself, and two that contradict each other convict the directory.
 */
const headFields = {
  sequence: u64,
  time: u64,
  epoch: u32,
  previous: hashCodec,
  directoryKey: keyCodec,
  directoryOnionKey: keyCodec,
  params: paramsCodec,
  /** The last epoch whose scores are fixed, 0 before there is one, and the root of its tree. */
  contributionEpoch: u32,
  contributionRoot: hashCodec,
  /** What the next epoch's audits are committed to. */
  auditPlan: hashCodec,
  /** Of the tokens that are issued in this epoch. */
  tokenKey: keyCodec,
  verificationKeyHash: hashCodec,
};
const headCodec = versioned(1, struct(headFields));
const bodyCodec = versioned(1, struct({ ...headFields, nodes: list(nodeCodec, MAX_NODES) }));
export type Consensus = Value<typeof bodyCodec>;

/** What stands before the nodes. Nothing is verified: for whoever has the bytes from itself. */
export const headOf = (bytes: Uint8Array): Omit<Consensus, 'nodes'> => headCodec.read(new Reader(bytes));

/** What neighbours tell each other of a consensus (136): sequence (8) ‖ hash of the previous one (32) ‖ hash (32) ‖ signature (64). */
const statementCodec = struct({
  sequence: u64,
  previous: hashCodec,
  hash: hashCodec,
  signature: signatureCodec,
});
export type Statement = Value<typeof statementCodec>;
export { statementCodec };

const isSorted = (nodes: ConsensusNode[]): boolean =>
  nodes.every((node, i) => i === 0 || (nodes[i - 1] as ConsensusNode).id < node.id);

/** `nodes` must ascend by id without repeats. */
export const signConsensus = (secret: Uint8Array, consensus: Consensus): Uint8Array => {
  if (!isSorted(consensus.nodes)) throw new LocalError('internal', 'a consensus lists its nodes by id');
  const body = encode(bodyCodec, consensus);
  const { sequence, previous } = consensus;
  return concat(body, sign(LABEL, secret, encode(u64, sequence), previous, sha256(body)));
};

const split = (bytes: Uint8Array): { body: Uint8Array; signature: Uint8Array } => {
  if (bytes.length > MAX_CONSENSUS_BYTES) throw new RemoteError('oversized');
  if (bytes.length < SIGNATURE_LENGTH) throw new RemoteError('malformed', 'too few bytes');
  const at = bytes.length - SIGNATURE_LENGTH;
  return { body: bytes.subarray(0, at), signature: bytes.slice(at) };
};

/** SHA-256 of all but the signature: what the next one names as `previous`. */
export const consensusHash = (bytes: Uint8Array): Uint8Array => sha256(split(bytes).body);

/** `directoryKey`: the pinned one; without it the consensus answers for itself (first use). `now`: without it no age is judged. */
export type ConsensusCheck = { directoryKey?: Uint8Array | undefined; now?: Millis | undefined };

/**
 * Throws `malformed`, `bad-version` or `oversized`. `verify` throws `bad-key` (not the pinned directory),
 * `bad-signature`, `malformed` (nodes out of order) or `stale` (past its usable span).
 */
export const readConsensus = (bytes: Uint8Array): Unverified<Consensus, ConsensusCheck> => {
  const { body, signature } = split(bytes);
  const hash = sha256(body);
  return new Unverified(decode(bodyCodec, body), (consensus, { directoryKey, now }) => {
    if (directoryKey && !equal(directoryKey, consensus.directoryKey)) throw new RemoteError('bad-key');
    const { sequence, previous } = consensus;
    const statement = { sequence, previous, hash, signature };
    if (!verifyStatement(consensus.directoryKey, statement)) throw new RemoteError('bad-signature');
    if (!isSorted(consensus.nodes)) throw new RemoteError('malformed', 'nodes out of order');
    if (now !== undefined && now - consensus.time > consensus.params.usableMs) throw new RemoteError('stale');
  });
};

/** The evidence for one consensus whose bytes are at hand. */
export const statementOf = (bytes: Uint8Array, consensus: Consensus): Statement => {
  const { body, signature } = split(bytes);
  const { sequence, previous } = consensus;
  return { sequence, previous, hash: sha256(body), signature };
};

export const verifyStatement = (
  directoryKey: Uint8Array,
  { sequence, previous, hash, signature }: Statement,
): boolean => verify(LABEL, directoryKey, signature, encode(u64, sequence), previous, hash);

/** One link of the chain of consensuses. */
export type ChainLink = Omit<Statement, 'signature'> & { directoryKey: Uint8Array };

type Place = Pick<Statement, 'sequence' | 'previous' | 'hash'>;

/** Whether no single chain holds both: two under one number, or a next one that names another before it. */
export const contradict = (a: Place, b: Place): boolean => {
  if (a.sequence === b.sequence) return !equal(a.hash, b.hash) || !equal(a.previous, b.previous);
  const [first, second] = a.sequence < b.sequence ? [a, b] : [b, a];
  return second.sequence === first.sequence + 1 && !equal(second.previous, first.hash);
};

export const chainLink = (bytes: Uint8Array, consensus: Consensus): ChainLink => ({
  sequence: consensus.sequence,
  hash: consensusHash(bytes),
  previous: consensus.previous,
  directoryKey: consensus.directoryKey,
});

/**
 * Whether verified `next` may replace verified `current`. Throws `bad-key` (another directory), `stale` (an earlier
 * one) or `equivocation` (another one under the same number, or a next one that does not name this one).
 */
export const follows = (current: ChainLink, next: ChainLink): 'new' | 'same' => {
  if (!equal(current.directoryKey, next.directoryKey)) throw new RemoteError('bad-key');
  if (next.sequence < current.sequence) throw new RemoteError('stale');
  if (contradict(current, next)) throw new RemoteError('equivocation');
  return next.sequence === current.sequence ? 'same' : 'new';
};
