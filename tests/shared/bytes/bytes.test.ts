import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, equal, hex, text, unhex, untext } from '#shared/bytes/bytes.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

describe('bytes', () => {
  it('hex round trips', () => {
    fc.assert(
      fc.property(anyBytes(0, 40), (input) => {
        expect(hex(input)).toBe(Buffer.from(input).toString('hex'));
        expect(unhex(hex(input))).toEqual(input);
      }),
      runs(100),
    );
  });

  it('refuses what is not lower-case hex', () => {
    for (const bad of ['0', '0G', 'AB', ' 00', '00\n'])
      expect(
        refusalOf(() => unhex(bad)),
        bad,
      ).toBe('malformed');
  });

  it('text round trips, and bytes that are not UTF-8 are refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(untext(text(value))).toBe(value);
      }),
      runs(100),
    );
    for (const bad of [[0xff], [0xc3, 0x28], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      expect(
        refusalOf(() => untext(new Uint8Array(bad))),
        String(bad),
      ).toBe('malformed');
    }
  });

  it('random bytes as text are taken canonically or refused', () => {
    fc.assert(
      fc.property(anyBytes(0, 12), (input) => {
        let value: string | undefined;
        const code = refusalOf(() => (value = untext(input)));
        if (value === undefined) expect(code).toBe('malformed');
        else expect(text(value)).toEqual(input);
      }),
      runs(300),
    );
  });

  it('compares by content', () => {
    fc.assert(
      fc.property(anyBytes(0, 4), anyBytes(0, 4), (a, b) => {
        expect(equal(a, b)).toBe(hex(a) === hex(b));
        expect(equal(a, a.slice())).toBe(true);
      }),
      runs(200),
    );
  });

  it('joins in order', () => {
    expect(concat(new Uint8Array([1]), new Uint8Array(0), new Uint8Array([2, 3]))).toEqual(
      new Uint8Array([1, 2, 3]),
    );
  });
});
