import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ITERATIONS, matchesCode, safetyNumber, type Party } from '#web/core/contacts/safety.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const anyParty: fc.Arbitrary<Party> = fc.record({ address: anyBytes(32), key: anyBytes(32) });

/** Another implementation, over OpenSSL: 30 digits of one side. */
const twin = ({ address, key }: Party): { digits: string; print: string } => {
  const sha512 = (...parts: Uint8Array[]): Buffer =>
    parts.reduce((hash, part) => hash.update(part), createHash('sha512')).digest();
  let hash = sha512(Buffer.from('hourglass safety number 1'), address, key);
  for (let i = 0; i < ITERATIONS; i++) hash = sha512(hash, address, key);
  const groups = [0, 5, 10, 15, 20, 25].map((at) => hash.readUIntBE(at, 5) % 100_000);
  return {
    digits: groups.map((group) => String(group).padStart(5, '0')).join(' '),
    print: hash.toString('hex', 0, 32),
  };
};

describe('a safety number', () => {
  it('is 12 groups of five digits, the same from both sides, and what another implementation makes', () => {
    fc.assert(
      fc.property(anyParty, anyParty, (a, b) => {
        const number = safetyNumber(a, b);
        expect(safetyNumber(b, a)).toEqual(number);
        expect(number.digits).toMatch(/^\d{5}( \d{5}){11}$/);
        expect(number.code).toMatch(/^[0-9A-Z:-]+$/);
        const [low, high] = [twin(a), twin(b)].sort((x, y) => (x.print < y.print ? -1 : 1));
        expect(number.digits).toBe(`${low?.digits ?? ''} ${high?.digits ?? ''}`);
      }),
      runs(8),
    );
  });

  it('is another one when any bit of an address or of a key is', () => {
    const place = fc.record({
      side: fc.constantFrom('a', 'b'),
      part: fc.constantFrom('address', 'key'),
      bit: fc.nat(255),
    });
    fc.assert(
      fc.property(anyParty, anyParty, place, (a, b, { side, part, bit }) => {
        const sides = { a, b };
        const whole = sides[side][part].slice();
        whole[bit >> 3] = (whole[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const changed = { ...sides, [side]: { ...sides[side], [part]: whole } };
        const [before, after] = [safetyNumber(a, b), safetyNumber(changed.a, changed.b)];
        expect(after.digits).not.toBe(before.digits);
        expect(matchesCode(a, b, after.code)).toBe(false);
        expect(matchesCode(a, b, before.code)).toBe(true);
      }),
      runs(8),
    );
  });
});

describe('a scanned code', () => {
  const [a, b] = [1, 3].map((fill) => ({
    address: new Uint8Array(32).fill(fill),
    key: new Uint8Array(32).fill(fill + 1),
  })) as [Party, Party];
  const { code } = safetyNumber(a, b);

  it('is taken with spaces around it and in either case', () => {
    expect(matchesCode(b, a, ` ${code.toLowerCase()}\n`)).toBe(true);
  });

  it('of another version, or of something else, is refused', () => {
    expect(refusalOf(() => matchesCode(a, b, code.replace(':1:', ':2:')))).toBe('bad-version');
    expect(refusalOf(() => matchesCode(a, b, 'https://example.org/#i/abc'))).toBe('malformed');
    expect(refusalOf(() => matchesCode(a, b, `${code}0`))).toBe('malformed');
  });

  it('that is cut off is not the one', () => {
    expect(matchesCode(a, b, code.slice(0, -2))).toBe(false);
  });
});
