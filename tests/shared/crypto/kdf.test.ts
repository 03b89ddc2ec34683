import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, unhex } from '#shared/bytes/bytes.ts';
import { hkdf, sha256, sha256OfParts } from '#shared/crypto/kdf.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { runs } from '#tests/support/runs.ts';
import { hkdfSha256 } from '#tests/twin/openssl.ts';

describe('kdf', () => {
  it('gives the published output (RFC 5869, A.1)', () => {
    const secret = unhex('0b'.repeat(22));
    const salt = unhex('000102030405060708090a0b0c');
    expect(hex(hkdf(secret, unhex('f0f1f2f3f4f5f6f7f8f9'), 42, salt))).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });

  it('agrees with OpenSSL', () => {
    fc.assert(
      fc.property(
        anyBytes(0, 80),
        anyBytes(0, 200),
        fc.integer({ min: 1, max: 200 }),
        (secret, info, length) => {
          expect(hkdf(secret, info, length)).toEqual(hkdfSha256(secret, info, length));
          expect(hkdf(secret, info, length, info)).toEqual(hkdfSha256(secret, info, length, info));
          expect(hex(sha256(secret, info))).toBe(
            createHash('sha256').update(secret).update(info).digest('hex'),
          );
          const parts = sha256OfParts();
          for (const part of [secret, info]) parts.update(part);
          expect(parts.digest()).toEqual(sha256(secret, info));
        },
      ),
      runs(50),
    );
  });
});
