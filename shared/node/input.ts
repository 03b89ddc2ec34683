import type { AskPurpose } from '../directory/purposes.ts';
import type { Code } from '../errors.ts';
import type { Keys } from '../handshake/ntor.ts';
import type { Session } from '../signal/session.ts';
import type { LinkId, Millis, NodeId, StreamId } from '../units.ts';
import type { CoverLevel } from './cover.ts';

/** An inbox as a contact descriptor names it. */
export type InboxRef = { exit: NodeId; tag: Uint8Array; onionKey: Uint8Array; id: Uint8Array };

/** Local handle of a channel to a contact, of a circuit, or of a command that will be answered by an event. */
export type Handle = number;

/**
 * A request to the directory (`directory/messages.ts`). One that is signed over the circuit's binding (32 bytes), or that
 * needs work, is made once the circuit stands, by a function of nothing else; `work` is 0 until some is asked for.
 */
export type AskBody = Uint8Array | ((binding: Uint8Array, work: number) => Uint8Array);

/** What the user, the client core or a service asks of the node. */
export type Command =
  /** Fetch the consensus and link to the directory. */
  | { type: 'start' }
  /** Relaying on: register and accept links; off: stand in no consensus. */
  | { type: 'relay'; on: boolean }
  /** What is carried for others is held to this rate, in bytes of cells; undefined: to none. */
  | { type: 'relay-rate'; bytesPerSecond: number | undefined }
  /** Links to others than the directory, at the most; undefined: as many as the node may have. */
  | { type: 'limit-links'; most: number | undefined }
  /** What would be tried later, for want of a directory or of a neighbour, is tried now. */
  | { type: 'look' }
  /** Keep this many inboxes open, each at an exit of its own. */
  | { type: 'open-inboxes'; count: number }
  /**
   * One request to the directory; answered by `answered`. `leaves` and `tokens` go over a circuit of their own of three hops at
   * least, whose exit is not `exitNot`; so do `mailbox` and `ahead` (a contact descriptor of a period to come) in a network that
   * has the nodes for it. `challenge`, of the circuit's binding: the request is made again with work on it where
   * the directory answers `work`. A request of another purpose is not sent: `internal`.
   */
  | {
      type: 'ask';
      handle: Handle;
      purpose: AskPurpose;
      body: AskBody;
      exitNot?: NodeId | undefined;
      challenge?: ((binding: Uint8Array) => Uint8Array) | undefined;
    }
  /** Join one of these inboxes; answered by `channel-open` or `channel-failed`. */
  | { type: 'connect'; handle: Handle; inboxes: InboxRef[] }
  | { type: 'channel-send'; channel: Handle; data: Uint8Array }
  /** The peer of an incoming channel proved who it is: open its window wide. */
  | { type: 'channel-trust'; channel: Handle }
  /** `code` tells the contact why. */
  | { type: 'channel-close'; channel: Handle; code?: Code }
  /** What this node's heartbeats of an epoch commit it to: of its contribution secret for that epoch. */
  | { type: 'commit'; epoch: number; commitment: bigint }
  /** A conversation with oneself through these four nodes, for an auditor; answered by `looped`. */
  | { type: 'loop'; handle: Handle; targets: NodeId[]; spanMs: Millis; lingerMs: Millis }
  /**
   * What links this machine can have: none over WebRTC, or some; `reachable`: whatever the neighbour's NAT. Without this command
   * both are taken to be so.
   */
  | { type: 'connectivity'; webrtc: boolean; reachable: boolean }
  /** Links over WebRTC end, to be made anew by other rules. */
  | { type: 'relink' }
  /** How much is sent only to hide what else is sent. */
  | { type: 'cover'; level: CoverLevel }
  | { type: 'link'; node: NodeId }
  | { type: 'unlink'; node: NodeId }
  | { type: 'avoid'; nodes: NodeId[] }
  /** The directory's services answer a request, or push to a circuit. */
  | { type: 'respond'; circuit: Handle; stream: StreamId; body: Uint8Array }
  | { type: 'push'; circuit: Handle; body: Uint8Array }
  | { type: 'stop' };

export type Input =
  | { type: 'command'; command: Command }
  /** The carrier that `open-websocket`, `create-peer` or `open-pass` asked for is up. */
  | { type: 'link-open'; link: LinkId }
  /** A stranger's carrier came in (the directory's WebSocket links). */
  | { type: 'link-accepted'; link: LinkId }
  | { type: 'link-data'; link: LinkId; data: Uint8Array }
  | { type: 'link-closed'; link: LinkId }
  /** A WebRTC link goes through a TURN server, or does not any more. */
  | { type: 'link-relayed'; link: LinkId; on: boolean }
  /** The session description that `create-peer` or `signal-peer` led to. */
  | { type: 'peer-session'; link: LinkId; session: Session }
  | { type: 'consensus'; body: Uint8Array }
  | { type: 'consensus-failed' }
  /** The result of a `respond` output. */
  | {
      type: 'responded';
      job: number;
      result: { keys: Keys; reply: Uint8Array; extensions: Uint8Array } | { code: Code };
    }
  /** The result of a `work` output. */
  | { type: 'worked'; job: number; work: number }
  /** The answer to a `ticket` output: a proof's presentation, or that there is none. */
  | { type: 'ticketed'; job: number; presentation: Uint8Array | undefined }
  /** The answer to a `verify` output. */
  | { type: 'verified'; job: number; valid: boolean }
  | { type: 'wake' };
