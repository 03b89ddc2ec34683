import { epochAt, epochPlan, epochStart, SLOTS, type EpochPlan } from '#shared/contribution/epochs.ts';
import { tierOf } from '#shared/contribution/tiers.ts';
import type { AuditResult } from '#shared/directory/audit.ts';
import type { Consensus } from '#shared/directory/consensus.ts';
import type { Millis } from '#shared/units.ts';
import type { AuditView, DayView, EpochView, HelpingView, ProofView } from '#web/api-helping.ts';
import type { Heartbeats } from './heartbeats.ts';
import type { Round } from './round.ts';

type Known = {
  now: Millis;
  /** Of the consensus in use. */
  params: Consensus['params'] | undefined;
  /** Whether this client relays, and could prove it. */
  relaying: boolean;
  heartbeats: Heartbeats;
  carried: number;
  days: DayView[];
  round: Round | undefined;
  tokens: number;
  error: HelpingView['error'];
};

export const helpingView = (known: Known): HelpingView => {
  const { now, params, heartbeats, carried, days, tokens, error } = known;
  const plan = params && epochPlan(params.epochMs);
  const { result } = heartbeats;
  return {
    policy: params?.policy ?? null,
    epoch: plan ? epochView(epochAt(now, plan), plan) : null,
    heartbeats: heartbeats.last,
    carried,
    days,
    audit: plan && result ? auditView(result, plan) : null,
    proof: proofView(known, plan),
    error,
    tokens,
  };
};

const epochView = (epoch: number, plan: EpochPlan): EpochView => ({
  epoch,
  startsAt: epochStart(epoch, plan),
  endsAt: epochStart(epoch + 1, plan),
});

const bitsOf = (slots: number): number =>
  Array.from({ length: SLOTS }, (_, slot) => (slots >> slot) & 1).reduce((sum, bit) => sum + bit, 0);

const auditView = ({ epoch, tested, passed, fault }: AuditResult, plan: EpochPlan): AuditView => ({
  epoch: epochView(epoch, plan),
  tested: bitsOf(tested),
  passed: bitsOf(passed),
  slots: SLOTS,
  tier: tierOf(bitsOf(passed)) ?? null,
  fault: fault ?? null,
});

const proofView = ({ params, relaying, round }: Known, plan: EpochPlan | undefined): ProofView => {
  // A proof of what was done stands when relaying is off by now.
  if (round && plan) return { epoch: epochView(round.closed.epoch, plan), stage: round.stage };
  const collects = relaying && params !== undefined && params.policy !== 'off';
  return { epoch: null, stage: { kind: collects ? 'collecting' : 'idle' } };
};
