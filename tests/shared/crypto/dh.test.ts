import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, unhex } from '#shared/bytes/bytes.ts';
import * as own from '#shared/crypto/dh.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import * as twin from '#tests/twin/dh.ts';
import { x25519, x25519Public } from '#tests/twin/openssl.ts';

/** RFC 7748, section 5.2: scalar, u-coordinate, output. */
const published = [
  [
    'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  ],
  [
    '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  ],
] as const;

/** Points of small order and their encodings that are not reduced (RFC 7748, section 6.1; curve25519's list). */
const degenerate = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

describe.each([
  ['dh', own],
  ['its twin, which tests of networks use', twin],
])('%s', (_, { DH_LENGTH, dh, dhKeypair }) => {
  it('has keys and outputs of 32 bytes', () => {
    const { secret, public: key } = dhKeypair(new Uint8Array(32).fill(5));
    expect([DH_LENGTH, key.length, dh(secret, key).length]).toEqual([32, 32, 32]);
  });

  it('gives the published outputs (RFC 7748, 5.2)', () => {
    for (const [scalar, point, out] of published) expect(hex(dh(unhex(scalar), unhex(point)))).toBe(out);
  });

  it('gives the published output of a thousand rounds (RFC 7748, 5.2)', () => {
    let scalar = unhex('09'.padEnd(64, '0'));
    let point = scalar;
    const after: string[] = [];
    for (let i = 0; i < 1000; i++) {
      [scalar, point] = [dh(scalar, point), scalar];
      if (i === 0 || i === 999) after.push(hex(scalar));
    }
    expect(after).toEqual([
      '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079',
      '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51',
    ]);
  });

  it('gives the published exchange (RFC 7748, 6.1)', () => {
    const alice = dhKeypair(unhex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'));
    const bob = dhKeypair(unhex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'));
    expect(hex(alice.public)).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
    expect(hex(bob.public)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
    expect(hex(dh(alice.secret, bob.public))).toBe(shared);
    expect(hex(dh(bob.secret, alice.public))).toBe(shared);
  });

  it('agrees with OpenSSL', () => {
    fc.assert(
      fc.property(anyBytes(32), anyBytes(32), (a, b) => {
        expect(dhKeypair(b).public).toEqual(x25519Public(b));
        expect(dh(a, dhKeypair(b).public)).toEqual(x25519(a, x25519Public(b)));
      }),
      runs(20),
    );
  });

  it('refuses degenerate keys and other lengths', () => {
    const secret = new Uint8Array(32).fill(7);
    for (const point of degenerate)
      expect(
        refusalOf(() => dh(secret, unhex(point))),
        point,
      ).toBe('bad-key');
    for (const length of [0, 31, 33])
      expect(refusalOf(() => dh(secret, new Uint8Array(length)))).toBe('bad-key');
  });
});
