import { describe, expect, it } from 'vitest';
import { codes } from '#shared/errors.ts';
import { faults } from '#shared/contribution/outcomes.ts';
import type { HelpingView, ProofStage } from '#web/api-helping.ts';
import { reasonText } from '#web/ui/i18n/text.ts';
import {
  barsOf,
  countOf,
  faultText,
  hoursOf,
  progressOf,
  sizeOf,
  stageText,
  stepsOf,
  TICKS,
  ticksOf,
} from '#web/ui/view/helping.ts';
import { helpingState } from '#tests/support/fake-client.ts';

const hour = 3_600_000;
const stages: ProofStage[] = [
  { kind: 'idle' },
  { kind: 'collecting' },
  { kind: 'waiting', at: Date.now() + 61_000 },
  { kind: 'checking' },
  { kind: 'proving', fraction: 0.347 },
  { kind: 'submitting' },
  { kind: 'verified' },
  { kind: 'not-enough' },
  { kind: 'crowd-too-small', crowd: 5, least: 8 },
  { kind: 'failed', code: 'equivocation' },
];

const at = (stage: ProofStage): HelpingView => {
  const view = helpingState();
  const epoch = stage.kind === 'idle' || stage.kind === 'collecting' ? null : view.proof.epoch;
  return { ...view, proof: { epoch, stage } };
};

describe('the ring', () => {
  it('has its ticks from the top on, and what has not come behind them', () => {
    const ticks = ticksOf([
      { at: 1, outcome: 'answered' },
      { at: 2, outcome: 'late' },
      { at: 3, outcome: 'missed' },
    ]);
    expect(ticks).toHaveLength(TICKS);
    expect(ticks.slice(0, 4)).toEqual([
      { angle: 0, state: 'answered' },
      { angle: 6, state: 'late' },
      { angle: 12, state: 'missed' },
      { angle: 18, state: 'future' },
    ]);
    expect(countOf(helpingState().heartbeats)).toEqual({ answered: 49, late: 1, missed: 2 });
  });

  it('shows how much of the time is over', () => {
    const epoch = { epoch: 10, startsAt: 10 * hour, endsAt: 11 * hour };
    expect([9.5, 10, 10.25, 11, 12].map((now) => progressOf(epoch, now * hour))).toEqual([0, 0, 0.25, 1, 1]);
    expect(progressOf(null, 5)).toBe(0);
    expect(hoursOf(epoch)).toMatch(/^\d\d?:\d\d – \d\d?:\d\d$/);
    expect(hoursOf({ ...epoch, endsAt: 10 * hour + 60_000 })).toMatch(/^\d\d?:\d\d:\d\d – \d\d?:\d\d:\d\d$/);
  });
});

describe('the steps of a proof', () => {
  it.each(stages)('$kind', (stage) => {
    const states = stepsOf(at(stage), Date.now()).map(({ state }) => state);
    const expected: Record<ProofStage['kind'], string> = {
      idle: 'next next next next',
      collecting: 'now next next next',
      waiting: 'done now next next',
      checking: 'done now next next',
      proving: 'done now next next',
      submitting: 'done done now next',
      verified: 'done done done done',
      'not-enough': 'stopped next next next',
      'crowd-too-small': 'done stopped next next',
      failed: 'done stopped next next',
    };
    expect(states.join(' ')).toBe(expected[stage.kind]);
  });

  it('say how far they are', () => {
    const detail = (stage: ProofStage, step: number): string | undefined =>
      stepsOf(at(stage), Date.now())[step]?.detail;
    expect(detail({ kind: 'proving', fraction: 0.347 }, 1)).toBe('35 %');
    expect(detail({ kind: 'proving', fraction: 0.347 }, 0)).toBe('11 of 12 checks');
    expect(detail({ kind: 'waiting', at: Date.now() + 61_500 }, 1)).toBe('starts in 01:01');
    expect(detail({ kind: 'waiting', at: 0 }, 1)).toBe('starts now');
    expect(detail({ kind: 'collecting' }, 0)).toMatch(/^until \d\d?:\d\d$/);
    expect(detail({ kind: 'verified' }, 3)).toBe('done');
    expect(detail({ kind: 'checking' }, 2)).toBe('–');
  });

  it('claim no checks of another epoch than the proof’s', () => {
    const view = at({ kind: 'waiting', at: 0 });
    const audit = view.audit && { ...view.audit, epoch: { ...view.audit.epoch, epoch: 1 } };
    expect(stepsOf({ ...view, audit }, 0)[0]?.detail).toBe('done');
  });

  it('say in words what happens, or why nothing does', () => {
    const texts = stages.map((stage) => stageText(at(stage), true));
    expect(new Set(texts).size).toBe(stages.length);
    for (const text of texts) expect(text).not.toMatch(/[{}]|equivocation|epoch/);
    expect(stageText(at({ kind: 'idle' }), false)).toBe(
      'Nothing is collected while this tab relays nothing.',
    );
    expect(stageText({ ...at({ kind: 'idle' }), policy: 'off' }, true)).toContain('does not count');
    expect(stageText(at({ kind: 'crowd-too-small', crowd: 5, least: 8 }), true)).toContain('Only 5');
  });
});

describe('words', () => {
  it('there are some for each fault, and none for what was passed in full', () => {
    const view = helpingState();
    const audit = view.audit as NonNullable<HelpingView['audit']>;
    const texts = faults.map((fault) => faultText({ ...view, audit: { ...audit, fault } }));
    expect(texts).toEqual([
      'Paths through this tab could not be opened.',
      'Messages that others sent through this tab did not come back.',
      'Messages that others sent through this tab came back too late.',
    ]);
    expect(faultText({ ...view, audit: { ...audit, fault: null } })).toBeNull();
    expect(faultText({ ...view, audit: { ...audit, passed: audit.tested } })).toBeNull();
    expect(faultText({ ...view, audit: null })).toBeNull();
  });

  it('there are some for each code with which a proof can fail', () => {
    const possible = [
      ...['timeout', 'unreachable', 'link-lost', 'too-small-network', 'not-found', 'too-many', 'refused'],
      ...['token-needed', 'try-later', 'replayed', 'stale', 'equivocation', 'bad-signature', 'bad-key'],
      ...['malformed', 'unexpected', 'internal', 'no-consensus', 'storage', 'finished', 'destroyed'],
    ];
    for (const code of possible) {
      expect(codes).toHaveProperty([code]);
      expect(reasonText(code), code).not.toBe(code);
    }
    const unreached = stageText(at({ kind: 'failed', code: 'unreachable' }), true);
    expect(unreached).toBe('No proof this time: the server could not be reached.');
  });
});

describe('days', () => {
  it('are fourteen, today at the end, and the highest is whole', () => {
    const bars = barsOf(helpingState().days, Date.now());
    expect(bars).toHaveLength(14);
    expect(bars.map(({ circuits }) => circuits)).toEqual(helpingState().days.map(({ circuits }) => circuits));
    expect(Math.max(...bars.map(({ height }) => height))).toBe(1);
    expect(bars.map(({ today }) => today).lastIndexOf(true)).toBe(13);
    expect(bars[13]?.label).toBe('today');
    expect(barsOf([], Date.now()).every(({ height }) => height === 0)).toBe(true);
  });

  it('have sizes that are read at a glance', () => {
    expect([0, 999, 1000, 18_432_000, 123_456_789, 4.2e12].map(sizeOf)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '18.4 MB',
      '123 MB',
      '4.2 TB',
    ]);
  });
});
