import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decode, encode } from '#shared/bytes/codec.ts';
import { BLOB_SIZES, blobCodec, erasableBlobCodec, MAX_BLOB_BYTES } from '#shared/directory/blobs.ts';
import { misuseOf, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

it('blobs have one of three sizes, or none where one may be erased', () => {
  for (const length of BLOB_SIZES) {
    const blob = new Uint8Array(length).fill(length % 251);
    for (const codec of [blobCodec, erasableBlobCodec]) {
      const bytes = encode(codec, blob);
      expect(bytes).toHaveLength(1 + length);
      expect(decode(codec, bytes)).toEqual(blob);
    }
  }
  expect(MAX_BLOB_BYTES).toBe(65_537);
  expect(encode(erasableBlobCodec, new Uint8Array(0))).toEqual(Uint8Array.of(0));
  expect(misuseOf(() => encode(blobCodec, new Uint8Array(0)))).toBe('internal');
  for (const length of [1, 4_095, 4_097, 65_537])
    expect(misuseOf(() => encode(erasableBlobCodec, new Uint8Array(length)))).toBe('internal');
});

it('what reads as a blob encodes to the same bytes, and all else is malformed', () => {
  const length = fc.constantFrom(0, 1, 4_095, 4_096, 4_097, 16_384, 65_536, 65_537);
  fc.assert(
    fc.property(fc.nat(5), length, (size, given) => {
      const bytes = new Uint8Array(1 + given);
      bytes[0] = size;
      const fits = BLOB_SIZES[size] === given;
      expect(refusalOf(() => decode(blobCodec, bytes))).toBe(fits ? undefined : 'malformed');
      if (fits) expect(encode(blobCodec, decode(blobCodec, bytes))).toEqual(bytes);
    }),
    runs(200),
  );
});
