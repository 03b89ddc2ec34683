import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RemoteError } from '#shared/errors.ts';
import {
  type Codec,
  type Value,
  bool,
  bytes,
  choice,
  decode,
  encode,
  fixed,
  list,
  mapped,
  optional,
  struct,
  text,
  u16,
  u32,
  u64,
  u8,
  union,
} from '#shared/bytes/codec.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const point = struct({ x: u16, y: u32 });
const shape = union({
  dot: [1, point],
  path: [2, struct({ points: list(point, 4), closed: bool })],
  none: [9, struct({})],
});
const everything = struct({
  small: u8,
  large: u64,
  flag: bool,
  key: fixed(4),
  short: bytes(12),
  long: bytes(70_000),
  name: text(12),
  maybe: optional(u16),
  colour: choice(['red', 'green', 'blue']),
  doubled: mapped(
    u8,
    (half) => half * 2,
    (whole) => whole / 2,
  ),
  shapes: list(shape, 5),
});

const anyPoint = fc.record({ x: fc.nat(0xffff), y: fc.nat(0xffffffff) });
const anyShape: fc.Arbitrary<Value<typeof shape>> = fc.oneof(
  anyPoint.map((at) => ({ type: 'dot' as const, ...at })),
  fc.record({
    type: fc.constant('path' as const),
    points: fc.array(anyPoint, { maxLength: 4 }),
    closed: fc.boolean(),
  }),
  fc.constant({ type: 'none' as const }),
);
const anything: fc.Arbitrary<Value<typeof everything>> = fc.record({
  small: fc.nat(0xff),
  large: fc.maxSafeNat(),
  flag: fc.boolean(),
  key: anyBytes(4),
  short: anyBytes(0, 12),
  long: anyBytes(0, 40),
  name: fc.string({ maxLength: 3, unit: 'grapheme' }).filter((s) => Buffer.byteLength(s) <= 12),
  maybe: fc.option(fc.nat(0xffff), { nil: undefined }),
  colour: fc.constantFrom('red' as const, 'green' as const, 'blue' as const),
  doubled: fc.nat(0xff).map((half) => half * 2),
  shapes: fc.array(anyShape, { maxLength: 5 }),
});

/** What decodes must encode to the same bytes; what does not must be refused with a code. */
const holdsOn = <T>(codec: Codec<T>, input: Uint8Array): void => {
  let value: T;
  try {
    value = decode(codec, input);
  } catch (error) {
    expect(error).toBeInstanceOf(RemoteError);
    return;
  }
  expect(encode(codec, value)).toEqual(input);
};

describe('codec', () => {
  it('round trips every value', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(decode(everything, encode(everything, value))).toEqual(value);
      }),
      runs(200),
    );
  });

  it('is canonical on whatever bytes come', () => {
    fc.assert(
      fc.property(anyBytes(0, 40), (input) => {
        for (const codec of [
          point,
          shape,
          everything,
          list(shape, 3),
          optional(text(9)),
          list(bool, 70_000),
        ]) {
          holdsOn<unknown>(codec as Codec<unknown>, input);
        }
      }),
      runs(500),
    );
  });

  it('is canonical on bytes near to valid ones', () => {
    const change = fc.tuple(fc.nat(), fc.nat(0xff));
    fc.assert(
      fc.property(anything, fc.array(change, { maxLength: 3 }), fc.nat(3), (value, changes, cut) => {
        const encoded = encode(everything, value);
        for (const [at, byte] of changes) encoded[at % encoded.length] = byte;
        holdsOn(everything, encoded.subarray(0, encoded.length - cut));
      }),
      runs(500),
    );
  });

  it('refuses each kind of bad bytes with its code', () => {
    const cases: [Codec<unknown>, number[], string][] = [
      [u16, [1], 'malformed'],
      [u8, [1, 2], 'malformed'],
      [u64, [0, 32, 0, 0, 0, 0, 0, 0], 'malformed'],
      [bool, [2], 'malformed'],
      [bytes(2), [0, 3, 1, 2, 3], 'oversized'],
      [bytes(70_000), [0, 2, 0, 0], 'oversized'],
      [list(u8, 1), [0, 2, 1, 2], 'oversized'],
      [list(u8, 9), [0, 3, 1, 2], 'malformed'],
      [text(9), [0, 2, 0xc3, 0x28], 'malformed'],
      [choice(['a']), [1], 'malformed'],
      [union({ a: [1, struct({})] }), [2], 'malformed'],
    ] as [Codec<unknown>, number[], string][];
    for (const [codec, input, code] of cases) {
      expect(
        refusalOf(() => decode(codec, new Uint8Array(input))),
        String(input),
      ).toBe(code);
    }
  });

  it('refuses to write what it could not read back', () => {
    expect(misuseOf(() => encode(u8, 256))).toBe('internal');
    expect(misuseOf(() => encode(u16, -1))).toBe('internal');
    expect(misuseOf(() => encode(u32, 0.5))).toBe('internal');
    expect(misuseOf(() => encode(u64, 2 ** 53))).toBe('internal');
    expect(misuseOf(() => encode(fixed(2), new Uint8Array(3)))).toBe('internal');
    expect(misuseOf(() => encode(bytes(2), new Uint8Array(3)))).toBe('oversized');
    expect(misuseOf(() => encode(text(2), 'abc'))).toBe('oversized');
    expect(misuseOf(() => encode(list(u8, 1), [1, 2]))).toBe('too-many');
    expect(misuseOf(() => encode(choice(['a', 'b']), 'c' as 'a'))).toBe('internal');
  });

  it('hands out copies, not views on the message', () => {
    const message = new Uint8Array([0, 2, 7, 8]);
    const value = decode(bytes(4), message);
    message.fill(0);
    expect(value).toEqual(new Uint8Array([7, 8]));
  });
});
