import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '#shared/bytes/bytes.ts';
import { CELL_LENGTH, CELLS_PER_MESSAGE, SEALED_CELL_LENGTH } from '#shared/cell/geometry.ts';
import { counterNonce, seal } from '#shared/crypto/aead.ts';
import { SealedCells } from '#shared/link/sealed-cells.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';

const keys = { send: new Uint8Array(32).fill(1), receive: new Uint8Array(32).fill(2) };
const pair = (): [SealedCells, SealedCells] => [
  new SealedCells(keys),
  new SealedCells({ send: keys.receive, receive: keys.send }),
];
const message = (cells: number, byte = 7): Uint8Array => new Uint8Array(cells * CELL_LENGTH).fill(byte);

/** What is sealed of a hello and of messages of so many cells. */
const sent = (...cells: number[]): Uint8Array[] => {
  const [near] = pair();
  return [near.hello(), ...cells.flatMap((count) => near.seal(message(count)))];
};
/** What the other side makes of them, the first refusal at the end. */
const taken = (sealed: Uint8Array[]): unknown[] => {
  const [, far] = pair();
  const all: unknown[] = [];
  for (const one of sealed) {
    const code = refusalOf(() => all.push(far.open(one)));
    if (code !== undefined) return [...all, code];
  }
  return all;
};

describe('sealed cells', () => {
  it('bring whole messages over, in one size whatever they hold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: CELLS_PER_MESSAGE }), { maxLength: 6 }),
        fc.nat(255),
        (counts, byte) => {
          const [near, far] = pair();
          expect(far.open(near.hello())).toBe('hello');
          for (const count of counts) {
            const sealed = near.seal(message(count, byte));
            expect(sealed.map(({ length }) => length)).toEqual(Array(count).fill(SEALED_CELL_LENGTH));
            const opened = sealed.map((one) => far.open(one));
            expect(opened.slice(0, -1).every((each) => each === 'more')).toBe(true);
            expect(opened.at(-1)).toEqual({ message: message(count, byte) });
          }
        },
      ),
      runs(20),
    );
  });

  it('end by the first one that is changed', () => {
    const sealed = sent(2, 3);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.nat(SEALED_CELL_LENGTH - 1), (which, at) => {
        const changed = sealed.map((one, i) => (i === which ? flipped(one, at) : one));
        expect(taken(changed).slice(which)).toEqual(['bad-layer']);
      }),
      runs(40),
    );
    expect(taken([sealed[0]?.subarray(1) ?? sealed[1]] as Uint8Array[])).toEqual(['bad-layer']);
  });

  it('end by one that comes again, is left out, or comes out of turn', () => {
    const [hello, a, b, c] = sent(1, 1, 1) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const one = { message: message(1) };
    expect(taken([hello, a, b, c])).toEqual(['hello', one, one, one]);
    expect(taken([hello, a, a])).toEqual(['hello', one, 'bad-layer']);
    expect(taken([hello, a, c])).toEqual(['hello', one, 'bad-layer']);
    expect(taken([hello, b, a])).toEqual(['hello', 'bad-layer']);
    expect(taken([a])).toEqual(['bad-layer']);
    expect(taken([hello, hello])).toEqual(['hello', 'bad-layer']);
  });

  it('do not open when they come back to who sealed them', () => {
    const near = new SealedCells(keys);
    const hello = near.hello();
    expect(refusalOf(() => near.open(hello))).toBe('bad-layer');
  });

  it('are refused when they are not as an honest side seals them', () => {
    const one = (n: number, byte: number, length = CELL_LENGTH): Uint8Array =>
      seal(keys.send, counterNonce(n), concat(Uint8Array.of(byte), new Uint8Array(length)));
    expect(taken([one(0, 1)])).toEqual(['unexpected']);
    expect(taken([one(0, 2), one(1, 2)])).toEqual(['hello', 'unexpected']);
    expect(taken([one(0, 2), one(1, 3)])).toEqual(['hello', 'malformed']);
    expect(taken([one(0, 2), one(1, 1, CELL_LENGTH - 1)])).toEqual(['hello', 'malformed']);
    expect(taken([one(0, 2, 0)])).toEqual(['malformed']);
    const endless = Array.from({ length: CELLS_PER_MESSAGE + 1 }, (_, i) => one(i + 1, 0));
    expect(taken([one(0, 2), ...endless]).at(-1)).toBe('malformed');
  });
});
