import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, text } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import {
  field,
  fieldBytes,
  FIELD_LENGTH,
  FIELD_ORDER,
  hashToField,
  integerOf,
  isField,
} from '#shared/contribution/field.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

describe('an element of the field', () => {
  it('has one layout', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: FIELD_ORDER - 1n }), (value) => {
        const bytes = encode(field, value);
        expect(bytes).toHaveLength(FIELD_LENGTH);
        expect(decode(field, bytes)).toBe(value);
        expect(integerOf(bytes)).toBe(value);
      }),
      runs(100),
    );
  });

  it('is below the order', () => {
    const order = integerOf(encode(field, FIELD_ORDER - 1n)) + 1n;
    const bytes = Uint8Array.from(order.toString(16).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    expect(refusalOf(() => decode(field, bytes))).toBe('malformed');
    expect(refusalOf(() => decode(field, new Uint8Array(FIELD_LENGTH).fill(255)))).toBe('malformed');
    expect(misuseOf(() => fieldBytes(FIELD_ORDER))).toBe('internal');
    expect(misuseOf(() => fieldBytes(-1n))).toBe('internal');
    expect([isField(0n), isField(FIELD_ORDER - 1n), isField(FIELD_ORDER), isField(-1n)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('a hash to the field', () => {
  it('is the first 31 bytes of SHA-256', () => {
    const digest = sha256(concat(text('label'), new Uint8Array(1), text('bytes')));
    expect(hashToField('label', text('bytes'))).toBe(integerOf(digest.subarray(0, 31)));
  });

  it('differs by label and bytes, and is an element', () => {
    fc.assert(
      fc.property(anyBytes(0, 80), anyBytes(0, 80), (a, b) => {
        const [first, second] = [hashToField('a', a), hashToField('a', b)];
        expect(isField(first)).toBe(true);
        expect(first === second).toBe(integerOf(a) === integerOf(b) && a.length === b.length);
        expect(hashToField('b', a)).not.toBe(first);
      }),
      runs(100),
    );
  });
});
