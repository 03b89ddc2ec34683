import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, text, unhex } from '#shared/bytes/bytes.ts';
import { ZERO_NONCE, counterNonce, open, seal } from '#shared/crypto/aead.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { aeadSeal } from '#tests/twin/openssl.ts';

describe('aead', () => {
  it('gives the published ciphertext (RFC 8439, 2.8.2)', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i);
    const plaintext = text(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const sealed = seal(key, unhex('070000004041424344454647'), plaintext, unhex('50515253c0c1c2c3c4c5c6c7'));
    expect(hex(sealed).startsWith('d31a8d34648e60db7b86afbc53ef7ec2')).toBe(true);
    expect(hex(sealed).endsWith('1ae10b594f09e26a7e902ecbd0600691')).toBe(true);
  });

  it('agrees with OpenSSL and opens what it sealed', () => {
    fc.assert(
      fc.property(
        anyBytes(32),
        anyBytes(12),
        anyBytes(0, 200),
        anyBytes(0, 20),
        (key, nonce, plaintext, ad) => {
          const sealed = seal(key, nonce, plaintext, ad);
          expect(sealed).toEqual(aeadSeal(key, nonce, plaintext, ad));
          expect(open(key, nonce, sealed, ad)).toEqual(plaintext);
        },
      ),
      runs(100),
    );
  });

  it('refuses whatever was changed', () => {
    const key = new Uint8Array(32);
    const sealed = seal(key, ZERO_NONCE, text('hello'), text('ad'));
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.nat(7), (at, bit) => {
        expect(refusalOf(() => open(key, ZERO_NONCE, flipped(sealed, at, bit), text('ad')))).toBe(
          'bad-layer',
        );
      }),
      runs(50),
    );
    expect(refusalOf(() => open(key, ZERO_NONCE, sealed, text('da')))).toBe('bad-layer');
    expect(refusalOf(() => open(key, ZERO_NONCE, sealed))).toBe('bad-layer');
    expect(refusalOf(() => open(key, counterNonce(1), sealed, text('ad')))).toBe('bad-layer');
    expect(refusalOf(() => open(flipped(key, 31, 7), ZERO_NONCE, sealed, text('ad')))).toBe('bad-layer');
  });

  it('refuses any bytes', () => {
    fc.assert(
      fc.property(anyBytes(0, 40), (bytes) => {
        expect(refusalOf(() => open(new Uint8Array(32), ZERO_NONCE, bytes))).toBe('bad-layer');
      }),
      runs(100),
    );
  });

  it('counts its nonces in 96 bits, big-endian', () => {
    expect(hex(counterNonce(0))).toBe('00'.repeat(12));
    expect(hex(counterNonce(258))).toBe('000000000000000000000102');
    expect(hex(counterNonce(2 ** 40 + 1))).toBe('000000000000010000000001');
  });
});
