import { ed25519, ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unhex } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { LocalError } from '#shared/errors.ts';
import { ADDRESS_LENGTH, decodeAddress, encodeAddress, formatAddress } from '#shared/rendezvous/address.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { seed } from '#tests/support/sample-network.ts';

const key = signKeypair(seed('user')).public;
const address = encodeAddress(key);
const refusal = (input: string) => refusalOf(() => decodeAddress(input));

describe('an address', () => {
  it('says back its key, in either case and in groups', () => {
    fc.assert(
      fc.property(anyBytes(32), (secret) => {
        const { public: publicKey } = signKeypair(secret);
        const encoded = encodeAddress(publicKey);
        expect(encoded).toMatch(/^[a-z2-7]{56}$/);
        expect(decodeAddress(encoded)).toEqual(publicKey);
        expect(decodeAddress(formatAddress(encoded).toUpperCase())).toEqual(publicKey);
      }),
      runs(20),
    );
    expect(formatAddress(address).split(' ')).toHaveLength(14);
    expect(
      formatAddress(address)
        .split(' ')
        .every((group) => group.length === 4),
    ).toBe(true);
    expect(formatAddress(address).replaceAll(' ', '')).toBe(address);
  });

  it('is refused with any digit changed', () => {
    fc.assert(
      fc.property(
        fc.nat(ADDRESS_LENGTH - 1),
        fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567'),
        (at, digit) => {
          if (address[at] === digit) return;
          expect(refusal(address.slice(0, at) + digit + address.slice(at + 1))).toBe('bad-address');
        },
      ),
      runs(200),
    );
  });

  it('is refused in another form', () => {
    for (const input of [
      '',
      address.slice(1),
      `${address}a`,
      `1${address.slice(1)}`,
      'é'.repeat(56),
      ' '.repeat(10_000),
    ]) {
      expect(refusal(input)).toBe('bad-address');
    }
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (input) => {
        expect(refusal(input)).toBe('bad-address');
      }),
      runs(200),
    );
  });

  it('names no key of small or mixed order, and none that is no canonical point', () => {
    const point = ed25519.Point.fromBytes(key);
    const torsion = ED25519_TORSION_SUBGROUP.map((hex) => unhex(hex));
    const mixed = torsion
      .map((bytes) => ed25519.Point.fromBytes(bytes, true))
      .filter((small) => !small.is0())
      .map((small) => point.add(small).toBytes());
    const notCanonical = unhex('ee'.padEnd(62, 'f') + '7f');
    const offCurve = unhex('02'.padEnd(64, '0'));
    for (const bad of [...torsion, ...mixed, notCanonical, offCurve, key.slice(1)]) {
      expect(() => encodeAddress(bad)).toThrow(LocalError);
    }
    expect(mixed.length).toBeGreaterThan(5);
  });
});
