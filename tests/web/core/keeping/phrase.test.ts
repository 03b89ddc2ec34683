import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { hex } from '#shared/bytes/bytes.ts';
import { ownerOf, sealingKey, slotKey } from '#web/core/keeping/phrase.ts';
import { entropyOf, wordsOf } from '#web/core/keeping/words.ts';

const code = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

describe('the recovery phrase', () => {
  // Test vectors of BIP39.
  it.each([
    [0x00, 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'],
    [0x7f, 'legal winner thank year wave sausage worth useful legal winner thank yellow'],
    [0x80, 'letter advice cage absurd amount doctor acoustic avoid letter advice cage above'],
    [0xff, 'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong'],
  ])('of sixteen bytes %i is that of the standard', (byte, words) => {
    const entropy = new Uint8Array(16).fill(byte);
    expect(wordsOf(entropy)).toEqual(words.split(' '));
    expect(entropyOf(words.split(' '))).toEqual(entropy);
  });

  it('gives back what it was made of, however it is typed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (entropy) => {
        const words = wordsOf(entropy);
        expect(words).toHaveLength(12);
        expect(entropyOf(words)).toEqual(entropy);
        expect(entropyOf(words.map((word) => ` ${word.toUpperCase()}  `))).toEqual(entropy);
      }),
    );
  });

  it('is refused with a sentence that tells where to look, and no word', () => {
    const words = wordsOf(new Uint8Array(16).fill(1));
    const refused = (given: string[]): string => {
      try {
        entropyOf(given);
        return 'taken';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(refused(words.slice(1))).toMatch(/^bad-phrase: .*12 words/);
    expect(refused(words.with(4, 'hourglas'))).toMatch(/^bad-phrase: word 5 /);
    expect(refused(words.with(4, 'hourglas'))).not.toContain('hourglas:');
    expect(code(() => entropyOf([]))).toBe('bad-phrase');
    expect(refused([...words.slice(0, 10), words[11] ?? '', words[10] ?? ''])).toMatch(/^bad-phrase: /);
  });

  it('makes keys that have nothing to do with each other', () => {
    const entropy = new Uint8Array(16).fill(3);
    const salt = new Uint8Array(16);
    const keys = [
      sealingKey(entropy, salt),
      ownerOf(entropy).secret,
      slotKey(entropy),
      sealingKey(entropy, salt.fill(1)),
    ];
    expect(new Set(keys.map(hex)).size).toBe(4);
  });
});
