import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { hex, text, unhex } from '#shared/bytes/bytes.ts';
import { blindKeypair, blindPublicKey, blindingFactor, signBlinded } from '#shared/crypto/blind.ts';
import { sign, signKeypair, verify } from '#shared/crypto/sign.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

type Vector = { seed: string; public: string; factor: string; blindedScalar: string; blindedPublic: string };

const published = JSON.parse(
  readFileSync(new URL('../../vectors/published/tor-blinding.json', import.meta.url), 'utf8'),
) as { source: string; vectors: Vector[] };

const LABEL = 'hourglass test 1';

describe('key blinding', () => {
  it("gives Tor's published keys", () => {
    expect(published.vectors.length).toBe(10);
    for (const vector of published.vectors) {
      const factor = unhex(vector.factor);
      expect(hex(signKeypair(unhex(vector.seed)).public)).toBe(vector.public);
      expect(hex(blindPublicKey(unhex(vector.public), factor))).toBe(vector.blindedPublic);
      const blinded = blindKeypair(unhex(vector.seed), factor);
      expect(hex(blinded.public)).toBe(vector.blindedPublic);
      expect(hex(blinded.scalar)).toBe(vector.blindedScalar);
    }
  });

  it('hashes the factor as rend-spec-v3 A.2 says', () => {
    const key = signKeypair(new Uint8Array(32)).public;
    const numbers = Buffer.alloc(16);
    numbers.writeBigUInt64BE(20_000n, 0);
    numbers.writeBigUInt64BE(1440n, 8);
    const { x, y } = ed25519.Point.BASE.toAffine();
    const expected = createHash('sha3-256')
      .update('Derive temporary signing key\0')
      .update(key)
      .update(`(${String(x)}, ${String(y)})`)
      .update('key-blind')
      .update(numbers)
      .digest('hex');
    expect(hex(blindingFactor(key, 20_000))).toBe(expected);
  });

  it('signs so that the blinded public key verifies, and no other', () => {
    fc.assert(
      fc.property(anyBytes(32), fc.nat(100_000), anyBytes(0, 40), (seed, period, message) => {
        const identity = signKeypair(seed);
        const factor = blindingFactor(identity.public, period);
        const key = blindKeypair(seed, factor);
        expect(key.public).toEqual(blindPublicKey(identity.public, factor));
        const signature = signBlinded(LABEL, key, message);
        expect(verify(LABEL, key.public, signature, message)).toBe(true);
        expect(verify(LABEL, identity.public, signature, message)).toBe(false);
        expect(verify(LABEL, key.public, flipped(signature, 40), message)).toBe(false);
        expect(verify(LABEL, key.public, sign(LABEL, seed, message), message)).toBe(false);
        expect(signBlinded(LABEL, key, message)).toEqual(signature);
      }),
      runs(15),
    );
  });

  it('gives each period a key and nonces of its own', () => {
    const seed = new Uint8Array(32).fill(3);
    const identity = signKeypair(seed);
    const [first, second] = [1, 2].map((period) =>
      blindKeypair(seed, blindingFactor(identity.public, period)),
    );
    expect(hex(first?.public ?? text(''))).not.toBe(hex(second?.public ?? text('')));
    expect(hex(first?.noncePrefix ?? text(''))).not.toBe(hex(second?.noncePrefix ?? text('')));
  });

  it('refuses what is no point of the prime order', () => {
    const factor = new Uint8Array(32).fill(9);
    const identity = ed25519.Point.fromBytes(signKeypair(new Uint8Array(32)).public);
    for (const torsion of ED25519_TORSION_SUBGROUP) {
      expect(
        refusalOf(() => blindPublicKey(unhex(torsion), factor)),
        torsion,
      ).toBe('bad-key');
      const point = ed25519.Point.fromHex(torsion);
      if (point.is0()) continue;
      expect(
        refusalOf(() => blindPublicKey(identity.add(point).toBytes(), factor)),
        torsion,
      ).toBe('bad-key');
    }
    for (const bad of [new Uint8Array(31), new Uint8Array(32).fill(0xff), new Uint8Array(33)]) {
      expect(refusalOf(() => blindPublicKey(bad, factor))).toBe('bad-key');
    }
  });

  it('takes or refuses any 32 bytes', () => {
    fc.assert(
      fc.property(anyBytes(32), (key) => {
        expect([undefined, 'bad-key']).toContain(refusalOf(() => blindPublicKey(key, key)));
      }),
      runs(30),
    );
  });
});
