import { describe, expect, it } from 'vitest';
import { codes, type Code } from '#shared/errors.ts';
import { broken, CALLER_WAY, lost, OWNER_WAY, unbuilt, type Break } from '#shared/node/loop-verdict.ts';

const breakOf = (each: Partial<Break>): Break => ({
  ...{ way: CALLER_WAY, hop: 2, stood: false, code: 'refused', cause: 'refused' },
  ...each,
});
/** Names of the suspects, or `unrun`. */
const verdict = (each: Partial<Break>): string => {
  const outcome = unbuilt(breakOf(each));
  if (outcome.kind !== 'failed') return outcome.kind;
  expect(outcome.fault).toBe('unbuilt');
  return ['m1', 'e1', 'X', 'm2'].filter((_, place) => outcome.suspects & (1 << place)).join(' ');
};

describe('who may be to blame for a circuit that did not come about', () => {
  it.each([
    { way: CALLER_WAY, hop: 1, who: 'm1' },
    { way: CALLER_WAY, hop: 2, who: 'm1 e1' },
    { way: CALLER_WAY, hop: 3, stood: true, who: 'e1 X' },
    { way: CALLER_WAY, hop: 4, stood: true, who: 'X m2' },
    { way: OWNER_WAY, hop: 1, who: 'm2' },
    { way: OWNER_WAY, hop: 2, who: 'X m2' },
    { way: OWNER_WAY, hop: 3, stood: true, who: 'X' },
  ])('a refusal of hop $hop leaves $who', ({ who, ...each }) => {
    expect(verdict(each)).toBe(who);
  });

  it.each([
    { way: CALLER_WAY, hop: 1, who: 'm1' },
    { way: CALLER_WAY, hop: 2, who: 'm1 e1' },
    { way: CALLER_WAY, hop: 3, stood: true, who: 'm1 e1 X' },
    { way: CALLER_WAY, hop: 4, stood: true, who: 'm1 e1 X m2' },
    { way: OWNER_WAY, hop: 2, who: 'X m2' },
    { way: OWNER_WAY, hop: 3, stood: true, who: 'X m2' },
  ])('silence after hop $hop leaves all on the way: $who', ({ who, ...each }) => {
    expect(verdict({ ...each, code: 'timeout', cause: 'own' })).toBe(who);
    expect(verdict({ ...each, code: 'bad-layer', cause: 'cell' })).toBe(who);
  });

  it('a false answer to a handshake, which came through a hop’s layer, leaves that hop and the next', () => {
    expect(verdict({ hop: 2, code: 'bad-confirm', cause: 'cell' })).toBe('m1 e1');
    expect(verdict({ hop: 3, stood: true, code: 'bad-confirm', cause: 'cell' })).toBe('e1 X');
  });

  it('the guard, and an exit whose places are taken, leave nobody', () => {
    for (const code of Object.keys(codes) as Code[]) {
      expect(verdict({ code, cause: 'guard' })).toBe('unrun');
      expect(verdict({ code, hop: 0, cause: 'own' })).toBe('unrun');
    }
    expect(verdict({ way: OWNER_WAY, hop: 3, stood: true, code: 'too-many', cause: 'own' })).toBe('unrun');
    expect(verdict({ way: OWNER_WAY, hop: 2, stood: true, code: 'too-many' })).toBe('unrun');
    expect(verdict({ way: OWNER_WAY, hop: 2, code: 'too-many' })).toBe('X m2');
    expect(verdict({ code: 'refused', cause: 'own' })).toBe('unrun');
    expect(broken({ code: 'destroyed', cause: 'guard' })).toEqual({ kind: 'unrun' });
    expect(broken({ code: 'refused', cause: 'own' })).toEqual({ kind: 'unrun' });
    for (const cause of ['refused', 'cell'] as const)
      expect(broken({ code: 'refused', cause })).toEqual(lost);
    expect(lost).toEqual({ kind: 'failed', fault: 'lost', suspects: 15 });
  });
});
