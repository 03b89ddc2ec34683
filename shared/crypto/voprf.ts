import { ristretto255, ristretto255_oprf } from '@noble/curves/ed25519.js';
import { equal } from '../bytes/bytes.ts';
import { RemoteError, type Code } from '../errors.ts';
import type { Rng } from './rng.ts';

/**
 * The verifiable oblivious pseudorandom function of RFC 9497, mode VOPRF, suite ristretto255-SHA512: whoever holds the key
 * evaluates it on inputs that they don't see, and proves for a batch at once that it was the key whose public part is known.
 *
 *     blinded = blind · H(input)     evaluated = key · blinded     output = Hash( input ‖ blind^-1 · evaluated )
 */
export const ELEMENT_LENGTH = 32;
export const OUTPUT_LENGTH = 64;
/** Challenge (32) ‖ response (32): that all elements of a batch were evaluated under the one key. */
export const BATCH_PROOF_LENGTH = 64;

export type VoprfKeys = { readonly secret: Uint8Array; readonly public: Uint8Array };

/** `blind` stays with who blinded; `element` is what the holder of the key sees. */
export type Blinded = {
  readonly input: Uint8Array;
  readonly blind: Uint8Array;
  readonly element: Uint8Array;
};

export type Evaluation = { readonly evaluated: readonly Uint8Array[]; readonly proof: Uint8Array };

const { voprf } = ristretto255_oprf;

/** What the suite has in this mode too, though its types leave it out. */
const { evaluate } = voprf as typeof voprf & {
  evaluate(secret: Uint8Array, input: Uint8Array): Uint8Array;
};

/** The suite draws its scalars from the one source of chance. */
const drawn =
  (rng: Rng) =>
  (length = ELEMENT_LENGTH): Uint8Array<ArrayBuffer> =>
    new Uint8Array(rng(length));

/** What the suite can't take came from the other side. */
const or = <T>(code: Code, work: () => T): T => {
  try {
    return work();
  } catch {
    throw new RemoteError(code, 'not of this function');
  }
};

/** The identity is no element that anybody evaluates. */
const checkElement = (bytes: Uint8Array): void => {
  const point = or('malformed', () => ristretto255.Point.fromBytes(bytes));
  if (point.equals(ristretto255.Point.ZERO)) throw new RemoteError('malformed', 'the identity');
};

/** DeriveKeyPair (section 3.2.1): `seed` has 32 bytes, `info` tells one use of it from another. */
export const deriveVoprfKeys = (seed: Uint8Array, info: Uint8Array): VoprfKeys => {
  const { secretKey, publicKey } = voprf.deriveKeyPair(seed, info);
  return { secret: secretKey, public: publicKey };
};

/** Blind (section 3.3.2), of each input. */
export const blindInputs = (inputs: readonly Uint8Array[], rng: Rng): Blinded[] =>
  inputs.map((input) => {
    const { blind, blinded } = voprf.blind(input, drawn(rng));
    return { input, blind, element: blinded };
  });

/** BlindEvaluate of all, with one proof. Throws `malformed` for what is no element, or the identity. */
export const evaluateBlinded = (keys: VoprfKeys, elements: readonly Uint8Array[], rng: Rng): Evaluation =>
  or('malformed', () => voprf.blindEvaluateBatch(keys.secret, keys.public, [...elements], drawn(rng)));

/**
 * Finalize: the outputs, in the order of the inputs. Throws `malformed` for another number of elements, or for what is no
 * element; `bad-signature` unless the proof shows that the key was `publicKey`'s.
 */
export const finalizeBlinded = (
  publicKey: Uint8Array,
  blinded: readonly Blinded[],
  { evaluated, proof }: Evaluation,
): Uint8Array[] => {
  if (evaluated.length !== blinded.length || proof.length !== BATCH_PROOF_LENGTH)
    throw new RemoteError('malformed', 'not an answer to what was asked');
  for (const element of [publicKey, ...evaluated]) checkElement(element);
  const items = blinded.map(({ input, blind, element }, at) => ({
    ...{ input, blind, blinded: element },
    evaluated: evaluated[at] as Uint8Array,
  }));
  return or('bad-signature', () => voprf.finalizeBatch(items, publicKey, proof));
};

/** Whether `output` is what the key makes of `input`; how long it takes does not tell how much of it is right. */
export const isOutputOf = (keys: VoprfKeys, input: Uint8Array, output: Uint8Array): boolean =>
  equal(evaluate(keys.secret, input), output);
