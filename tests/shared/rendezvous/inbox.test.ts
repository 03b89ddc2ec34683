import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signKeypair } from '#shared/crypto/sign.ts';
import {
  inboxId,
  inboxTag,
  MAX_TICKET_BYTES,
  readInboxOpen,
  signInboxOpen,
  TAG_LENGTH,
} from '#shared/rendezvous/inbox.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { expectOnlyRefusals, flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { seed } from '#tests/support/sample-network.ts';

const keys = signKeypair(seed('tag'));
const binding = seed('binding');
const read = (data: Uint8Array) => readInboxOpen(data, binding);

describe('opening an inbox', () => {
  it('opens the tag of the key that signed', () => {
    fc.assert(
      fc.property(anyBytes(0, MAX_TICKET_BYTES), (ticket) => {
        expect(read(signInboxOpen(keys, binding, ticket))).toEqual({ tag: inboxTag(keys.public), ticket });
      }),
      runs(20),
    );
  });

  it('is refused on another circuit, and with any byte changed', () => {
    const data = signInboxOpen(keys, binding, new Uint8Array(40));
    expect(refusalOf(() => readInboxOpen(data, seed('another circuit')))).toBe('bad-signature');
    const [inKey, inTicket, inSignature] = [5, 32 + 2 + 7, data.length - 1];
    for (const at of [inKey, inTicket, inSignature]) {
      expect(refusalOf(() => read(flipped(data, at)))).toBe('bad-signature');
    }
    expect(refusalOf(() => read(flipped(data, 33)))).toBe('malformed');
    expect(refusalOf(() => read(data.slice(1)))).toBeDefined();
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
    expect(inboxTag(keys.public)).toHaveLength(TAG_LENGTH);
    expect(inboxTag(keys.public)).not.toEqual(inboxTag(seed('other')));
    expect(inboxId(seed('onion'))).toHaveLength(32);
    expect(inboxId(seed('onion'))).not.toEqual(inboxId(seed('other')));
  });
});
