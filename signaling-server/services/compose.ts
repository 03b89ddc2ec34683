import { decode } from '#shared/bytes/codec.ts';
import type { Consensus, ConsensusNode, Params } from '#shared/directory/consensus.ts';
import { DESCRIPTOR_LIFE_MS, descriptorCodec } from '#shared/directory/descriptor.ts';
import type { Millis } from '#shared/units.ts';
import { epochOf } from '../epochs.ts';
import type { DirectoryKeys } from '../keys.ts';
import type { ConsensusRecord, Presence } from '../stores/ports.ts';

const MINUTE_MS = 60_000;
const GUARD_UPTIME_MS = 8 * 24 * 60 * MINUTE_MS;
const DEFAULT_WEIGHT = 1_000;
/** Under this many nodes the network is not anonymous, and a wait before registering would hide nothing. */
const MINIMUM_NODES = 8;
const FRESH_MS = 3 * MINUTE_MS;
export const USABLE_MS = 180 * MINUTE_MS;
const NOTHING = new Uint8Array(32);

export type Composition = {
  keys: DirectoryKeys;
  presences: Presence[];
  previous: ConsensusRecord | undefined;
  now: Millis;
  directoryHops: number;
  registrationDelayMs: Millis;
};

/** The next consensus of the chain. Its time never runs back, whatever the clock does. */
export const compose = ({ keys, presences, previous, now, ...rest }: Composition): Consensus => ({
  sequence: (previous?.sequence ?? 0) + 1,
  time: Math.max(now, (previous?.time ?? 0) + 1),
  epoch: epochOf(now),
  previous: previous?.hash ?? NOTHING,
  directoryKey: keys.signing.public,
  directoryOnionKey: keys.onion.public,
  params: params(presences.length, rest),
  contributionRoot: NOTHING,
  tokenKey: NOTHING,
  verificationKeyHash: NOTHING,
  nodes: listed(presences, now),
});

const params = (
  nodes: number,
  { directoryHops, registrationDelayMs }: Pick<Composition, 'directoryHops' | 'registrationDelayMs'>,
): Params => ({
  registrationDelayMs: nodes < MINIMUM_NODES ? 0 : registrationDelayMs,
  minimumNodes: MINIMUM_NODES,
  freshMs: FRESH_MS,
  usableMs: USABLE_MS,
  directoryHops,
  policy: 'off',
});

/** Nodes whose keys still work, by id. A guard is one that has been here for 8 days, or longer than half of all. */
const listed = (presences: Presence[], now: Millis): ConsensusNode[] => {
  const lively = presences.filter(({ published }) => now - published <= DESCRIPTOR_LIFE_MS);
  const guardUptimeMs = Math.min(GUARD_UPTIME_MS, lowerMedian(lively.map(({ since }) => now - since)));
  return lively
    .map(({ descriptor, since }) => ({
      ...decode(descriptorCodec, descriptor),
      guard: now - since >= guardUptimeMs,
      exit: true,
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
