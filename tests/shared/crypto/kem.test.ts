import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shake128 } from '@noble/hashes/sha3.js';
import { concat, hex, text, unhex } from '#shared/bytes/bytes.ts';
import * as own from '#shared/crypto/kem.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { mlkemDecapsulate, mlkemEncapsulate, mlkemPublic, x25519 } from '#tests/twin/openssl.ts';
import * as twin from '#tests/twin/kem.ts';

/**
 * Go's crypto/mlkem, TestAccumulated: a SHAKE-128 stream of no input gives each round's key seed, encapsulation seed
 * and random ciphertext; a second SHAKE-128 takes the key, the ciphertext and both secrets of each round.
 */
const accumulated = ({ kemKeypair, kemEncapsulate, kemDecapsulate }: typeof own, rounds: number): string => {
  const stream = shake128.create();
  const sum = shake128.create();
  for (let i = 0; i < rounds; i++) {
    const pair = kemKeypair(stream.xof(64));
    const { ciphertext, secret } = kemEncapsulate(pair.public, stream.xof(32));
    expect(kemDecapsulate(ciphertext, pair.secret)).toEqual(secret);
    const rejected = kemDecapsulate(stream.xof(own.KEM_CIPHERTEXT_LENGTH), pair.secret);
    sum.update(pair.public).update(ciphertext).update(secret).update(rejected);
  }
  return hex(sum.xof(32));
};

const both = [
  ['our own', own],
  ['the twin, which tests of networks use', twin],
] as const;

describe.each(both)('ML-KEM-768, %s', (_, kem) => {
  const { KEM_CIPHERTEXT_LENGTH, KEM_PUBLIC_LENGTH, kemDecapsulate, kemEncapsulate, kemKeypair } = kem;

  it('gives the published sum of a hundred rounds', () => {
    expect(accumulated(kem, 100)).toBe('1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415');
  });

  // The longer published sum takes minutes: `npm run test:long` alone asks for it.
  if (process.env['HG_LONG'] === '1') {
    it('gives the published sum of ten thousand rounds', () => {
      expect(accumulated(kem, 10_000)).toBe(
        '8a518cc63da366322a8e7a818c7a0d63483cb3528d34a4cf42f35d5ad73f22fc',
      );
    });
  }

  it('agrees with OpenSSL both ways, also on a forged ciphertext', () => {
    fc.assert(
      fc.property(anyBytes(64), anyBytes(32), fc.nat(KEM_CIPHERTEXT_LENGTH - 1), (seed, coins, at) => {
        const pair = kemKeypair(seed);
        expect(mlkemPublic(seed)).toEqual(pair.public);
        const ours = kemEncapsulate(pair.public, coins);
        expect(mlkemDecapsulate(ours.ciphertext, seed)).toEqual(ours.secret);
        const theirs = mlkemEncapsulate(pair.public);
        expect(kemDecapsulate(theirs.ciphertext, pair.secret)).toEqual(theirs.secret);
        const forged = flipped(ours.ciphertext, at);
        const rejected = kemDecapsulate(forged, pair.secret);
        expect(rejected).not.toEqual(ours.secret);
        expect(mlkemDecapsulate(forged, seed)).toEqual(rejected);
      }),
      runs(10),
    );
  });

  it('refuses other lengths and coefficients that are not reduced', () => {
    const pair = kemKeypair(new Uint8Array(64));
    const seed = new Uint8Array(32);
    for (const length of [0, KEM_PUBLIC_LENGTH - 1, KEM_PUBLIC_LENGTH + 1]) {
      expect(refusalOf(() => kemEncapsulate(new Uint8Array(length), seed))).toBe('bad-key');
    }
    // Both 12-bit coefficients of the first three bytes become 4,095; the modulus is 3,329.
    const unreduced = concat(new Uint8Array(3).fill(0xff), pair.public.subarray(3));
    expect(refusalOf(() => kemEncapsulate(unreduced, seed))).toBe('bad-key');
    for (const length of [0, KEM_CIPHERTEXT_LENGTH - 1, KEM_CIPHERTEXT_LENGTH + 1]) {
      expect(refusalOf(() => kemDecapsulate(new Uint8Array(length), pair.secret))).toBe('bad-key');
    }
  });
});

/** draft-connolly-cfrg-xwing-kem, appendix C: secret key, coins, shared secret; where public key and ciphertext begin and end. */
const published = [
  {
    secret: '7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26',
    coins:
      '3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e235b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2',
    public: ['e2236b35a8c24b39b10aa1323a96a919', '593d4ba32d9abac8cd049040ef6534'],
    ciphertext: ['b83aa828d4d62b9a83ceffe1d3d3bb1e', '45cfb97e63e0e41d354274a079d3e6fb2e15'],
    shared: 'd2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384',
  },
  {
    secret: 'badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea',
    coins:
      '17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdefaee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d',
    public: ['0333285fa253661508c9fb444852caa4', '528c953926d96ea8a160b8843f1c89c62'],
    ciphertext: ['c93beb22326705699bbc3d1d0aa6339b', '91c98bea4127ae66312f4ae3ea155b67'],
    shared: 'f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150',
  },
] as const;

describe.each(both)('X-Wing, %s', (_, kem) => {
  const { KEM_CIPHERTEXT_LENGTH, KEM_PUBLIC_LENGTH, XWING_CIPHERTEXT_LENGTH, XWING_PUBLIC_LENGTH } = kem;
  const { xwingDecapsulate, xwingEncapsulate, xwingKeypair } = kem;

  it('gives the published keys, ciphertexts and secrets', () => {
    for (const vector of published) {
      const pair = xwingKeypair(unhex(vector.secret));
      const { ciphertext, secret } = xwingEncapsulate(pair.public, unhex(vector.coins));
      expect(hex(secret)).toBe(vector.shared);
      expect(hex(xwingDecapsulate(ciphertext, pair.secret))).toBe(vector.shared);
      expect(hex(pair.public).startsWith(vector.public[0])).toBe(true);
      expect(hex(pair.public).endsWith(vector.public[1])).toBe(true);
      expect(hex(ciphertext).startsWith(vector.ciphertext[0])).toBe(true);
      expect(hex(ciphertext).endsWith(vector.ciphertext[1])).toBe(true);
    }
  });

  it("agrees with the draft's combiner over OpenSSL's primitives", () => {
    fc.assert(
      fc.property(anyBytes(32), anyBytes(64), (seed, coins) => {
        const pair = xwingKeypair(seed);
        const { ciphertext, secret } = xwingEncapsulate(pair.public, coins);
        const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest();
        const [kemPart, dhPart] = [
          ciphertext.subarray(0, KEM_CIPHERTEXT_LENGTH),
          ciphertext.subarray(KEM_CIPHERTEXT_LENGTH),
        ];
        const combined = createHash('sha3-256')
          .update(mlkemDecapsulate(kemPart, expanded.subarray(0, 64)))
          .update(x25519(expanded.subarray(64), dhPart))
          .update(dhPart)
          .update(pair.public.subarray(KEM_PUBLIC_LENGTH))
          .update(text('\\.//^\\'))
          .digest('hex');
        expect(hex(secret)).toBe(combined);
      }),
      runs(5),
    );
  });

  it('refuses other lengths', () => {
    const pair = xwingKeypair(new Uint8Array(32));
    expect(pair.public.length).toBe(XWING_PUBLIC_LENGTH);
    expect(refusalOf(() => xwingEncapsulate(pair.public.subarray(1), new Uint8Array(64)))).toBe('bad-key');
    expect(refusalOf(() => xwingDecapsulate(new Uint8Array(XWING_CIPHERTEXT_LENGTH + 1), pair.secret))).toBe(
      'bad-key',
    );
  });
});

it('the twin gives the same keys, ciphertexts and secrets, also of a ciphertext that is forged', () => {
  fc.assert(
    fc.property(anyBytes(32), anyBytes(64), fc.nat(own.XWING_CIPHERTEXT_LENGTH - 1), (seed, coins, at) => {
      const [ours, theirs] = [own.xwingKeypair(seed), twin.xwingKeypair(seed)];
      expect(theirs.public).toEqual(ours.public);
      const made = own.xwingEncapsulate(ours.public, coins);
      expect(twin.xwingEncapsulate(ours.public, coins)).toEqual(made);
      for (const ciphertext of [made.ciphertext, flipped(made.ciphertext, at)])
        expect(twin.xwingDecapsulate(ciphertext, theirs.secret)).toEqual(
          own.xwingDecapsulate(ciphertext, ours.secret),
        );
    }),
    runs(10),
  );
});

it('the twin refuses a point of small order as our own does', () => {
  const key = own.xwingKeypair(new Uint8Array(32)).public.slice();
  key.fill(0, own.KEM_PUBLIC_LENGTH);
  for (const { xwingEncapsulate } of [own, twin])
    expect(refusalOf(() => xwingEncapsulate(key, new Uint8Array(64).fill(1)))).toBe('bad-key');
});
