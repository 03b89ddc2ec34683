import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATE_MS, LoopMail } from '#shared/node/loop-mail.ts';
import { drawAcknowledgement, drawTurns } from '#shared/node/loop-script.ts';
import { rngOf } from './bench.ts';

describe('what the ends of a loop write', () => {
  it('fits the span, begins with the caller, and is as long as what users write', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.integer({ min: 0, max: 600_000 }),
        (seed, spanMs) => {
          const turns = drawTurns(rngOf(seed), spanMs);
          expect(turns[0]).toMatchObject({ at: 0, from: 'caller' });
          expect(turns.length).toBeGreaterThanOrEqual(3);
          expect(turns.length).toBeLessThanOrEqual(15);
          const times = turns.map(({ at }) => at);
          expect(times).toEqual([...times].sort((a, b) => a - b));
          expect(times.at(-1)).toBeLessThanOrEqual(spanMs);
          for (const { length } of turns) expect(length >= 420 && length <= 8_000).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('is mostly short, at times long, and comes from both', () => {
    const turns = Array.from({ length: 300 }, (_, seed) => drawTurns(rngOf(seed), 60_000)).flat();
    const share = (holds: (length: number) => boolean): number =>
      turns.filter(({ length }) => holds(length)).length / turns.length;
    expect(share((length) => length <= 960)).toBeGreaterThan(0.7);
    expect(share((length) => length >= 3_000)).toBeGreaterThan(0.02);
    expect(share((length) => length >= 3_000)).toBeLessThan(0.1);
    expect(turns.filter(({ from }) => from === 'owner').length / turns.length).toBeGreaterThan(0.3);
    const lengths = Array.from({ length: 100 }, (_, seed) => drawAcknowledgement(rngOf(seed)));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(230);
  });
});

describe('what was sent between them', () => {
  const [one, two] = [Uint8Array.of(1, 2), Uint8Array.of(1, 3)];
  const mailWith = (...sent: Uint8Array[]): LoopMail => {
    const mail = new LoopMail();
    for (const data of sent) mail.sent('caller', { data, at: 1_000, text: true });
    return mail;
  };

  it('has to come out as it was, in its order and on the other side', () => {
    expect(mailWith(one).came('caller', two, 1_000)).toBe('bad');
    expect(mailWith(one).came('owner', one, 1_000)).toBe('bad');
    expect(mailWith(one, two).came('caller', two, 1_000)).toBe('bad');
    const mail = mailWith(one, two);
    expect([mail.came('caller', one, 1_000), mail.idle]).toEqual(['text', false]);
    expect([mail.came('caller', two, 1_000), mail.idle, mail.late]).toEqual(['text', true, false]);
    expect(mail.came('caller', two, 1_000)).toBe('bad');
  });

  it('is late after two seconds', () => {
    const [intime, late] = [mailWith(one), mailWith(one)];
    intime.came('caller', one, 1_000 + LATE_MS);
    late.came('caller', one, 1_001 + LATE_MS);
    expect([intime.late, late.late]).toEqual([false, true]);
  });
});
