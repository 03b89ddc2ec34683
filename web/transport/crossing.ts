import type { Session } from '#shared/signal/session.ts';
import type { LinkId } from '#shared/units.ts';
import type { Connectivity } from './probe.ts';

/** What the worker is told at its start. */
export type Setup = {
  profile: string;
  /** Where invite links lead. */
  origin: string;
  linkUrl: string;
  consensusUrl: string;
  /** Whether this browser has WebRTC, and the server a TURN server for it. */
  webrtc: boolean;
  turn: boolean;
  /** Keep what passes on each link, for a test to read. */
  trace: boolean;
};

/** The profile opens by its passphrase. `wrong`: one was tried that is not it; none is taken for `retryAfterMs`. */
export type Locked = { wrong: boolean; retryAfterMs: number };

export type ToWorker =
  | { type: 'setup'; setup: Setup; port: MessagePort }
  /** Answered by `opened`, `locked` or `failed`. */
  | { type: 'unlock'; passphrase: string }
  /** Of a profile that is locked: everything goes. Answered by `erased`. */
  | { type: 'erase' }
  | { type: 'session'; link: LinkId; session: Session }
  | { type: 'channel'; link: LinkId; channel: RTCDataChannel }
  /** Where a channel can't be transferred: the end of a bridge to it. */
  | { type: 'channel-port'; link: LinkId; port: MessagePort }
  | { type: 'peer-closed'; link: LinkId }
  /** It goes through a TURN server, or does not any more. */
  | { type: 'peer-relayed'; link: LinkId; on: boolean }
  /** What links can come about, as far as trying tells. */
  | { type: 'connectivity'; connectivity: Connectivity }
  /** The page is about to go, and the worker with it. */
  | { type: 'page-gone' };

export type FromWorker =
  | { type: 'create-peer'; link: LinkId; initiator: boolean }
  | { type: 'signal-peer'; link: LinkId; session: Session }
  | { type: 'close-peer'; link: LinkId }
  /** Whether new peer connections go through TURN servers alone. Answered by `connectivity`. */
  | { type: 'hide-address'; on: boolean }
  /** The client answers calls. */
  | { type: 'opened' }
  | ({ type: 'locked' } & Locked)
  /** Nothing of the profile is left in its database. */
  | { type: 'erased' }
  | { type: 'failed'; code: string };
