import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, text, unhex } from '#shared/bytes/bytes.ts';
import { FIELD_ORDER } from '#shared/contribution/field.ts';
import { scopeOf, signalHashOf } from '#shared/contribution/tags.ts';
import { MAX_TICKET_BYTES } from '#shared/rendezvous/inbox.ts';
import {
  decodeTicket,
  encodeTicket,
  MOST_TICKET_BITS,
  ticketBits,
  ticketChallenge,
  ticketScope,
  ticketSignal,
  type Ticket,
} from '#shared/rendezvous/ticket.ts';
import { nodeIdBytes } from '#shared/units.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { expectOnlyRefusals, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { idOf, seed } from '#tests/support/sample-network.ts';

const epoch = fc.nat(0xffff_ffff);
const anyTicket: fc.Arbitrary<Ticket> = fc.oneof(
  fc.constant({ type: 'none' } as const),
  fc.record({ type: fc.constant('work' as const), work: fc.maxSafeNat(), epoch }),
  fc.record({
    type: fc.constant('proof' as const),
    epoch,
    threshold: fc.nat(255),
    nullifier: fc.bigInt(0n, FIELD_ORDER - 1n),
    proof: anyBytes(256, 256),
  }),
);

describe('a ticket', () => {
  it('is read as it was written, and fits where it has to go', () => {
    fc.assert(
      fc.property(anyTicket, (ticket) => {
        const bytes = encodeTicket(ticket);
        expect(decodeTicket(bytes)).toEqual(ticket);
        expect(bytes).toHaveLength({ none: 0, work: 13, proof: 294 }[ticket.type]);
        expect(bytes.length).toBeLessThanOrEqual(MAX_TICKET_BYTES);
      }),
      runs(200),
    );
  });

  it('has one layout', () => {
    expect(encodeTicket({ type: 'work', work: 0x0102, epoch: 7 })).toEqual(
      unhex('02000000000000010200000007'),
    );
    expect(refusalOf(() => decodeTicket(unhex('03000000000000010200000007')))).toBe('malformed');
    expect(refusalOf(() => decodeTicket(unhex('0200000000000001020000000700')))).toBe('malformed');
  });

  it('takes or refuses any bytes', () => {
    const kinds = fc.tuple(fc.constantFrom(1, 2, 3), anyBytes(0, 300));
    fc.assert(
      fc.property(kinds, ([kind, rest]) => {
        const bytes = concat(Uint8Array.of(kind), rest);
        expectOnlyRefusals((given) => {
          const ticket = decodeTicket(given);
          expect(encodeTicket(ticket)).toEqual(given);
        }, bytes);
      }),
      runs(300),
    );
  });
});

describe('what a ticket is bound to', () => {
  const [exit, tag] = [idOf('exit'), seed('tag').slice(0, 16)];

  it('is written out in bytes', () => {
    expect(ticketChallenge(exit, tag, 0x0a0b)).toEqual(
      concat(text('hourglass inbox work 1'), nodeIdBytes(exit), tag, unhex('00000a0b')),
    );
    expect(ticketScope(exit)).toBe(scopeOf(nodeIdBytes(exit)));
    expect(ticketSignal(exit, tag)).toBe(signalHashOf(concat(nodeIdBytes(exit), tag)));
  });

  it('is another for each exit, tag and epoch', () => {
    const [elsewhere, other] = [idOf('elsewhere'), seed('other').slice(0, 16)];
    expect(ticketScope(elsewhere)).not.toBe(ticketScope(exit));
    expect(
      new Set([ticketSignal(exit, tag), ticketSignal(elsewhere, tag), ticketSignal(exit, other)]).size,
    ).toBe(3);
  });
});

describe('the work that is asked', () => {
  it('grows with the places that are taken', () => {
    expect([0, 0.08, 0.1, 0.5, 0.75, 0.99, 1].map(ticketBits)).toEqual([10, 10, 11, 16, 19, 21, 22]);
    expect(ticketBits(1)).toBe(MOST_TICKET_BITS);
  });
});
