import {
  bytes,
  encode,
  fixed,
  mapped,
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
import { byteOfCode, codeOfByte, RemoteError, type Code } from '../errors.ts';
import { NODE_ID_LENGTH, nodeIdBytes, type NodeId } from '../units.ts';
import { MAX_CONSENSUS_BYTES } from './consensus.ts';
import { MAX_DESCRIPTOR_BYTES } from './descriptor.ts';

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

/** What a client asks of the directory on a circuit whose last hop is the directory: kind (1) ‖ fields. */
export const requestCodec = union({
  /** List this node; from then on this circuit is where it is signalled. */
  register: [1, struct({ descriptor: bytes(MAX_DESCRIPTOR_BYTES), signature: signatureCodec })],
  heartbeat: [
    2,
    struct({ node: nodeIdCodec, epoch: u32, counter: u32, load: u8, signature: signatureCodec }),
  ],
  /** Push what is signalled to this reply address on this circuit. */
  listen: [3, struct({ reply: fixed(REPLY_ADDRESS_LENGTH) })],
  signal: [4, struct({ to: signalAddressCodec, sealed: sealedCodec })],
  publish: [5, publishedCodec],
  lookup: [6, struct({ descriptorId: hashCodec })],
  /** The latest one, unless its sequence number is `after`: then the answer is `ok`. */
  consensus: [7, struct({ after: u64 })],
  leave: [8, struct({ node: nodeIdCodec, counter: u32, signature: signatureCodec })],
});
export type DirectoryRequest = Value<typeof requestCodec>;

export const responseCodec = union({
  ok: [1, struct({})],
  error: [2, struct({ code: codeCodec })],
  descriptor: [3, publishedCodec],
  consensus: [4, struct({ bytes: bytes(MAX_CONSENSUS_BYTES) })],
});
export type DirectoryResponse = Value<typeof responseCodec>;

/** What the directory sends unasked. */
export const pushCodec = union({
  signal: [1, struct({ sealed: sealedCodec })],
});
export type DirectoryPush = Value<typeof pushCodec>;

/** No request is longer than a publication. */
export const MAX_REQUEST_BYTES = 1 + 32 + 4 + 8 + CONTACT_BLOB_LENGTH + 64;
export const MAX_RESPONSE_BYTES = 1 + 4 + MAX_CONSENSUS_BYTES;
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
): Request<'register'> => ({
  type: 'register',
  descriptor,
  signature: sign(REGISTER, secret, binding, sha256(descriptor)),
});

/** `node`: the id that the descriptor, verified before, names. */
export const verifyRegister = (node: NodeId, binding: Uint8Array, request: Request<'register'>): boolean =>
  verify(REGISTER, nodeIdBytes(node), request.signature, binding, sha256(request.descriptor));

type Beat = { node: NodeId; epoch: number; counter: number; load: number };

const beatParts = ({ epoch, counter, load }: Beat): Uint8Array[] => [
  encode(u32, epoch),
  encode(u32, counter),
  encode(u8, load),
];

/** `counter` rises with every heartbeat of a registration; `load` is a class, 0 (idle) to 255. */
export const signHeartbeat = (secret: Uint8Array, binding: Uint8Array, beat: Beat): Request<'heartbeat'> => ({
  type: 'heartbeat',
  ...beat,
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
