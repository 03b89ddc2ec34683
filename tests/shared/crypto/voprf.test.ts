import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, hex, unhex } from '#shared/bytes/bytes.ts';
import { seededRng, type Rng } from '#shared/crypto/rng.ts';
import {
  blindInputs,
  deriveVoprfKeys,
  ELEMENT_LENGTH,
  evaluateBlinded,
  finalizeBlinded,
  isOutputOf,
  OUTPUT_LENGTH,
} from '#shared/crypto/voprf.ts';
import { flipped, refusalOf } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { seed } from '#tests/support/sample-network.ts';

type Vector = {
  inputs: string[];
  blinds: string[];
  blinded: string[];
  evaluated: string[];
  proofScalar: string;
  proof: string;
  outputs: string[];
};

const published = JSON.parse(
  readFileSync(new URL('../../vectors/published/voprf.json', import.meta.url), 'utf8'),
) as { seed: string; keyInfo: string; secret: string; public: string; vectors: Vector[] };

/** Chance that comes out as these scalars: what is drawn is reduced below the order less one, and one is added. */
const chanceOf = (scalars: string[]): Rng => {
  const left = [...scalars];
  return (length) => {
    const scalar = unhex(left.shift() ?? '');
    return concat(minusOne(scalar), new Uint8Array(length - scalar.length));
  };
};

/** Little-endian. */
const minusOne = (number: Uint8Array): Uint8Array => {
  const out = number.slice();
  let at = 0;
  while (out[at] === 0) out[at++] = 0xff;
  out[at] = (out[at] ?? 0) - 1;
  return out;
};

describe('the published vectors', () => {
  const keys = deriveVoprfKeys(unhex(published.seed), unhex(published.keyInfo));

  it('give the key pair', () => {
    expect([hex(keys.secret), hex(keys.public)]).toEqual([published.secret, published.public]);
  });

  it.each(published.vectors)('give every step of $inputs', (vector) => {
    const blinded = blindInputs(vector.inputs.map(unhex), chanceOf(vector.blinds));
    expect(blinded.map(({ element }) => hex(element))).toEqual(vector.blinded);
    const elements = blinded.map(({ element }) => element);
    const evaluation = evaluateBlinded(keys, elements, chanceOf([vector.proofScalar]));
    expect(evaluation.evaluated.map(hex)).toEqual(vector.evaluated);
    expect(hex(evaluation.proof)).toBe(vector.proof);
    const outputs = finalizeBlinded(keys.public, blinded, evaluation);
    expect(outputs.map(hex)).toEqual(vector.outputs);
    for (const [i, output] of outputs.entries())
      expect(isOutputOf(keys, unhex(vector.inputs[i] ?? ''), output)).toBe(true);
  });
});

describe('a batch', () => {
  const keys = deriveVoprfKeys(seed('key'), seed('info'));
  const others = deriveVoprfKeys(seed('key'), seed('other info'));
  const rng = seededRng(seed('chance'));
  const inputs = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
  const blinded = blindInputs(inputs, rng);
  const elements = blinded.map(({ element }) => element);
  const evaluation = evaluateBlinded(keys, elements, rng);
  const [first, second, third] = evaluation.evaluated as [Uint8Array, Uint8Array, Uint8Array];
  const identity = new Uint8Array(ELEMENT_LENGTH);
  /** Not a canonical encoding of any element. */
  const noElement = new Uint8Array(ELEMENT_LENGTH).fill(0xff);

  it('comes from the chance that is given and from nothing else', () => {
    const again = (name: string) => blindInputs(inputs, seededRng(seed(name))).map(({ element }) => element);
    expect(again('a')).toEqual(again('a'));
    for (const [i, element] of again('a').entries()) expect(element).not.toEqual(again('b')[i]);
    // The same input, blinded twice, can't be told from two.
    const [one, two] = blindInputs([seed('x'), seed('x')], rng);
    expect(one?.element).not.toEqual(two?.element);
  });

  it('gives outputs that the key alone could make', () => {
    const outputs = finalizeBlinded(keys.public, blinded, evaluation);
    for (const [i, output] of outputs.entries()) {
      const input = inputs[i] as Uint8Array;
      expect(output).toHaveLength(OUTPUT_LENGTH);
      expect(isOutputOf(keys, input, output)).toBe(true);
      expect(isOutputOf(others, input, output)).toBe(false);
      expect(isOutputOf(keys, seed('another input'), output)).toBe(false);
      expect(isOutputOf(keys, input, output.slice(1))).toBe(false);
    }
    const output = outputs[0] as Uint8Array;
    for (let at = 0; at < OUTPUT_LENGTH; at++)
      expect(isOutputOf(keys, inputs[0] as Uint8Array, flipped(output, at, at % 8))).toBe(false);
  });

  it('is refused unless all of it was evaluated under the one key', () => {
    const elsewhere = evaluateBlinded(others, elements, rng);
    const code = (evaluated: Uint8Array[], proof = evaluation.proof, key = keys.public) =>
      refusalOf(() => finalizeBlinded(key, blinded, { evaluated, proof }));
    expect(code([first, second, third])).toBeUndefined();
    expect(code([...elsewhere.evaluated], elsewhere.proof)).toBe('bad-signature');
    expect(code([...elsewhere.evaluated], elsewhere.proof, others.public)).toBeUndefined();
    expect(code([first, second, elsewhere.evaluated[2] as Uint8Array])).toBe('bad-signature');
    expect(code([second, first, third])).toBe('bad-signature');
    expect(code([first, second, third], new Uint8Array(64))).toBe('bad-signature');
    expect(code([first, second, third], new Uint8Array(64).fill(0xff))).toBe('bad-signature');
  });

  it('is refused when it is no answer to what was asked', () => {
    const code = (evaluated: Uint8Array[], proof = evaluation.proof, key = keys.public) =>
      refusalOf(() => finalizeBlinded(key, blinded, { evaluated, proof }));
    expect(code([first, second])).toBe('malformed');
    expect(code([first, second, third, third])).toBe('malformed');
    expect(code([first, second, identity])).toBe('malformed');
    expect(code([first, second, noElement])).toBe('malformed');
    expect(code([first, second, third.slice(1)])).toBe('malformed');
    expect(code([first, second, third], evaluation.proof.slice(1))).toBe('malformed');
    expect(code([first, second, third], evaluation.proof, identity)).toBe('malformed');
  });

  it('is not evaluated with what is no element', () => {
    const code = (element: Uint8Array) =>
      refusalOf(() => evaluateBlinded(keys, [elements[0] as Uint8Array, element], rng));
    expect(code(elements[1] as Uint8Array)).toBeUndefined();
    for (const element of [identity, noElement, new Uint8Array(0), new Uint8Array(33)])
      expect(code(element)).toBe('malformed');
  });

  it('is taken or refused whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.nat(2),
        fc.nat(8 * ELEMENT_LENGTH - 1),
        fc.nat(8 * 64 - 1),
        fc.boolean(),
        (which, bit, proofBit, inProof) => {
          const flip = (bytes: Uint8Array, at: number) => flipped(bytes, at >> 3, at % 8);
          const answer = inProof
            ? { ...evaluation, proof: flip(evaluation.proof, proofBit) }
            : {
                ...evaluation,
                evaluated: evaluation.evaluated.map((e, i) => (i === which ? flip(e, bit) : e)),
              };
          const code = refusalOf(() => finalizeBlinded(keys.public, blinded, answer));
          expect(['malformed', 'bad-signature']).toContain(code);
        },
      ),
      runs(40),
    );
  });
});
