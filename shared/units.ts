import { RemoteError } from './errors.ts';
import { hex, unhex } from './bytes/bytes.ts';

type Brand<T, B extends string> = T & { readonly __brand: B };

/** Names a circuit on one link: a random u32, never 0; odd when the link's opener chose it, else even. */
export type CircuitId = Brand<number, 'CircuitId'>;

/** Names a stream or bridge on one circuit: u16; 0 is the circuit itself. */
export type StreamId = Brand<number, 'StreamId'>;

/** A local handle of a link: a positive integer, never sent. */
export type LinkId = Brand<number, 'LinkId'>;

/** Milliseconds since 1970, or a span of them. */
export type Millis = number;

/** A node's Ed25519 public key (32 bytes) as 64 lower-case hex digits, so that it can be a map's key. */
export type NodeId = Brand<string, 'NodeId'>;

export const NODE_ID_LENGTH = 32;

export const nodeId = (publicKey: Uint8Array): NodeId => {
  if (publicKey.length !== NODE_ID_LENGTH) throw new RemoteError('malformed', 'a node id has 32 bytes');
  return hex(publicKey) as NodeId;
};

export const nodeIdBytes = (id: NodeId): Uint8Array => unhex(id);
