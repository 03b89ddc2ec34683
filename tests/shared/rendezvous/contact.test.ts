import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, hex } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import { CONTACT_BLOB_LENGTH } from '#shared/bytes/fields.ts';
import { XWING_PUBLIC_LENGTH } from '#shared/crypto/kem.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { requestCodec } from '#shared/directory/messages.ts';
import { LocalError } from '#shared/errors.ts';
import {
  blindedAddress,
  checkPublished,
  descriptorId,
  MAX_INBOXES,
  MAX_KEY_PACKAGE_BYTES,
  openContact,
  PERIODS_AHEAD,
  periodOf,
  sealContact,
  type ContactDescriptor,
  type Published,
} from '#shared/rendezvous/contact.ts';
import { inboxId } from '#shared/rendezvous/inbox.ts';
import { nodeId } from '#shared/units.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { NOW, seed } from '#tests/support/sample-network.ts';

const DAY = 86_400_000;
const rng = seededRng(seed('contact'));
const { secret: secretSeed, public: publicKey } = signKeypair(seed('bob'));
const bob = { public: publicKey, secretSeed };
const stranger = signKeypair(seed('stranger')).public;
const period = periodOf(NOW);

const anyDescriptor: fc.Arbitrary<ContactDescriptor> = fc.record({
  inboxes: fc.array(
    fc
      .record({ exit: anyBytes(32).map(nodeId), tag: anyBytes(16), onionKey: anyBytes(32) })
      .map((inbox) => ({ ...inbox, id: inboxId(inbox.onionKey) })),
    { maxLength: MAX_INBOXES },
  ),
  keyPackage: anyBytes(0, MAX_KEY_PACKAGE_BYTES),
  mailbox: fc.option(fc.record({ mailbox: anyBytes(32), key: anyBytes(XWING_PUBLIC_LENGTH) }), {
    nil: undefined,
  }),
});
const inbox = {
  exit: nodeId(seed('exit')),
  tag: seed('tag').slice(16),
  onionKey: seed('onion'),
  id: inboxId(seed('onion')),
};
const mailbox = { mailbox: seed('mailbox'), key: new Uint8Array(XWING_PUBLIC_LENGTH).fill(7) };
const descriptor: ContactDescriptor = { inboxes: [inbox], keyPackage: seed('key package'), mailbox };
const published = sealContact(rng, bob, period, 3, descriptor);
const openIt = (fields: Published, now = NOW) => refusalOf(() => openContact(bob.public, fields, now));

describe('a contact descriptor', () => {
  it('is read by holders of the address, and has one size whatever it says', () => {
    fc.assert(
      fc.property(anyDescriptor, fc.nat(), (value, revision) => {
        const sealed = sealContact(rng, bob, period, revision, value);
        expect(sealed.blob).toHaveLength(CONTACT_BLOB_LENGTH);
        expect(openContact(bob.public, sealed, NOW)).toEqual(value);
      }),
      runs(15),
    );
  });

  it('is checked by anyone, and read by nobody else', () => {
    expect(refusalOf(() => checkPublished(published, NOW))).toBeUndefined();
    expect(refusalOf(() => openContact(stranger, published, NOW))).toBe('bad-key');
    const bytes = hex(concat(...Object.values(published).filter((part) => part instanceof Uint8Array)));
    for (const known of [bob.public, inbox.tag, inbox.onionKey, descriptor.keyPackage, mailbox.mailbox]) {
      expect(bytes).not.toContain(hex(known));
    }
  });

  it('stands under names that nobody can link', () => {
    const names = [period - 1, period, period + 1].map((p) => {
      const { blindedKey } = sealContact(rng, bob, p, 3, descriptor);
      expect(blindedKey).toEqual(blindedAddress(bob.public, p));
      return [hex(blindedKey), hex(descriptorId(blindedKey, p))];
    });
    expect(new Set(names.flat()).size).toBe(6);
    expect(hex(blindedAddress(stranger, period))).not.toBe(hex(published.blindedKey));
    const again = sealContact(rng, bob, period, 3, descriptor);
    expect(again.blindedKey).toEqual(published.blindedKey);
    expect(again.blob).not.toEqual(published.blob);
  });

  it('is refused with any field changed', () => {
    const other = sealContact(rng, { public: stranger, secretSeed: seed('stranger') }, period, 3, descriptor);
    for (const change of [
      { period: period + 1 },
      { revision: 4 },
      { blob: flipped(published.blob, 0) },
      { blob: flipped(published.blob, CONTACT_BLOB_LENGTH - 1) },
      { blindedKey: other.blindedKey },
      { blindedKey: new Uint8Array(32) },
      { signature: flipped(published.signature, 0) },
      { signature: flipped(published.signature, 63) },
      { signature: other.signature },
    ]) {
      expect(refusalOf(() => checkPublished({ ...published, ...change }, NOW))).toBe('bad-signature');
      expect(openIt({ ...published, ...change })).toBe('bad-signature');
    }
    expect(openIt({ ...published, blob: published.blob.slice(1) })).toBe('malformed');
    expect(openIt(other)).toBe('bad-key');
  });

  it('is taken a period early or late', () => {
    expect([-1, 0, 1].map((days) => openIt(published, NOW + days * DAY))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([-2, 2].map((days) => openIt(published, NOW + days * DAY))).toEqual(['stale', 'stale']);
  });

  it('may be published for as many periods ahead as its owner may be away', () => {
    const at = (early: number): string | undefined =>
      refusalOf(() => checkPublished(published, NOW - early * DAY));
    expect(at(PERIODS_AHEAD)).toBeUndefined();
    expect(at(PERIODS_AHEAD + 1)).toBe('stale');
    expect(at(-2)).toBe('stale');
  });

  it('has room for all that it may say', () => {
    const full = { ...descriptor, inboxes: Array.from({ length: MAX_INBOXES }, () => inbox) };
    const longest = { ...full, keyPackage: new Uint8Array(MAX_KEY_PACKAGE_BYTES) };
    expect(openContact(bob.public, sealContact(rng, bob, period, 1, longest), NOW)).toEqual(longest);
  });

  it('is what a publication carries', () => {
    expect(() => encode(requestCodec, { type: 'publish', ...published })).not.toThrow();
  });

  it('says no more than it may', () => {
    const tooMany = { ...descriptor, inboxes: Array.from({ length: MAX_INBOXES + 1 }, () => inbox) };
    expect(() => sealContact(rng, bob, period, 1, tooMany)).toThrow(LocalError);
    const tooLong = { ...descriptor, keyPackage: new Uint8Array(MAX_KEY_PACKAGE_BYTES + 1) };
    expect(() => sealContact(rng, bob, period, 1, tooLong)).toThrow(LocalError);
  });
});
