import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RemoteError } from '#shared/errors.ts';
import { MAX_GROUP_MESSAGE } from '#web/core/conversation/content.ts';
import {
  decodeParts,
  encodeParts,
  isLast,
  MAX_PARTS,
  type Named,
  type Packet,
} from '#web/core/groups/packets.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { runs } from '#tests/support/runs.ts';

const place = fc.record({ epoch: fc.nat(), tag: anyBytes(8) }, { noNullPrototype: true });
const named: fc.Arbitrary<Named> = fc.record(
  { address: anyBytes(32), name: fc.string({ maxLength: 16 }) },
  { noNullPrototype: true },
);
const kind = <T extends Packet['type']>(type: T): fc.Arbitrary<T> => fc.constant(type);
const plain = { noNullPrototype: true } as const;

const anyPacket: fc.Arbitrary<Packet> = fc.oneof(
  fc.record(
    {
      ...{ type: kind('welcome'), to: anyBytes(32), by: anyBytes(32), after: place },
      open: fc.array(
        fc.record({ at: place, by: anyBytes(32), awaited: fc.array(anyBytes(32), { maxLength: 16 }) }, plain),
        { maxLength: 16 },
      ),
      welcome: anyBytes(0, 60_000),
      names: fc.array(named, { maxLength: 16 }),
    },
    plain,
  ),
  fc.record(
    {
      type: kind('proposal'),
      at: place,
      message: anyBytes(0, 3000),
      named: fc.option(named, { nil: undefined }),
    },
    plain,
  ),
  fc.record(
    {
      ...{ type: kind('commit'), at: place, commit: anyBytes(0, 60_000) },
      proposals: fc.array(anyBytes(0, 3000), { maxLength: 15 }),
      named: fc.array(named, { maxLength: 15 }),
    },
    plain,
  ),
  fc.record({ type: kind('message'), at: place, message: anyBytes(0, 20_000) }, plain),
  fc.record({ type: kind('follows'), at: place, by: anyBytes(32), who: anyBytes(32) }, plain),
  fc.record({ type: kind('has'), messages: fc.array(anyBytes(16), { maxLength: 256 }) }, plain),
  fc.record({ type: kind('undone'), at: place }, plain),
  fc.record({ type: kind('again'), keyPackage: anyBytes(0, 3000) }, plain),
);

describe('packets', () => {
  it('come whole out of parts that contents take', () => {
    fc.assert(
      fc.property(anyPacket, (packet) => {
        const parts = encodeParts(packet);
        expect(parts.length).toBeLessThanOrEqual(MAX_PARTS);
        expect(parts.every(({ length }) => length <= MAX_GROUP_MESSAGE)).toBe(true);
        expect(parts.map(isLast)).toEqual(parts.map((_, at) => at === parts.length - 1));
        expect(decodeParts(parts)).toEqual(packet);
      }),
      runs(100),
    );
  });

  it('that are none are refused, and nothing worse', () => {
    fc.assert(
      fc.property(fc.array(anyBytes(0, 200), { maxLength: 3 }), (parts) => {
        try {
          parts.forEach(isLast);
          expect(encodeParts(decodeParts(parts)).flatMap((part) => [...part.subarray(1)])).toEqual(
            parts.flatMap((part) => [...part.subarray(1)]),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(RemoteError);
        }
      }),
      runs(300),
    );
  });
});
