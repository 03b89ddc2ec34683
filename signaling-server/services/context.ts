import type { DirectoryRequest, DirectoryResponse } from '#shared/directory/messages.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import { Bucket, type Limits } from './limits.ts';
import type { Asked } from './toll.ts';

/** A circuit that ends here, as the services see it: who is at its other end they can't know. */
export class Circuit {
  readonly handle: number;
  /** 32 bytes that only the two ends of the circuit know, and that every signature on it covers. */
  readonly binding: Uint8Array;
  readonly requests: Bucket;
  readonly signals: Bucket;
  readonly deposits: Bucket;
  readonly audits: Bucket;
  readonly proofs: Bucket;
  readonly pushes: Bucket;
  /** What leads to it: a node id, reply addresses and mailbox ids, in hex. */
  readonly addresses = new Set<string>();
  /** Those of them that are mailbox ids. */
  readonly mailboxes = new Set<string>();
  /** The node that spoke for itself on it. */
  node: NodeId | undefined;
  /** Counter of the last heartbeat or leave. */
  counter = -1;
  /** The work that was asked for on it, of its node and for tokens. */
  asked: Asked | undefined;
  askedForTokens: Asked | undefined;
  /** The work by which its node came in last. */
  spent: number | undefined;
  pending = 0;
  open = true;

  constructor(handle: number, binding: Uint8Array, limits: Limits, now: Millis) {
    this.handle = handle;
    this.binding = binding;
    this.requests = new Bucket(limits.requests, now);
    this.signals = new Bucket(limits.signals, now);
    this.deposits = new Bucket(limits.deposits, now);
    this.audits = new Bucket(limits.audits, now);
    this.proofs = new Bucket(limits.proofs, now);
    this.pushes = new Bucket(limits.pushes, now);
  }
}

/** What sends bytes back along circuits: the directory's node. */
export type Circuits = {
  /** Sends `body` unasked; false when the circuit is gone. */
  push(circuit: number, body: Uint8Array): boolean;
};

export type RequestOf<K extends DirectoryRequest['type']> = Extract<DirectoryRequest, { type: K }>;

/** A service answers one kind of request. What it refuses it throws as a RemoteError, whose code is the answer. */
export type Service<K extends DirectoryRequest['type']> = {
  handle(request: RequestOf<K>, circuit: Circuit, now: Millis): Promise<DirectoryResponse>;
};

export const ok: DirectoryResponse = { type: 'ok' };
