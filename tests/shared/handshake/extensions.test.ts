import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXTENSIONS_LENGTH, MAX_HOPS } from '#shared/cell/geometry.ts';
import { decodeExtensions, encodeExtensions } from '#shared/handshake/extensions.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

describe('extensions', () => {
  it('round trip', () => {
    for (let hop = 1; hop <= MAX_HOPS; hop++) {
      const encoded = encodeExtensions({ hop });
      expect(encoded.length).toBe(EXTENSIONS_LENGTH);
      expect(decodeExtensions(encoded)).toEqual({ hop });
    }
  });

  it('are refused when they say anything else', () => {
    expect(refusalOf(() => decodeExtensions(new Uint8Array([2, 1, 0, 0, 0, 0, 0, 0])))).toBe('bad-version');
    expect(refusalOf(() => decodeExtensions(new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0])))).toBe('malformed');
    expect(refusalOf(() => decodeExtensions(new Uint8Array([1, MAX_HOPS + 1, 0, 0, 0, 0, 0, 0])))).toBe(
      'malformed',
    );
    expect(refusalOf(() => decodeExtensions(new Uint8Array([1, 1, 0, 0, 0, 0, 0, 1])))).toBe('malformed');
    expect(refusalOf(() => decodeExtensions(new Uint8Array([1, 1, 0, 0, 0, 0, 0])))).toBe('malformed');
    expect(refusalOf(() => decodeExtensions(new Uint8Array([1, 1, 0, 0, 0, 0, 0, 0, 0])))).toBe('malformed');
  });

  it('of any bytes are canonical or refused', () => {
    fc.assert(
      fc.property(anyBytes(0, 10), (bytes) => {
        let hop: number | undefined;
        if (refusalOf(() => (hop = decodeExtensions(bytes).hop)) !== undefined) return;
        expect(encodeExtensions({ hop: hop ?? 0 })).toEqual(bytes);
      }),
      runs(200),
    );
  });
});
