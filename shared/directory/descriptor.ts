import { concat } from '../bytes/bytes.ts';
import { decode, encode, fixed, optional, struct, u64, type Codec, type Value } from '../bytes/codec.ts';
import { flags, keyCodec, nodeIdCodec, signatureCodec, versioned } from '../bytes/fields.ts';
import { XWING_PUBLIC_LENGTH } from '../crypto/kem.ts';
import { sign, verify } from '../crypto/sign.ts';
import { RemoteError } from '../errors.ts';
import { nodeIdBytes, type Millis } from '../units.ts';
import { Unverified } from './unverified.ts';

const LABEL = 'hourglass node descriptor 1';

/** The secrets behind a descriptor's keys are erased 48 hours after they were made. */
export const DESCRIPTOR_LIFE_MS: Millis = 48 * 3_600_000;
/** How far ahead of the consensus a node's clock may be. */
const SKEW_MS: Millis = 10 * 60_000;

/**
 * What a node may say of itself: whether it runs without a browser; whether WebRTC links to it come about whatever its neighbour's
 * NAT is; whether it has no WebRTC, so that all its links go by way of the server.
 */
const capabilitiesCodec = flags(['headless', 'reachable', 'server']);
export type Capabilities = Value<typeof capabilitiesCodec>;

/**
 * What a node says of itself:
 *
 *     version (1) ‖ id (32) ‖ onion key (32) ‖ signalling key (1,216) ‖ flags (1) ‖ present (1) [‖ family (32)]
 *     ‖ published, ms (8) ‖ signature (64)
 *
 * `id` is the Ed25519 key that made the signature, over all that stands before it.
 */
const fieldsCodec = versioned(
  1,
  struct({
    id: nodeIdCodec,
    /** X25519, for the handshake. */
    onionKey: keyCodec,
    /** X-Wing, for sealed signalling. */
    signallingKey: fixed(XWING_PUBLIC_LENGTH),
    capabilities: capabilitiesCodec,
    /** Relays of one operator name one family, and never stand on one path. */
    family: optional(keyCodec),
    published: u64,
  }),
);
export type DescriptorFields = Value<typeof fieldsCodec>;
export type NodeDescriptor = DescriptorFields & { signature: Uint8Array };

export const MAX_DESCRIPTOR_BYTES = 1 + 32 + 32 + XWING_PUBLIC_LENGTH + 1 + 33 + 8 + 64;

export const descriptorCodec: Codec<NodeDescriptor> = {
  write(w, v) {
    fieldsCodec.write(w, v);
    signatureCodec.write(w, v.signature);
  },
  read: (r) => ({ ...fieldsCodec.read(r), signature: signatureCodec.read(r) }),
};

/** The whole signed descriptor. `secret` belongs to `fields.id`. */
export const signDescriptor = (secret: Uint8Array, fields: DescriptorFields): Uint8Array => {
  const body = encode(fieldsCodec, fields);
  return concat(body, sign(LABEL, secret, body));
};

/** Whether the node itself signed these fields; a consensus entry answers this too. */
export const isSelfSigned = (descriptor: NodeDescriptor): boolean =>
  verify(LABEL, nodeIdBytes(descriptor.id), descriptor.signature, encode(fieldsCodec, descriptor));

const check = (descriptor: NodeDescriptor, { now }: { now: Millis }): void => {
  if (!isSelfSigned(descriptor)) throw new RemoteError('bad-signature');
  if (descriptor.published > now + SKEW_MS) throw new RemoteError('stale', 'a descriptor from the future');
  if (now - descriptor.published > DESCRIPTOR_LIFE_MS) throw new RemoteError('stale');
};

/** Throws `malformed` or `bad-version`; `verify` throws `bad-signature` or `stale`. */
export const readDescriptor = (bytes: Uint8Array): Unverified<NodeDescriptor, { now: Millis }> =>
  new Unverified(decode(descriptorCodec, bytes), check);
