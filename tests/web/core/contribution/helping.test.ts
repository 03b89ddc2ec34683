import { describe, expect, it } from 'vitest';
import { Heartbeats } from '#web/core/contribution/heartbeats.ts';
import { helpingView } from '#web/core/contribution/helping.ts';
import type { Round } from '#web/core/contribution/round.ts';
import { consensusOf } from '#tests/support/sample-network.ts';
import { clockAfter, EPOCH } from './fixture.ts';

const params = { ...consensusOf([]).params, epochMs: 60_000, policy: 'observe' as const };
const now = clockAfter(EPOCH).now();

const viewOf = (over: Partial<Parameters<typeof helpingView>[0]> = {}) =>
  helpingView({
    now,
    params,
    relaying: true,
    heartbeats: new Heartbeats(),
    carried: 4,
    days: [],
    round: undefined,
    tokens: 3,
    error: null,
    ...over,
  });

describe('the helping view', () => {
  it('knows nothing before the first consensus', () => {
    expect(viewOf({ params: undefined })).toEqual({
      policy: null,
      epoch: null,
      heartbeats: [],
      carried: 4,
      days: [],
      audit: null,
      proof: { epoch: null, stage: { kind: 'idle' } },
      error: null,
      tokens: 3,
    });
  });

  it('counts slots of the audit, and says what they are worth', () => {
    const heartbeats = new Heartbeats();
    heartbeats.add(now, 'answered', {
      epoch: EPOCH,
      tested: 0b1111_1111_1110,
      passed: 0b0101_1011_1010,
      fault: 'lost',
    });
    expect(viewOf({ heartbeats }).audit).toEqual({
      epoch: { epoch: EPOCH, startsAt: EPOCH * 60_000, endsAt: (EPOCH + 1) * 60_000 },
      tested: 11,
      passed: 7,
      slots: 12,
      tier: 6,
      fault: 'lost',
    });
    heartbeats.add(now, 'answered', { epoch: EPOCH, tested: 0xfff, passed: 0b11, fault: undefined });
    expect(viewOf({ heartbeats }).audit).toMatchObject({ passed: 2, tier: null, fault: null });
  });

  it('says whether anything is collected, and how far the proof of the closed epoch is', () => {
    expect(viewOf().proof.stage.kind).toBe('collecting');
    expect(viewOf({ relaying: false }).proof.stage.kind).toBe('idle');
    expect(viewOf({ params: { ...params, policy: 'off' } }).proof.stage.kind).toBe('idle');
    const round = { closed: { epoch: EPOCH }, stage: { kind: 'verified' } } as Round;
    const { proof, epoch } = viewOf({ round, relaying: false });
    expect([proof.stage.kind, proof.epoch?.epoch, epoch?.epoch]).toEqual(['verified', EPOCH, EPOCH + 1]);
  });

  it('is plain', () => {
    expect(structuredClone(viewOf())).toEqual(viewOf());
    expect(JSON.parse(JSON.stringify(viewOf()))).toEqual(viewOf());
  });
});
