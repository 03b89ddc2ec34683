import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { signRecord } from '#shared/directory/records.ts';
import {
  checkPicture,
  emptyProfile,
  MAX_PICTURE,
  openProfile,
  sealProfile,
} from '#web/core/contacts/profile-record.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { expectOnlyRefusals, misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const rng = seededRng(new Uint8Array(32).fill(8));
const owner = signKeypair(rng(32));
const key = rng(32);
const ref = { owner: owner.public, key };

const jpeg = (length: number): Uint8Array => {
  const picture = new Uint8Array(length).fill(7);
  picture.set([0xff, 0xd8, 0xff]);
  return picture;
};

describe('a sealed profile', () => {
  it('opens for who holds its key, and shows of its length one of three', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: MAX_PICTURE }), fc.nat(), (length, revision) => {
        const record = sealProfile(rng, owner, key, revision, jpeg(length));
        expect([4_096, 16_384, 65_536]).toContain(record.blob.length);
        expect(openProfile(ref, record)).toEqual(jpeg(length));
      }),
      runs(20),
    );
  });

  it('of another owner, key or revision does not', () => {
    const record = sealProfile(rng, owner, key, 5, jpeg(100));
    expect(refusalOf(() => openProfile({ ...ref, key: rng(32) }, record))).toBe('bad-layer');
    expect(refusalOf(() => openProfile({ ...ref, owner: rng(32) }, record))).toBe('bad-key');
    expect(refusalOf(() => openProfile(ref, { ...record, revision: 6 }))).toBe('bad-signature');
    // The owner signs an old blob anew: it stays what it was sealed as.
    const later = signRecord(owner, { slot: 0, revision: 6, blob: record.blob });
    expect(refusalOf(() => openProfile(ref, later))).toBe('bad-layer');
    const elsewhere = signRecord(owner, { slot: 1, revision: 5, blob: record.blob });
    expect(refusalOf(() => openProfile(ref, elsewhere))).toBe('bad-key');
  });

  it('that was erased has no picture', () => {
    expect(openProfile(ref, emptyProfile(owner, 7))).toBeUndefined();
  });

  it('of anything else is refused, though its owner signed it', () => {
    fc.assert(
      fc.property(anyBytes(1, 300), (blob) => {
        expectOnlyRefusals(() => openProfile(ref, signRecord(owner, { slot: 0, revision: 1, blob })), blob);
      }),
      runs(30),
    );
    const text = sealProfile(rng, owner, key, 5, new TextEncoder().encode('<svg onload=alert(1)>'));
    expect(refusalOf(() => openProfile(ref, text))).toBe('malformed');
  });
});

it('a picture is a JPEG of at most 32 KiB', () => {
  expect(misuseOf(() => checkPicture(jpeg(MAX_PICTURE)))).toBeUndefined();
  expect(misuseOf(() => checkPicture(jpeg(MAX_PICTURE + 1)))).toBe('too-long');
  expect(misuseOf(() => checkPicture(new Uint8Array(10)))).toBe('malformed');
});
