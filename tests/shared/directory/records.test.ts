import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, text } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import {
  handleCodec,
  handleNameCodec,
  isHandle,
  MAX_HANDLE_CONTENT,
  recordCodec,
  recordId,
  signHandle,
  signRecord,
  verifyHandle,
  verifyRecord,
} from '#shared/directory/records.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { expectOnlyRefusals, misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { seed } from '#tests/support/sample-network.ts';

const [owner, other] = [signKeypair(seed('owner')), signKeypair(seed('other'))];

describe('a record', () => {
  const record = signRecord(owner, { slot: 7, revision: 9, blob: new Uint8Array(4_096) });

  it('goes by the hash of its key and slot', () => {
    const hash = createHash('sha256').update(text('hourglass record id 1')).update(owner.public);
    expect(recordId(owner.public, 7)).toEqual(new Uint8Array(hash.update(Uint8Array.of(7)).digest()));
  });

  it('is its owner`s, in one slot, of one revision, as it was written', () => {
    expect(verifyRecord(record)).toBe(true);
    const blob = new Uint8Array(4_096).fill(1);
    for (const change of [{ key: other.public }, { slot: 8 }, { revision: 10 }, { blob }])
      expect(verifyRecord({ ...record, ...change })).toBe(false);
  });

  it('reads as it was written, or by no other bytes', () => {
    const bytes = encode(recordCodec, record);
    expect(decode(recordCodec, bytes)).toEqual(record);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (b) =>
        expectOnlyRefusals((raw) => decode(recordCodec, raw), b),
      ),
      runs(200),
    );
    const erased = signRecord(owner, { slot: 7, revision: 10, blob: new Uint8Array(0) });
    expect(verifyRecord(decode(recordCodec, encode(recordCodec, erased)))).toBe(true);
  });
});

describe('a handle', () => {
  const handle = signHandle(owner, { name: 'ada', revision: 9, content: text('elsewhere') });

  it('has 3 to 32 small characters, of which the first is a letter', () => {
    for (const name of ['ada', 'a.b', 'a--', 'ada_1-2.3', `a${'b'.repeat(31)}`])
      expect(isHandle(name)).toBe(true);
    const refused = [
      '',
      'ab',
      'Ada',
      '1da',
      '_da',
      '.da',
      '-da',
      'a b',
      'adà',
      'ada\n',
      `a${'b'.repeat(32)}`,
    ];
    for (const name of refused) {
      expect(isHandle(name), name).toBe(false);
      expect(misuseOf(() => encode(handleNameCodec, name))).toBe('malformed');
      const raw = concat(Uint8Array.of(0, text(name).length), text(name));
      expect(
        refusalOf(() => decode(handleNameCodec, raw)),
        name,
      ).toMatch(/^(malformed|oversized)$/);
    }
  });

  it('is its owner`s, of one revision, and leads where its owner says', () => {
    expect(verifyHandle(handle)).toBe(true);
    for (const change of [{ key: other.public }, { name: 'bob' }, { revision: 8 }, { content: text('here') }])
      expect(verifyHandle({ ...handle, ...change })).toBe(false);
  });

  it('reads as it was written, or by no other bytes', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_.-]{2,31}$/);
    const content = fc.uint8Array({ maxLength: MAX_HANDLE_CONTENT });
    fc.assert(
      fc.property(name, content, (chosen, leads) => {
        const given = { ...handle, name: chosen, content: leads };
        expect(decode(handleCodec, encode(handleCodec, given))).toEqual(given);
      }),
      runs(100),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (b) =>
        expectOnlyRefusals((raw) => decode(handleCodec, raw), b),
      ),
      runs(200),
    );
    const most = { ...handle, content: new Uint8Array(MAX_HANDLE_CONTENT + 1) };
    expect(misuseOf(() => encode(handleCodec, most))).toBe('oversized');
  });
});
