import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '#shared/bytes/bytes.ts';
import { hpkeOpen, hpkeSeal } from '#shared/crypto/hpke.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { BLOB_SIZES } from '#shared/directory/blobs.ts';
import { boxOf, makeBox } from '#web/core/mail/box.ts';
import { inLetters, MOST_FRAMES, openLetter, sealLetter } from '#web/core/mail/letter.ts';
import { anyBytes } from '#tests/support/arbitrary.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { NOW, seed } from '#tests/support/sample-network.ts';

const rng = seededRng(seed('letters'));
const box = boxOf(makeBox(rng, NOW));
const other = boxOf(makeBox(rng, NOW));
const { mailbox } = box.public;
const open = (blob: Uint8Array, by = box, of = mailbox): string | undefined =>
  refusalOf(() => openLetter(by.secret, of, blob));

describe('a letter', () => {
  it('is read by the mailbox`s owner alone, and has one of three sizes', () => {
    const anyFrames = fc.array(anyBytes(0, 3000), { maxLength: 20 });
    fc.assert(
      fc.property(anyFrames, fc.nat(2 ** 40), (frames, time) => {
        const blob = sealLetter(rng, box.public, { time, frames });
        expect(BLOB_SIZES).toContain(blob.length);
        expect(openLetter(box.secret, mailbox, blob)).toEqual({ time, frames });
        expect(open(blob, other, other.public.mailbox)).toBe('bad-layer');
        expect(open(blob, other)).toBe('bad-layer');
        // The right key, but moved into another mailbox.
        expect(open(blob, box, other.public.mailbox)).toBe('bad-layer');
      }),
      runs(12),
    );
  });

  it('has the smallest of them that holds it', () => {
    const sizeOf = (length: number): number =>
      sealLetter(rng, box.public, { time: NOW, frames: [new Uint8Array(length)] }).length;
    // Less HPKE (1,136), the letter's head (11) and the frame's length (2).
    expect([0, 2_947, 2_948, 15_235, 15_236].map(sizeOf)).toEqual([4_096, 4_096, 16_384, 16_384, 65_536]);
  });

  it('is refused with any byte altered', () => {
    const blob = sealLetter(rng, box.public, { time: NOW, frames: [Uint8Array.of(1, 2, 3)] });
    for (let at = 0; at < blob.length; at += 101) expect(open(flipped(blob, at))).toBe('bad-layer');
    expect(open(blob.slice(0, 1000))).toBe('malformed');
  });

  it('is refused when its sender did not follow the layout', () => {
    const info = new TextEncoder().encode('hourglass letter 1');
    const blob = sealLetter(rng, box.public, { time: NOW, frames: [] });
    const content = hpkeOpen(box.secret, blob, { info, ad: mailbox });
    const sealed = (changed: Uint8Array): Uint8Array =>
      hpkeSeal(rng, box.public.key, changed, { info, ad: mailbox });
    expect(open(sealed(content))).toBeUndefined();
    expect(open(sealed(flipped(content, 0)))).toBe('bad-version');
    expect(open(sealed(flipped(content, content.length - 1)))).toBe('malformed');
    const tooMany = content.slice();
    new DataView(tooMany.buffer, tooMany.byteOffset).setUint16(9, MOST_FRAMES + 1);
    expect(open(sealed(tooMany))).toBe('oversized');
  });

  it('never makes its reader throw anything but a refusal', () => {
    fc.assert(
      fc.property(anyBytes(0, 2000), (content) => {
        const info = new TextEncoder().encode('hourglass letter 1');
        const code = open(hpkeSeal(rng, box.public.key, content, { info, ad: mailbox }));
        expect([undefined, 'malformed', 'oversized', 'bad-version']).toContain(code);
        expect(['malformed', 'bad-layer']).toContain(open(content));
      }),
      runs(40),
    );
  });
});

describe('letters', () => {
  it('hold all that is to be sent, in order, and each of them fits', () => {
    const anyParts = fc.array(anyBytes(0, 33_000), { maxLength: 12 });
    fc.assert(
      fc.property(anyParts, (frames) => {
        const letters = inLetters(frames.map((frame) => ({ frame })));
        expect(letters.flat().map(({ frame }) => frame)).toEqual(frames);
        for (const letter of letters) {
          const blob = sealLetter(rng, box.public, { time: NOW, frames: letter.map(({ frame }) => frame) });
          expect(openLetter(box.secret, mailbox, blob).frames).toEqual(letter.map(({ frame }) => frame));
        }
      }),
      runs(8),
    );
  });

  it('are no more than needed', () => {
    const parts = Array.from({ length: 600 }, () => ({ frame: new Uint8Array(60) }));
    expect(inLetters(parts).map(({ length }) => length)).toEqual([255, 255, 90]);
    const long = Array.from({ length: 3 }, () => ({ frame: new Uint8Array(32_000) }));
    expect(inLetters(long).map(({ length }) => length)).toEqual([2, 1]);
    expect(inLetters([])).toEqual([]);
    expect(() => inLetters([{ frame: new Uint8Array(33_025) }])).toThrow(/no letter can hold/);
    expect(() =>
      sealLetter(rng, { mailbox, key: concat(box.public.key).slice(1) }, { time: 0, frames: [] }),
    ).toThrow();
  });
});
