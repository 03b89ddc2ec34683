import {
  bytes,
  decode,
  encode,
  fixed,
  mapped,
  optional,
  struct,
  u32,
  u64,
  u8,
  union,
  type Codec,
  type Value,
} from '../bytes/codec.ts';
import {
  CONTACT_BLOB_LENGTH,
  hashCodec,
  keyCodec,
  nodeIdCodec,
  REPLY_ADDRESS_LENGTH,
  SEALED_SIGNAL_LENGTH,
  signatureCodec,
} from '../bytes/fields.ts';
import { sha256 } from '../crypto/kdf.ts';
import { sign, verify } from '../crypto/sign.ts';
import { entryList } from '../contribution/entries.ts';
import { field } from '../contribution/field.ts';
import { byteOfCode, codeOfByte, RemoteError, type Code } from '../errors.ts';
import { NODE_ID_LENGTH, nodeIdBytes, type NodeId } from '../units.ts';
import { auditCodec, auditResultCodec, loopsCodec, MAX_REPORT_BYTES, reportCodec } from './audit.ts';
import { MAX_CONSENSUS_BYTES } from './consensus.ts';
import { MAX_DESCRIPTOR_BYTES } from './descriptor.ts';
import {
  acknowledgeCodec,
  collectCodec,
  depositCodec,
  mailCodec,
  MAX_DEPOSIT_BYTES,
  MAX_MAIL_BYTES,
} from './mail.ts';
import { handleCodec, handleNameCodec, MAX_RECORD_BYTES, recordCodec } from './records.ts';
import { issueCodec, issuedCodec, TOKEN_LENGTH, tokenCodec } from './tokens.ts';

const sealedCodec = fixed(SEALED_SIGNAL_LENGTH);

/** A node id (32) or a reply address (16), behind its length (2). */
export const signalAddressCodec: Codec<Uint8Array> = mapped(
  bytes(NODE_ID_LENGTH),
  (address) => {
    if (address.length !== NODE_ID_LENGTH && address.length !== REPLY_ADDRESS_LENGTH) {
      throw new RemoteError('malformed', 'neither a node id nor a reply address');
    }
    return address;
  },
  (address) => address,
);

/** One period's sealed contact descriptor as the directory holds it. */
const publishedCodec = struct({
  blindedKey: keyCodec,
  period: u32,
  revision: u64,
  blob: fixed(CONTACT_BLOB_LENGTH),
  signature: signatureCodec,
});

/** code (1), one of the table of codes. */
const codeCodec: Codec<Code> = mapped(u8, codeOfByte, byteOfCode);

/** The longest request that a token pays for is a deposit. */
const MAX_COSTLY_BYTES = 1 + MAX_DEPOSIT_BYTES;

/** What a client asks of the directory on a circuit whose last hop is the directory: kind (1) ‖ fields. */
export const requestCodec = union({
  /** List this node; from then on this circuit is where it is signalled. `work` as `work.ts` counts it. */
  register: [1, struct({ descriptor: bytes(MAX_DESCRIPTOR_BYTES), work: u64, signature: signatureCodec })],
  heartbeat: [
    2,
    struct({
      node: nodeIdCodec,
      epoch: u32,
      counter: u32,
      load: u8,
      /** Of the node's contribution secret for the epoch. */
      commitment: optional(field),
      signature: signatureCodec,
    }),
  ],
  /** Push what is signalled to this reply address on this circuit. */
  listen: [3, struct({ reply: fixed(REPLY_ADDRESS_LENGTH) })],
  signal: [4, struct({ to: signalAddressCodec, sealed: sealedCodec })],
  publish: [5, publishedCodec],
  lookup: [6, struct({ descriptorId: hashCodec })],
  /** The latest one, unless its sequence number is `after`: then the answer is `ok`. */
  consensus: [7, struct({ after: u64 })],
  leave: [8, struct({ node: nodeIdCodec, counter: u32, signature: signatureCodec })],
  /** Store a message until its reader has it; the same one again is stored once. */
  deposit: [9, depositCodec],
  /** The oldest messages of a mailbox; from then on this circuit is woken when another one comes. */
  collect: [10, collectCodec],
  /** The reader has these: erase them. */
  acknowledge: [11, acknowledgeCodec],
  'put-record': [12, recordCodec],
  'get-record': [13, struct({ recordId: hashCodec })],
  'put-handle': [14, handleCodec],
  'get-handle': [15, struct({ name: handleNameCodec })],
  /** The auditor says what its loops came to, and takes new ones. */
  audit: [16, auditCodec],
  /** The entries of an epoch's tree. */
  leaves: [17, struct({ epoch: u32 })],
  /** How the scores of an epoch came about. */
  report: [18, struct({ epoch: u32 })],
  /** Blind tokens, each of which pays for one request. */
  issue: [19, issueCodec],
  /** A request (one that costs a token), and the token. */
  paid: [20, struct({ token: tokenCodec, request: bytes(MAX_COSTLY_BYTES) })],
});
export type DirectoryRequest = Value<typeof requestCodec>;

/** What costs a token where contribution is enforced, and may be paid for anywhere. */
const costly = ['publish', 'deposit', 'put-handle'] as const;
export type CostlyRequest = Extract<DirectoryRequest, { type: (typeof costly)[number] }>;

export const isCostly = (request: DirectoryRequest): request is CostlyRequest =>
  (costly as readonly string[]).includes(request.type);

export const responseCodec = union({
  ok: [1, struct({})],
  error: [2, struct({ code: codeCodec })],
  descriptor: [3, publishedCodec],
  consensus: [4, struct({ bytes: bytes(MAX_CONSENSUS_BYTES) })],
  mail: [5, mailCodec],
  record: [6, recordCodec],
  handle: [7, handleCodec],
  /** Register again with work that shows so many bits. */
  work: [8, struct({ bits: u8 })],
  /** A heartbeat came. */
  beat: [9, auditResultCodec],
  loops: [10, loopsCodec],
  leaves: [11, struct({ entries: entryList })],
  report: [12, reportCodec],
  issued: [13, issuedCodec],
});
export type DirectoryResponse = Value<typeof responseCodec>;

const pushKinds = {
  signal: [1, struct({ sealed: sealedCodec })],
  /** Something was deposited in this mailbox. */
  mail: [2, struct({ mailbox: hashCodec })],
} as const;

/** What the directory sends unasked. */
export const pushCodec = union(pushKinds);
export type DirectoryPush = Value<typeof pushCodec>;

/** Undefined for a push of a kind that is not known here. Throws `malformed`. */
export const readPush = (body: Uint8Array): DirectoryPush | undefined =>
  Object.values(pushKinds).some(([kind]) => kind === body[0]) ? decode(pushCodec, body) : undefined;

export const MAX_REQUEST_BYTES = 1 + Math.max(MAX_RECORD_BYTES, TOKEN_LENGTH + 4 + MAX_COSTLY_BYTES);
export const MAX_RESPONSE_BYTES =
  1 + Math.max(4 + MAX_CONSENSUS_BYTES, MAX_MAIL_BYTES, MAX_RECORD_BYTES, 4 + MAX_REPORT_BYTES);
export const MAX_PUSH_BYTES = 1 + SEALED_SIGNAL_LENGTH;

const REGISTER = 'hourglass register 1';
const HEARTBEAT = 'hourglass heartbeat 1';
const LEAVE = 'hourglass leave 1';

type Request<K extends DirectoryRequest['type']> = Extract<DirectoryRequest, { type: K }>;

/** Each of the three is signed by the node's key to the `binding` (32) of the circuit that carries it. */
export const signRegister = (
  secret: Uint8Array,
  binding: Uint8Array,
  descriptor: Uint8Array,
  work = 0,
): Request<'register'> => ({
  type: 'register',
  descriptor,
  work,
  signature: sign(REGISTER, secret, binding, sha256(descriptor)),
});

/** `node`: the id that the descriptor, verified before, names. */
export const verifyRegister = (node: NodeId, binding: Uint8Array, request: Request<'register'>): boolean =>
  verify(REGISTER, nodeIdBytes(node), request.signature, binding, sha256(request.descriptor));

type Beat = {
  node: NodeId;
  epoch: number;
  counter: number;
  load: number;
  commitment?: bigint | undefined;
};

const beatParts = ({ epoch, counter, load, commitment }: Beat): Uint8Array[] => [
  encode(u32, epoch),
  encode(u32, counter),
  encode(u8, load),
  encode(optional(field), commitment),
];

/** `counter` rises with every heartbeat of a registration; `load` is a class, 0 (idle) to 255. */
export const signHeartbeat = (secret: Uint8Array, binding: Uint8Array, beat: Beat): Request<'heartbeat'> => ({
  type: 'heartbeat',
  ...beat,
  commitment: beat.commitment,
  signature: sign(HEARTBEAT, secret, binding, ...beatParts(beat)),
});

export const verifyHeartbeat = (binding: Uint8Array, request: Request<'heartbeat'>): boolean =>
  verify(HEARTBEAT, nodeIdBytes(request.node), request.signature, binding, ...beatParts(request));

export const signLeave = (
  secret: Uint8Array,
  binding: Uint8Array,
  leave: { node: NodeId; counter: number },
): Request<'leave'> => ({
  type: 'leave',
  ...leave,
  signature: sign(LEAVE, secret, binding, encode(u32, leave.counter)),
});

export const verifyLeave = (binding: Uint8Array, request: Request<'leave'>): boolean =>
  verify(LEAVE, nodeIdBytes(request.node), request.signature, binding, encode(u32, request.counter));
