import { createHash, verify as opensslVerify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, text, unhex } from '#shared/bytes/bytes.ts';
import * as own from '#shared/crypto/sign.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { ed25519Public } from '#tests/twin/openssl.ts';
import * as twin from '#tests/twin/sign.ts';

const LABEL = 'hourglass test 1';
const SIGNATURE = own.SIGNATURE_LENGTH;
const pair = own.signKeypair(new Uint8Array(32).fill(1));

describe.each([
  ['sign', own],
  ['its twin, which tests of networks use', twin],
])('%s', (_, { SIGNATURE_LENGTH, sign, signKeypair, signedDigest, verify }) => {
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

describe('the twin judges as our own', () => {
  const { Point } = ed25519;
  const { Fn } = Point;
  const scalar = (...parts: Uint8Array[]): bigint =>
    Fn.create(sha512(concat(...parts)).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n));
  /** Both at once, which have to agree. */
  const verdict = (key: Uint8Array, signature: Uint8Array, ...parts: Uint8Array[]): boolean => {
    const verdicts = [own, twin].map(({ verify }) => verify(LABEL, key, signature, ...parts));
    expect(verdicts[1]).toBe(verdicts[0]);
    return verdicts[0] === true;
  };

  it('signatures of keys that both make, and changed ones', () => {
    fc.assert(
      fc.property(anyBytes(32), anyBytes(0, 40), fc.nat(95), fc.nat(7), (seed, part, at, bit) => {
        const { secret, public: key } = own.signKeypair(seed);
        expect(twin.signKeypair(seed).public).toEqual(key);
        const signature = own.sign(LABEL, secret, part);
        expect(twin.sign(LABEL, secret, part)).toEqual(signature);
        expect(verdict(key, signature, part)).toBe(true);
        const changed = flipped(concat(signature, key), at, bit);
        expect(verdict(changed.subarray(SIGNATURE), changed.subarray(0, SIGNATURE), part)).toBe(false);
      }),
      runs(20),
    );
  });

  /** The torsion points in every encoding of theirs, also those that are not reduced. */
  const smallOrder = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  ].map(unhex);

  it('keys and commitments of small order', () => {
    for (const key of smallOrder) {
      for (const commitment of smallOrder) {
        for (let i = 0; i < 8; i++)
          expect(verdict(key, concat(commitment, new Uint8Array(32)), Uint8Array.of(i))).toBe(false);
      }
    }
  });

  it('a signature that holds for the cofactor alone, which OpenSSL does not take', () => {
    const torsion = Point.fromBytes(smallOrder[4] as Uint8Array);
    const nonce = 123_456_789n;
    const commitment = Point.BASE.multiply(nonce).add(torsion).toBytes();
    const { scalar: secret } = ed25519.utils.getExtendedPublicKey(pair.secret);
    const digest = own.signedDigest(LABEL, []);
    const response = Fn.add(nonce, Fn.mul(scalar(commitment, pair.public, digest), secret));
    const signature = concat(commitment, Fn.toBytes(response));
    expect(opensslVerify(null, digest, ed25519Public(pair.public), signature)).toBe(false);
    expect(verdict(pair.public, signature)).toBe(true);
  });
});
