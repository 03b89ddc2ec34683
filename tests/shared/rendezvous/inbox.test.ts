import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import {
  INBOX_TAG_LENGTH,
  inboxIdentity,
  inboxOpenCodec,
  inboxTag,
  MAX_TICKET_BYTES,
  signInboxOpen,
  verifyInboxOpen,
} from '#shared/rendezvous/inbox.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { expectOnlyRefusals, flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { seed } from '#tests/support/sample-network.ts';

const keys = signKeypair(seed('tag'));
const binding = seed('binding');
const read = (data: Uint8Array) => decode(inboxOpenCodec, data);
const holds = (data: Uint8Array) => verifyInboxOpen(binding, read(data));

describe('opening an inbox', () => {
  it('is signed to one circuit and one ticket', () => {
    fc.assert(
      fc.property(anyBytes(0, MAX_TICKET_BYTES), (ticket) => {
        const request = signInboxOpen(keys, binding, ticket);
        expect(read(encode(inboxOpenCodec, request))).toEqual(request);
        expect(verifyInboxOpen(binding, request)).toBe(true);
        expect(verifyInboxOpen(seed('another circuit'), request)).toBe(false);
      }),
      runs(20),
    );
  });

  it('is refused with any field changed', () => {
    const data = encode(inboxOpenCodec, signInboxOpen(keys, binding, new Uint8Array(40)));
    const [inKey, inTicket, inSignature] = [5, 32 + 2 + 7, data.length - 1];
    for (const at of [inKey, inTicket, inSignature]) expect(holds(flipped(data, at))).toBe(false);
    expect(refusalOf(() => read(flipped(data, 33)))).toBe('malformed');
    expect(refusalOf(() => read(data.slice(1)))).toBeDefined();
    const long = data.slice();
    long[32] = 3;
    expect(refusalOf(() => read(long))).toBe('oversized');
  });

  it('takes or refuses any bytes', () => {
    fc.assert(
      fc.property(anyBytes(0, 1200), (data) => expectOnlyRefusals(read, data)),
      runs(200),
    );
  });
});

describe('an inbox', () => {
  it('has a tag and an identity of its own', () => {
    expect(inboxTag(keys.public)).toHaveLength(INBOX_TAG_LENGTH);
    expect(inboxTag(keys.public)).not.toEqual(inboxTag(seed('other')));
    expect(inboxIdentity(seed('onion'))).toHaveLength(32);
    expect(inboxIdentity(seed('onion'))).not.toEqual(inboxIdentity(seed('other')));
  });
});
