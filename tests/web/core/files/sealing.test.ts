import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RemoteError } from '#shared/errors.ts';
import { decodeFrame, encodeFrame } from '#web/core/conversation/frames.ts';
import { CHUNK_LENGTH } from '#web/core/conversation/content.ts';
import { checkGot, fileKeys, openChunk, sealChunk, sealGot } from '#web/core/files/sealing.ts';
import { content, GROUP } from '#tests/support/file-net.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const SIZE = 5 * CHUNK_LENGTH + 100;
const whole = content(SIZE);
const offer = {
  ...{ file: new Uint8Array(16).fill(4), name: '', type: '', size: SIZE, hash: new Uint8Array(32) },
  ...{ key: new Uint8Array(32).fill(5), preview: new Uint8Array(0), voice: undefined },
};
const keys = fileKeys(offer);
const others = [
  fileKeys({ ...offer, key: new Uint8Array(32).fill(6) }),
  fileKeys({ ...offer, file: new Uint8Array(16) }),
];

const chunk = fc.nat(5).map((at) => at * CHUNK_LENGTH);
const dataAt = (offset: number): Uint8Array => whole.subarray(offset, offset + CHUNK_LENGTH);
const throughWire = <F extends ReturnType<typeof sealChunk> | ReturnType<typeof sealGot>>(frame: F): F =>
  decodeFrame(encodeFrame(frame)) as F;

describe('a chunk', () => {
  it('opens to what was sealed, and is the same each time', () => {
    fc.assert(
      fc.property(chunk, (offset) => {
        const frame = throughWire(sealChunk(keys, GROUP, offset, dataAt(offset)));
        expect(openChunk(keys, frame)).toEqual(dataAt(offset));
        expect(sealChunk(keys, GROUP, offset, dataAt(offset))).toEqual(frame);
      }),
      runs(20),
    );
  });

  it('opens in its place and under its key only, and not when a bit is another', () => {
    fc.assert(
      fc.property(chunk, fc.nat(16 * 1024 * 8), fc.nat(SIZE + CHUNK_LENGTH), (offset, bit, elsewhere) => {
        const frame = sealChunk(keys, GROUP, offset, dataAt(offset));
        for (const other of others) expect(refusalOf(() => openChunk(other, frame))).toBe('bad-layer');
        const sealed = flipped(frame.sealed, (bit >> 3) % frame.sealed.length, bit & 7);
        expect(refusalOf(() => openChunk(keys, { ...frame, sealed }))).toBe('bad-layer');
        if (elsewhere === offset) return;
        const code = elsewhere < SIZE && elsewhere % CHUNK_LENGTH === 0 ? 'bad-layer' : 'malformed';
        expect(refusalOf(() => openChunk(keys, { ...frame, offset: elsewhere }))).toBe(code);
      }),
      runs(30),
    );
  });

  it('has all the bytes that belong in its place', () => {
    const short = sealChunk(keys, GROUP, 0, whole.subarray(0, 100));
    expect(refusalOf(() => openChunk(keys, short))).toBe('malformed');
    const last = 5 * CHUNK_LENGTH;
    expect(openChunk(keys, sealChunk(keys, GROUP, last, dataAt(last)))).toHaveLength(100);
  });
});

describe('what is kept', () => {
  it('is said for one file, by whoever has its key, in one meaning', () => {
    fc.assert(
      fc.property(chunk, fc.boolean(), (bytes, again) => {
        const frame = throughWire(sealGot(keys, GROUP, bytes, again));
        checkGot(keys, frame);
        for (const other of others) expect(refusalOf(() => checkGot(other, frame))).toBe('bad-layer');
        expect(refusalOf(() => checkGot(keys, { ...frame, again: !again }))).toBe('bad-layer');
        const more = bytes + CHUNK_LENGTH;
        expect(refusalOf(() => checkGot(keys, { ...frame, bytes: more }))).toBe(
          more > SIZE ? 'malformed' : 'bad-layer',
        );
      }),
      runs(30),
    );
    checkGot(keys, sealGot(keys, GROUP, SIZE, false));
    for (const bytes of [1, SIZE - 1, SIZE + 1])
      expect(refusalOf(() => checkGot(keys, sealGot(keys, GROUP, bytes, false)))).toBe('malformed');
  });

  it('needs another key than chunks do', () => {
    const none = sealChunk(keys, GROUP, 0, new Uint8Array(0)).sealed;
    expect(none).not.toEqual(sealGot(keys, GROUP, 0, false).tag);
    expect(keys.chunk).not.toEqual(keys.got);
  });
});

it('any bytes are a frame or refused with a code', () => {
  fc.assert(
    fc.property(fc.constantFrom(4, 5), fc.uint8Array({ maxLength: 80 }), (kind, rest) => {
      const bytes = Uint8Array.of(kind, ...rest);
      try {
        expect(encodeFrame(decodeFrame(bytes))).toEqual(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RemoteError);
      }
    }),
    runs(200),
  );
});
