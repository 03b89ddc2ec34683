import type { Reason } from './api.ts';

/** What this tab does for others, the bounds that the user sets to it, and how the tab gets at the network at all. */

/** An hour by which contribution is counted, or what the network has in its place. Times in ms since 1970. */
export type EpochView = { epoch: number; startsAt: number; endsAt: number };

/** How the directory answered a heartbeat of this node: in time, after more than five seconds, or not at all. */
export type HeartbeatView = { at: number; outcome: 'answered' | 'late' | 'missed' };

/** What others' test traffic through this node came to, in the last epoch that is closed. */
export type AuditView = {
  epoch: EpochView;
  /** Slots of the epoch in which it was tested, those it passed, and how many an epoch has. */
  tested: number;
  passed: number;
  slots: number;
  /** What the passed slots are worth, or null for less than the lowest tier. */
  tier: number | null;
  /** What was wrong most often. */
  fault: 'unbuilt' | 'lost' | 'late' | null;
};

/** How far the proof for the last closed epoch is. */
export type ProofStage =
  /** There is nothing to collect for: relaying is off, or the network does not count. */
  | { kind: 'idle' }
  /** No closed epoch has this node in it yet. */
  | { kind: 'collecting' }
  /** It begins at this time, which was drawn at random. */
  | { kind: 'waiting'; at: number }
  /** The list of all who contributed is fetched twice and checked. */
  | { kind: 'checking' }
  | { kind: 'proving'; fraction: number }
  | { kind: 'submitting' }
  | { kind: 'verified' }
  | { kind: 'not-enough' }
  /** So few could have made the same proof that it would point at this node. */
  | { kind: 'crowd-too-small'; crowd: number; least: number }
  | { kind: 'failed'; code: Reason };

/** `epoch`: which one is proved, or null while there is none. */
export type ProofView = { epoch: EpochView | null; stage: ProofStage };

/** What was carried for others on one day. `day` is the local date, as 2026-11-28. */
export type DayView = { day: string; circuits: number; bytes: number };

/** What this tab does for others, and what it can show for it. */
export type HelpingView = {
  /** Whether the network asks for proofs, only watches, or does neither; null before it is known. */
  policy: 'off' | 'observe' | 'enforce' | null;
  /** The epoch that is running. */
  epoch: EpochView | null;
  /** The last 60, the oldest first. */
  heartbeats: HeartbeatView[];
  /** Circuits of others that pass through now. */
  carried: number;
  /** The last 14 days on which something was carried, the oldest first, today at the end. */
  days: DayView[];
  audit: AuditView | null;
  proof: ProofView;
  /** The last thing that went wrong with any of it. */
  error: { code: Reason; at: number } | null;
  /** Tokens at hand, each of which pays for one request. */
  tokens: number;
};

/** Bounds to what is carried for others; null: none. */
export type RelayLimits = {
  /** Megabytes (10^6 bytes) on one day, by the local date. */
  dayMegabytes: number | null;
  /** Kilobytes (10^3 bytes) a second. */
  kilobytesPerSecond: number | null;
  /** Nothing is carried while the device runs on its battery. */
  pauseOnBattery: boolean;
  /** Nothing is carried over a connection that is paid for by volume. */
  pauseOnMetered: boolean;
  /** Nothing is carried once the tab has been out of sight for a minute. */
  onlyVisible: boolean;
};

/** What the page knows of the device; null: this browser does not tell. */
export type Surroundings = { battery: boolean | null; metered: boolean | null; visible: boolean };

/** `paused`: what keeps this tab from relaying though that is switched on, or null. */
export type RelayingView = {
  limits: RelayLimits;
  paused: 'day' | 'battery' | 'metered' | 'hidden' | null;
};

/** How this tab gets at the server and at neighbours. */
export type ReachView = {
  /** A circuit to the server stands. */
  server: boolean;
  /** Tries in a row that led to nothing: for the server, or, where that is reached, for a first neighbour. */
  tries: number;
  /** When the next one is due, ms since 1970; null: one is under way, or none is needed. */
  nextAt: number | null;
  /** Links to neighbours at the most; null: as many as the network needs. */
  mostNeighbours: number | null;
};

export type HelpingApi = {
  setRelayLimits(limits: RelayLimits): Promise<void>;
  /** The page tells at its start, and at each change. */
  setSurroundings(surroundings: Surroundings): Promise<void>;
  /** 3 to 12, or null for no limit of the user's. */
  setMostNeighbours(most: number | null): Promise<void>;
  /** Tries at once what would be tried later: the server, or a neighbour. */
  lookAgain(): Promise<void>;
};
