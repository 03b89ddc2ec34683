import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relayCommand } from '#shared/cell/commands.ts';
import { MAX_HOPS, RELAY_HEADER, capacity, dataRoom } from '#shared/cell/geometry.ts';
import { type RelayMessage, decodeRelay, encodeRelay } from '#shared/cell/relay.ts';
import type { StreamId } from '#shared/units.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped, misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const anyMessage = (room: number): fc.Arbitrary<RelayMessage> =>
  fc.record({
    stream: fc.nat(0xffff).map((n) => n as StreamId),
    command: fc.constantFrom(...Object.values(relayCommand)),
    data: fc.oneof(anyBytes(0, 40), anyBytes(room - 1, room)),
  });

describe('relay messages', () => {
  it('round trip at every hop, at its capacity', () => {
    const anyPlaced = fc
      .integer({ min: 1, max: MAX_HOPS })
      .chain((hop) => fc.tuple(fc.constant(hop), anyMessage(dataRoom(hop))));
    fc.assert(
      fc.property(anyPlaced, ([hop, message]) => {
        const encoded = encodeRelay(message, capacity(hop));
        expect(encoded.length).toBe(capacity(hop));
        expect(decodeRelay(encoded)).toEqual(message);
      }),
      runs(100),
    );
  });

  it('are canonical: what decodes encodes to the same bytes', () => {
    fc.assert(
      fc.property(anyBytes(0, 12), fc.nat(19), (bytes, command) => {
        if (bytes.length > 3) {
          bytes[2] = command;
          bytes[3] = 0;
        }
        let message: RelayMessage | undefined;
        const code = refusalOf(() => (message = decodeRelay(bytes)));
        if (message) expect(encodeRelay(message, bytes.length)).toEqual(bytes);
        else expect(code).toBe('malformed');
      }),
      runs(500),
    );
  });

  it('are refused when a field lies or the padding speaks', () => {
    const encoded = encodeRelay(
      { stream: 7 as StreamId, command: relayCommand.DATA, data: new Uint8Array([1, 2]) },
      20,
    );
    expect(refusalOf(() => decodeRelay(flipped(encoded, 19)))).toBe('malformed');
    expect(refusalOf(() => decodeRelay(flipped(encoded, RELAY_HEADER + 2)))).toBe('malformed');
    expect(refusalOf(() => decodeRelay(flipped(encoded, 3, 7)))).toBe('malformed');
    for (const command of [0, 22, 255]) {
      const unknown = encoded.slice();
      unknown[2] = command;
      expect(refusalOf(() => decodeRelay(unknown))).toBe('malformed');
    }
    expect(refusalOf(() => decodeRelay(new Uint8Array(RELAY_HEADER - 1)))).toBe('malformed');
  });

  it('longer than their hop has room for are not encoded', () => {
    const message = {
      stream: 0 as StreamId,
      command: relayCommand.DATA,
      data: new Uint8Array(dataRoom(3) + 1),
    };
    expect(misuseOf(() => encodeRelay(message, capacity(3)))).toBe('internal');
  });
});
