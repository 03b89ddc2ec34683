import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEAST_PASSPHRASE as coreLeast } from '#web/core/store/passphrase.ts';
import { bitsOf, LEAST_PASSPHRASE, strengthOf } from '#web/ui/view/passphrase.ts';
import { attempts, middleSquare, PICTURE_BYTES, sameBytes } from '#web/ui/view/pictures.ts';
import { backupName } from '#web/ui/view/saving.ts';
import { pasteWords, PHRASE_WORDS, somePlaces, wordsIn } from '#web/ui/view/words.ts';

describe('the hint about a passphrase', () => {
  it.each([
    ['', 'none'],
    ['violet!', 'short'],
    ['password', 'weak'],
    ['aaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'weak'],
    ['abcdefghijklmnopqrstuvwxyz', 'weak'],
    ['12345678901234567890', 'weak'],
    ['word word word word word word', 'weak'],
    ['violin harbor amber', 'weak'],
    ['violin harbor amber ladder', 'fair'],
    ['violin harbor amber ladder tunnel', 'good'],
    ['k7#Vq2!xZ', 'fair'],
    ['k7#Vq2!xZm9$Lw', 'good'],
  ])('%j is %s', (passphrase, strength) => {
    expect(strengthOf(passphrase)).toBe(strength);
  });

  it('what is too short is what the store refuses', () => {
    expect(LEAST_PASSPHRASE).toBe(coreLeast);
  });

  it('another unrelated word never makes it weaker', () => {
    const word = fc.stringMatching(/^[a-z]{3,8}$/);
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 2, maxLength: 8 }), (words) => {
        expect(bitsOf(words.join(' '))).toBeGreaterThanOrEqual(bitsOf(words.slice(0, -1).join(' ')) - 1e-9);
      }),
    );
  });
});

describe('the words of a recovery phrase', () => {
  const empty = Array<string>(PHRASE_WORDS).fill('');

  it('are found in a list with numbers, capitals and commas', () => {
    expect(wordsIn('1. Harbor, 2. AMBER\n3) lunar ')).toEqual(['harbor', 'amber', 'lunar']);
  });

  it('a paste fills the fields from where it was put, and no further than the last', () => {
    const twelve = Array.from({ length: PHRASE_WORDS }, (_, i) => `word${'abcdefghijkl'[i]!}`);
    expect(pasteWords(empty, 0, twelve.join(' '))).toEqual(twelve);
    expect(pasteWords(empty, 10, 'x y z')).toEqual([...empty.slice(0, 10), 'x', 'y']);
    expect(pasteWords(twelve, 2, 'x')).toEqual([...twelve.slice(0, 2), 'x', ...twelve.slice(3)]);
  });

  it('three different places are asked for, in order', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.double({ min: 0, max: 0.999999, noNaN: true })), (chance) => {
        const places = somePlaces(3, PHRASE_WORDS, () => chance.next().value as number);
        expect(new Set(places).size).toBe(3);
        expect(places).toEqual([...places].sort((a, b) => a - b));
        for (const place of places) expect(place >= 0 && place < PHRASE_WORDS).toBe(true);
      }),
    );
  });
});

describe('pictures', () => {
  it('the middle of a picture is cut out, as large as it can be', () => {
    expect(middleSquare(400, 300)).toEqual({ x: 50, y: 0, side: 300 });
    expect(middleSquare(300, 401)).toEqual({ x: 0, y: 51, side: 300 });
  });

  it('the last attempt fits whatever the picture: a JPEG takes less than 3 bytes a pixel', () => {
    expect(attempts.at(-1)!.side ** 2 * 3).toBeLessThanOrEqual(PICTURE_BYTES);
    for (const [i, { side }] of attempts.entries())
      expect(side).toBeLessThanOrEqual(attempts[i - 1]?.side ?? side);
  });

  it('the same picture is known again by its bytes', () => {
    const picture = new Uint8Array([1, 2, 3]);
    expect(sameBytes(picture, picture.slice())).toBe(true);
    expect(sameBytes(picture, new Uint8Array([1, 2, 4]))).toBe(false);
    expect(sameBytes(picture, picture.slice(1))).toBe(false);
    expect(sameBytes(picture, null)).toBe(false);
    expect(sameBytes(null, null)).toBe(true);
  });
});

it('a backup file is named by the local date', () => {
  expect(backupName(new Date(2026, 0, 5, 23, 59))).toBe('hourglass-2026-01-05.backup');
});
