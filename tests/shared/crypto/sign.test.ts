import { createHash, verify as opensslVerify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, text, unhex } from '#shared/bytes/bytes.ts';
import { SIGNATURE_LENGTH, sign, signKeypair, signedDigest, verify } from '#shared/crypto/sign.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { ed25519Public } from '#tests/twin/openssl.ts';

const LABEL = 'hourglass test 1';
const pair = signKeypair(new Uint8Array(32).fill(1));

describe('sign', () => {
  it('is Ed25519 over the digest of label and parts, as OpenSSL sees it', () => {
    fc.assert(
      fc.property(anyBytes(32), fc.array(anyBytes(0, 40), { maxLength: 3 }), (seed, parts) => {
        const { secret, public: key } = signKeypair(seed);
        const signature = sign(LABEL, secret, ...parts);
        const hash = createHash('sha512');
        for (const part of [text(LABEL), ...parts]) {
          const length = Buffer.alloc(4);
          length.writeUInt32BE(part.length);
          hash.update(length).update(part);
        }
        expect(signature.length).toBe(SIGNATURE_LENGTH);
        expect(opensslVerify(null, hash.digest(), ed25519Public(key), signature)).toBe(true);
        expect(verify(LABEL, key, signature, ...parts)).toBe(true);
      }),
      runs(20),
    );
  });

  it('tells labels and the cuts between parts apart', () => {
    const signature = sign(LABEL, pair.secret, text('ab'), text('c'));
    expect(verify(LABEL, pair.public, signature, text('ab'), text('c'))).toBe(true);
    expect(verify(LABEL, pair.public, signature, text('a'), text('bc'))).toBe(false);
    expect(verify(LABEL, pair.public, signature, text('abc'))).toBe(false);
    expect(verify(LABEL, pair.public, signature, text('ab'), text('c'), text(''))).toBe(false);
    expect(verify('hourglass test 2', pair.public, signature, text('ab'), text('c'))).toBe(false);
    expect(signedDigest('a', [text('b')])).not.toEqual(signedDigest('ab', []));
  });

  it('refuses every flipped bit', () => {
    const part = text('part');
    const signature = sign(LABEL, pair.secret, part);
    fc.assert(
      fc.property(fc.nat(SIGNATURE_LENGTH - 1), fc.nat(31), fc.nat(3), fc.nat(7), (a, b, c, bit) => {
        expect(verify(LABEL, pair.public, flipped(signature, a, bit), part)).toBe(false);
        expect(verify(LABEL, flipped(pair.public, b, bit), signature, part)).toBe(false);
        expect(verify(LABEL, pair.public, signature, flipped(part, c, bit))).toBe(false);
      }),
      runs(20),
    );
  });

  it('is false, and never throws, for any bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyBytes(0, 40), anyBytes(32)),
        fc.oneof(anyBytes(0, 70), anyBytes(64)),
        (key, signature) => {
          expect(verify(LABEL, key, signature, key)).toBe(false);
        },
      ),
      runs(100),
    );
  });

  it('refuses keys of small order and scalars that are not reduced', () => {
    const identity = unhex('01'.padEnd(64, '0'));
    // Under a key of small order the identity and a zero scalar would sign anything.
    expect(verify(LABEL, identity, concat(identity, new Uint8Array(32)), text('anything'))).toBe(false);
    const signature = sign(LABEL, pair.secret);
    const order = BigInt('0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed');
    let scalar = order + signature.subarray(32).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const malleated = signature.slice();
    for (let i = 32; i < 64; i++, scalar >>= 8n) malleated[i] = Number(scalar & 255n);
    expect(verify(LABEL, pair.public, malleated)).toBe(false);
  });
});
