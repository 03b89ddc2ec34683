import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { text } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import {
  acknowledgeCodec,
  mailboxId,
  MOST_ACKNOWLEDGED,
  signAcknowledge,
  signCollect,
  verifyAcknowledge,
  verifyCollect,
} from '#shared/directory/mail.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { refusalOf } from '#tests/support/refusal.ts';
import { seed } from '#tests/support/sample-network.ts';

const [owner, other] = [signKeypair(seed('owner')), signKeypair(seed('other'))];
const [binding, elsewhere] = [seed('binding'), seed('another circuit')];
const ids = [1, 2].map((byte) => new Uint8Array(16).fill(byte));

describe('a mailbox', () => {
  it('goes by the hash of its key', () => {
    const hash = createHash('sha256').update(text('hourglass mailbox id 1')).update(owner.public).digest();
    expect(mailboxId(owner.public)).toEqual(new Uint8Array(hash));
  });

  it('is collected by its owner, on one circuit', () => {
    const collect = signCollect(owner, binding);
    expect(verifyCollect(binding, collect)).toBe(true);
    expect(verifyCollect(elsewhere, collect)).toBe(false);
    expect(verifyCollect(binding, { ...collect, key: other.public })).toBe(false);
  });

  it('is emptied by its owner, on one circuit, of just these messages', () => {
    const acknowledge = signAcknowledge(owner, binding, ids);
    expect(verifyAcknowledge(binding, acknowledge)).toBe(true);
    expect(verifyAcknowledge(elsewhere, acknowledge)).toBe(false);
    expect(verifyAcknowledge(binding, { ...acknowledge, key: other.public })).toBe(false);
    expect(verifyAcknowledge(binding, { ...acknowledge, ids: ids.slice(1) })).toBe(false);
    expect(verifyAcknowledge(binding, { ...acknowledge, ids: ids.toReversed() })).toBe(false);
    const { signature } = signCollect(owner, binding);
    expect(verifyAcknowledge(binding, { ...acknowledge, ids: [], signature })).toBe(false);
  });

  it('is emptied of few messages at a time', () => {
    const most = Array.from({ length: MOST_ACKNOWLEDGED }, () => new Uint8Array(16));
    const bytes = encode(acknowledgeCodec, signAcknowledge(owner, binding, most));
    expect(decode(acknowledgeCodec, bytes).ids).toHaveLength(MOST_ACKNOWLEDGED);
    bytes[33] = MOST_ACKNOWLEDGED + 1;
    expect(refusalOf(() => decode(acknowledgeCodec, bytes))).toBe('oversized');
  });
});
