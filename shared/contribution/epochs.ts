import { LocalError } from '../errors.ts';
import type { Millis } from '../units.ts';

/** How time is cut: an epoch is a whole number of slots. Epoch n begins at n · epochMs since 1970. */
export type EpochPlan = {
  readonly epochMs: Millis;
  readonly slotMs: Millis;
  /** For how long after its time a proof is still taken. */
  readonly graceMs: Millis;
};

/** Slots of an epoch, whatever its length: scores are numbers of them. */
export const SLOTS = 12;

/** Of an epoch its sixth part, ten minutes of an hour. */
const GRACE_PART = 6;

export const DEFAULT_EPOCH_MS: Millis = 3_600_000;

/** Throws `internal` unless an epoch has whole slots. */
export const epochPlan = (epochMs: Millis): EpochPlan => {
  const slotMs = epochMs / SLOTS;
  if (!Number.isInteger(slotMs) || slotMs < 1) throw new LocalError('internal', 'an epoch has whole slots');
  return { epochMs, slotMs, graceMs: epochMs / GRACE_PART };
};

export const epochAt = (now: Millis, { epochMs }: EpochPlan): number => Math.floor(now / epochMs);

export const epochStart = (epoch: number, { epochMs }: EpochPlan): Millis => epoch * epochMs;

/** The slot within its epoch, from 0. */
export const slotAt = (now: Millis, plan: EpochPlan): number =>
  Math.floor((now - epochStart(epochAt(now, plan), plan)) / plan.slotMs);

/** The last epoch that is over: the one whose scores can be proved now. */
export const provableEpoch = (now: Millis, plan: EpochPlan): number => epochAt(now, plan) - 1;

/** Whether a proof of `epoch` is taken now: all through the epoch after it, and `graceMs` more. */
export const acceptsEpoch = (epoch: number, now: Millis, plan: EpochPlan): boolean => {
  const current = provableEpoch(now, plan);
  if (epoch === current) return true;
  return epoch === current - 1 && now < epochStart(epoch + 2, plan) + plan.graceMs;
};

/** Whether a token of `epoch`'s key is taken now: in that epoch and the next one, and `graceMs` more. One clock may be behind. */
export const acceptsToken = (epoch: number, now: Millis, plan: EpochPlan): boolean =>
  epoch <= epochAt(now, plan) + 1 && now < epochStart(epoch + 2, plan) + plan.graceMs;
