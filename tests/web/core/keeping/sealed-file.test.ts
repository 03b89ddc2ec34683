import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, hex, text } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { codeOf, LocalError } from '#shared/errors.ts';
import { contentsRoom, openFile, sealFile } from '#web/core/keeping/sealed-file.ts';

const rng = seededRng(new Uint8Array(32).fill(9));
const entropy = new Uint8Array(16).fill(5);
const HEADER = 8 + 1 + 16 + 16 + 8;
const ROOM = 65_536 - 16;

/** The code of what it throws, which must be one of this program's own. */
const refusal = (file: Uint8Array, by = entropy): string => {
  try {
    openFile(by, file);
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(LocalError);
    // A sentence that says what to do, not the table's alone.
    expect((error as Error).message.length).toBeGreaterThan(codeOf(error).length + 20);
    return codeOf(error);
  }
};

const contentsOf = (length: number): Uint8Array => new Uint8Array(length).map((_, at) => (at * 7) % 251);

describe('a backup file', () => {
  it.each([0, 1, ROOM - 1, ROOM, ROOM + 1, 2 * ROOM, 200_000])(
    'of %i bytes opens by its phrase',
    (length) => {
      const contents = contentsOf(length);
      const file = sealFile(rng, entropy, contents);
      expect(openFile(entropy, file)).toEqual(contents);
      expect(file).toHaveLength(HEADER + length + 16 * Math.max(1, Math.ceil(length / ROOM)));
      expect(contentsRoom(file.length)).toBeLessThanOrEqual(length);
      expect(sealFile(rng, entropy, contents)).not.toEqual(file);
    },
  );

  it('shows nothing of what is in it', () => {
    const file = sealFile(rng, entropy, text('what nobody may read'));
    expect(hex(file)).not.toContain(hex(text('nobody')));
  });

  it('is refused by other words with a code of its own', () => {
    expect(refusal(sealFile(rng, entropy, contentsOf(10)), new Uint8Array(16))).toBe('bad-phrase');
  });

  it('is refused, cut off anywhere', () => {
    const file = sealFile(rng, entropy, contentsOf(ROOM + 100));
    const ends = [0, 1, 8, 9, 30, HEADER - 1, HEADER, HEADER + 15, HEADER + 65_536, file.length - 1];
    for (const end of ends) expect(refusal(file.slice(0, end))).toBe('bad-backup');
    fc.assert(
      fc.property(fc.nat(file.length - 1), (end) => {
        expect(refusal(file.slice(0, end))).toBe('bad-backup');
      }),
    );
  });

  it('is refused, with any bit flipped', () => {
    const file = sealFile(rng, entropy, contentsOf(ROOM + 100));
    const flipped = (at: number, bit: number): Uint8Array => file.with(at, (file[at] ?? 0) ^ (1 << bit));
    for (let at = 0; at < HEADER; at++)
      for (let bit = 0; bit < 8; bit++)
        expect(refusal(flipped(at, bit))).toBe(at === 8 ? 'bad-version' : 'bad-backup');
    fc.assert(
      fc.property(fc.integer({ min: HEADER, max: file.length - 1 }), fc.nat(7), (at, bit) => {
        expect(refusal(flipped(at, bit))).toBe('bad-backup');
      }),
      { numRuns: 40 },
    );
  });

  it('is refused with pieces that are in another order, missing, doubled, or of another file', () => {
    const file = sealFile(rng, entropy, contentsOf(3 * ROOM));
    const other = sealFile(rng, entropy, contentsOf(3 * ROOM));
    const piece = (from: Uint8Array, at: number): Uint8Array =>
      from.slice(HEADER + at * 65_536, HEADER + (at + 1) * 65_536);
    const made = (...pieces: Uint8Array[]): Uint8Array => concat(file.slice(0, HEADER), ...pieces);
    const [a, b, c] = [piece(file, 0), piece(file, 1), piece(file, 2)];
    expect(refusal(made(a, b, c))).toBe('none');
    for (const wrong of [
      made(b, a, c),
      made(a, c),
      made(a, b),
      made(a, b, b, c),
      made(a, piece(other, 1), c),
      made(a, b, c, c),
    ])
      expect(refusal(wrong)).toBe('bad-backup');
    expect(refusal(concat(file, Uint8Array.of(0)))).toBe('bad-backup');
  });

  it('is told from any other file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(refusal(bytes)).toBe('bad-backup');
      }),
    );
  });
});
