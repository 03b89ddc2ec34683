import { verificationKeyHash } from '#circuits/verify.ts';
import { unhex } from '#shared/bytes/bytes.ts';
import { decode } from '#shared/bytes/codec.ts';
import { epochAt, type EpochPlan } from '#shared/contribution/epochs.ts';
import type { Consensus, ConsensusNode, Params } from '#shared/directory/consensus.ts';
import { DESCRIPTOR_LIFE_MS, descriptorCodec } from '#shared/directory/descriptor.ts';
import type { Millis } from '#shared/units.ts';
import type { DirectoryKeys } from '../keys.ts';
import type { ConsensusRecord, Presence } from '../stores/ports.ts';

const MINUTE_MS = 60_000;
const GUARD_UPTIME_MS = 8 * 24 * 60 * MINUTE_MS;
const DEFAULT_WEIGHT = 1_000;
/** Under this many nodes the network is not anonymous, and a wait before registering would hide nothing. */
const MINIMUM_NODES = 8;
const FRESH_MS = 3 * MINUTE_MS;
export const USABLE_MS = 180 * MINUTE_MS;
/** In a network of more nodes than this contribution is asked for, unless it is set otherwise. */
const ENFORCED_ABOVE = 12;
/**
 * Who comes to be an exit shows by it which connection it has. So those who came within a span of so many registration delays
 * come to be exits together, and whoever sees them be used can't tell them apart by when each came.
 */
const EXIT_SPANS = 2;
const NOTHING = new Uint8Array(32);
/** An archive whose last consensus is older than this may be a restored one, and later ones may have been shown. */
const AWAY_MS = 10 * MINUTE_MS;
/** No directory makes consensuses faster, whatever its settings. */
const LEAST_STEP_MS = 10;

/** Of contribution, what a consensus states: see there. */
export type Standing = Pick<Consensus, 'contributionEpoch' | 'contributionRoot' | 'auditPlan' | 'tokenKey'>;

export type Composition = {
  keys: DirectoryKeys;
  presences: Presence[];
  previous: ConsensusRecord | undefined;
  now: Millis;
  directoryHops: number;
  registrationDelayMs: Millis;
  epochs: EpochPlan;
  contribution: 'auto' | Params['policy'];
  standing: Standing;
};

/** The next consensus of the chain. Its time never runs back, whatever the clock does. */
export const compose = ({ keys, presences, previous, now, standing, ...rest }: Composition): Consensus => ({
  sequence: nextSequence(previous, now),
  time: Math.max(now, (previous?.time ?? 0) + 1),
  epoch: epochAt(now, rest.epochs),
  previous: previous?.hash ?? NOTHING,
  directoryKey: keys.signing.public,
  directoryOnionKey: keys.onion.public,
  params: params(presences.length, rest),
  ...standing,
  verificationKeyHash: unhex(verificationKeyHash),
  nodes: listed(presences, now, rest.registrationDelayMs),
});

/**
 * One more than the last; after a long silence beyond any that can have been made in between, and one further, so that
 * nothing that is signed from here on contradicts what was lost.
 */
const nextSequence = (previous: ConsensusRecord | undefined, now: Millis): number => {
  if (!previous) return 1;
  const silentMs = now - previous.time;
  const lost = silentMs > AWAY_MS ? Math.ceil(silentMs / LEAST_STEP_MS) + 1 : 0;
  return previous.sequence + 1 + lost;
};

const params = (
  nodes: number,
  {
    directoryHops,
    registrationDelayMs,
    epochs,
    contribution,
  }: Pick<Composition, 'directoryHops' | 'registrationDelayMs' | 'epochs' | 'contribution'>,
): Params => ({
  registrationDelayMs: nodes < MINIMUM_NODES ? 0 : registrationDelayMs,
  minimumNodes: MINIMUM_NODES,
  freshMs: FRESH_MS,
  usableMs: USABLE_MS,
  directoryHops,
  policy: contribution === 'auto' ? (nodes > ENFORCED_ABOVE ? 'enforce' : 'observe') : contribution,
  epochMs: epochs.epochMs,
});

/** Whether a node's keys still work. */
export const isLively = ({ published }: Presence, now: Millis): boolean =>
  now - published <= DESCRIPTOR_LIFE_MS;

/**
 * Nodes whose keys still work, by id. A guard is one that has been here for 8 days, or longer than half of all; an exit one of the
 * eight oldest, or one that was here when the last span of exits began.
 */
const listed = (presences: Presence[], now: Millis, registrationDelayMs: Millis): ConsensusNode[] => {
  const lively = presences.filter((each) => isLively(each, now));
  const spanMs = EXIT_SPANS * registrationDelayMs;
  const oldest = lively.map(({ since }) => since).sort((a, b) => a - b)[MINIMUM_NODES - 1] ?? Infinity;
  const exitSince = spanMs === 0 ? Infinity : Math.max(oldest, now - (now % spanMs) - 1);
  const guardUptimeMs = Math.min(GUARD_UPTIME_MS, lowerMedian(lively.map(({ since }) => now - since)));
  return lively
    .map(({ descriptor, since }) => ({
      ...decode(descriptorCodec, descriptor),
      guard: now - since >= guardUptimeMs,
      exit: since <= exitSince,
      weight: DEFAULT_WEIGHT,
      since,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
};

/** The lower one of the two in the middle, so that never less than half are at or above it. */
const lowerMedian = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
};
