import type { Claim } from '../contribution/statement.ts';
import type { Outcome } from '../contribution/outcomes.ts';
import type { AuditResult } from '../directory/audit.ts';
import type { WorkTask } from '../crypto/work.ts';
import type { Consensus } from '../directory/consensus.ts';
import type { Code } from '../errors.ts';
import type { OnionKeypair } from '../handshake/ntor.ts';
import type { Guard } from '../path/guards.ts';
import type { Middle } from '../path/middles.ts';
import type { Pass } from '../signal/pass.ts';
import type { Session } from '../signal/session.ts';
import type { CircuitId, LinkId, Millis, NodeId, StreamId } from '../units.ts';
import type { Handle, InboxRef } from './input.ts';

export type CircuitPurpose = 'conversation' | 'inbox' | 'directory' | 'lookup' | 'spare';

/** A slow answer to a handshake, computed outside `receive`; comes back as `responded`. */
export type RespondJob = { id: Uint8Array; onionKeys: OnionKeypair[]; onionskin: Uint8Array };

/** What a test or an operator may watch. Nothing in it is content or an IP address. */
export type TraceEvent = {
  at: Millis;
  link: LinkId;
  peer: NodeId | undefined;
  circuit: CircuitId;
  command: number;
  used: number;
  sent: boolean;
};

export type NodeEvent =
  | { type: 'consensus'; consensus: Consensus }
  /** Signed consensuses that contradict each other, or another fault that the user must see. */
  | { type: 'alarm'; code: Code }
  /** What convicts the directory, for whoever wants to see it: two statements (GOSSIP). An alarm comes with it. */
  | { type: 'evidence'; evidence: Uint8Array }
  /** Links or circuits are not what they were: read them anew. */
  | { type: 'changed' }
  | { type: 'guards'; guards: Guard[] }
  /** Second hops that are kept are not what they were. */
  | { type: 'middles'; middles: Middle[] }
  | { type: 'registered'; on: boolean }
  /** Something waits in a mailbox that was collected over a circuit which still stands. */
  | { type: 'mail'; mailbox: Uint8Array }
  /** A heartbeat was answered, after more than five seconds, or not at all; `result` is of the node's last audited epoch. */
  | {
      type: 'heartbeat';
      at: Millis;
      outcome: 'answered' | 'late' | 'missed';
      result: AuditResult | undefined;
    }
  /** `guard`: by which the loop began, if it did. */
  | { type: 'looped'; handle: Handle; outcome: Outcome; guard: NodeId | undefined }
  | { type: 'inboxes'; inboxes: InboxRef[] }
  /** `exit`: by which node the request went, where it had a circuit of its own. */
  | {
      type: 'answered';
      handle: Handle;
      result: { body: Uint8Array } | { code: Code };
      exit?: NodeId | undefined;
    }
  /** This circuit is on its way to a contact, for the `connect` of that handle. */
  | { type: 'channel-building'; handle: Handle; circuit: Handle }
  | { type: 'channel-open'; handle: Handle; channel: Handle; circuit: Handle }
  | { type: 'channel-failed'; handle: Handle; code: Code }
  | { type: 'channel-incoming'; channel: Handle; circuit: Handle }
  | { type: 'channel-message'; channel: Handle; data: Uint8Array }
  /** All that was given to `channel-send` has left for the first link. */
  | { type: 'channel-drained'; channel: Handle }
  | { type: 'channel-closed'; channel: Handle; code: Code }
  /** For the directory's services. */
  | { type: 'request'; circuit: Handle; stream: StreamId; binding: Uint8Array; body: Uint8Array }
  | { type: 'circuit-closed'; circuit: Handle }
  /** An exception that no peer is to blame for; whatever met it was ended with the code `internal`. */
  | { type: 'fault'; error: unknown }
  /** Something was refused or destroyed; for counters. */
  | { type: 'refused'; where: 'link' | 'circuit' | 'inbox' | 'stream' | 'signal' | 'consensus'; code: Code }
  /** One of this client's circuits could not be built, or broke: after `hop` hops stood. */
  | { type: 'circuit-failed'; purpose: CircuitPurpose; path: NodeId[]; hop: number; code: Code };

export type Output =
  | { type: 'open-websocket'; link: LinkId }
  | { type: 'create-peer'; link: LinkId; initiator: boolean }
  | { type: 'signal-peer'; link: LinkId; session: Session }
  /** A link by way of the server: `pass` says where the other end is met, and what cells are sealed with. */
  | { type: 'open-pass'; link: LinkId; pass: Pass }
  | { type: 'send'; link: LinkId; data: Uint8Array }
  | { type: 'close-link'; link: LinkId }
  | { type: 'fetch-consensus' }
  | { type: 'respond'; job: number; task: RespondJob }
  /** A search, slow; several may be under way. Comes back as `worked`. */
  | { type: 'work'; job: number; task: WorkTask }
  /** Nobody waits for this work any more. */
  | { type: 'end-work'; job: number }
  /** Whoever holds a contribution secret may prove it for an inbox of this tag at this exit; comes back as `ticketed`. */
  | { type: 'ticket'; job: number; exit: NodeId; tag: Uint8Array }
  /** Slow; comes back as `verified`. */
  | { type: 'verify'; job: number; claim: Claim; proof: Uint8Array }
  | { type: 'wake'; at: Millis }
  | { type: 'trace'; trace: TraceEvent }
  | { type: 'event'; event: NodeEvent };
