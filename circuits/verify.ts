import { interleavedMSMUnsafe, pippenger } from '@noble/curves/abstract/curve.js';
import { bn254 } from '@noble/curves/bn254.js';
import { publicSignals, type Claim } from '#shared/contribution/statement.ts';
import manifest from './artifacts/manifest.json' with { type: 'json' };
import committedKey from './artifacts/verification-key.json' with { type: 'json' };
import { decodeProof } from './proof.ts';

/**
 * Groth16 (eprint 2016/260, section 3.2) over BN254:
 *
 *     e(A, B) = e(α, β) · e(L, γ) · e(C, δ)        L = IC[0] + Σ signal[i] · IC[i + 1]
 *
 * On @noble/curves alone. Proofs, claims and keys are strangers' until they pass; nothing here throws on a proof or claim.
 */
export type VerificationKey = {
  readonly protocol: string;
  readonly curve: string;
  readonly nPublic: number;
  readonly vk_alpha_1: readonly string[];
  readonly vk_beta_2: readonly (readonly string[])[];
  readonly vk_gamma_2: readonly (readonly string[])[];
  readonly vk_delta_2: readonly (readonly string[])[];
  readonly IC: readonly (readonly string[])[];
};

export type Presented = { readonly proof: Uint8Array; readonly claim: Claim };

const { G1, G2, fields } = bn254;
const { Fp, Fp2, Fr, Fp12 } = fields;
type PointG1 = InstanceType<typeof G1.Point>;
type PointG2 = InstanceType<typeof G2.Point>;
type Lines = ReturnType<typeof bn254.utils.calcPairingPrecomputes>;
type Pair = [Lines, bigint, bigint];
/** A proof and its claim as points and numbers, each well formed. */
type Item = { a: PointG1; b: PointG2; c: PointG1; signals: readonly bigint[] };

/** Of the weights that join several proofs into one check: a false proof passes with odds of 2^-128. */
const WEIGHT_LENGTH = 16;

/** Memory for time: 2^(window - 1) points for each public signal. */
const IC_WINDOW = 6;

/** SHA-256 of verification-key.json: what the consensus states. */
export const verificationKeyHash: string = manifest.sha256['verification-key.json'];

/** Whether the committed keys are for development: whoever made them could forge proofs. */
export const isDevelopmentSetup: boolean = manifest.setup === 'development';

/** Checks proofs against one verification key. Making it takes as long as checking a proof does. */
export class Verifier {
  readonly #alpha: PointG1;
  readonly #minusBeta: Lines;
  readonly #minusGamma: Lines;
  readonly #minusDelta: Lines;
  readonly #signals: number;
  readonly #combine: (scalars: bigint[]) => PointG1;

  /** Throws a RangeError for a key that can't be one. */
  constructor(key: VerificationKey = committedKey) {
    const gamma = keyG2(key.vk_gamma_2);
    const delta = keyG2(key.vk_delta_2);
    // So it is in a setup that nobody contributed to, and then anyone can forge.
    if (gamma.equals(delta)) throw new RangeError('a key without contributions');
    if (key.protocol !== 'groth16' || key.nPublic !== key.IC.length - 1)
      throw new RangeError('not a Groth16 key');
    this.#alpha = keyG1(key.vk_alpha_1);
    this.#minusBeta = linesOf(keyG2(key.vk_beta_2).negate());
    this.#minusGamma = linesOf(gamma.negate());
    this.#minusDelta = linesOf(delta.negate());
    this.#signals = key.nPublic;
    this.#combine = interleavedMSMUnsafe(G1.Point, key.IC.map(keyG1), IC_WINDOW);
  }

  /** Whether `proof` proves `claim`. */
  verify(proof: Uint8Array, claim: Claim): boolean {
    const item = this.#itemOf(proof, claim);
    return item !== undefined && this.#holds([item], [1n]);
  }

  /**
   * The same for each of several, in less time when all are right, and in more when one is wrong: then each is checked
   * by itself. `rng` must be one that nobody can foresee.
   */
  verifyAll(batch: readonly Presented[], rng: (length: number) => Uint8Array): boolean[] {
    const items = batch.map(({ proof, claim }) => this.#itemOf(proof, claim));
    const formed = items.filter((item) => item !== undefined);
    const weights = formed.map(() => weightFrom(rng(WEIGHT_LENGTH)));
    if (this.#holds(formed, weights)) return items.map((item) => item !== undefined);
    return items.map((item) => item !== undefined && this.#holds([item], [1n]));
  }

  /** Undefined unless the claim's signals are in range and the proof's points in the groups. */
  #itemOf(proof: Uint8Array, claim: Claim): Item | undefined {
    const signals = publicSignals(claim);
    const coordinates = decodeProof(proof);
    if (coordinates === undefined || signals?.length !== this.#signals) return undefined;
    const a = pointG1(coordinates.a);
    const c = a && pointG1(coordinates.c);
    const b = c && pointG2(coordinates.b);
    return a && b && c && { a, b, c, signals };
  }

  /** Whether the product over all, each to its weight, is one: with a single final exponentiation. */
  #holds(items: readonly Item[], weights: readonly bigint[]): boolean {
    if (items.length === 0) return true;
    const weighted = items.map((item, at) => ({ ...item, weight: weights[at] as bigint }));
    const sum = weights.reduce((total, weight) => Fr.add(total, weight), 0n);
    const scalars = Array.from({ length: this.#signals }, (_, signal) =>
      weighted.reduce(
        (total, { weight, signals }) => Fr.add(total, Fr.mul(weight, signals[signal] as bigint)),
        0n,
      ),
    );
    const c =
      weighted.length === 1
        ? weighted[0]?.c
        : pippenger(
            G1.Point,
            weighted.map(({ c }) => c),
            [...weights],
          );
    const pairs = [
      ...weighted.map(({ a, b, weight }) => pairOf(linesOf(b), a.multiplyUnsafe(weight))),
      pairOf(this.#minusBeta, this.#alpha.multiplyUnsafe(sum)),
      pairOf(this.#minusGamma, this.#combine([sum, ...scalars])),
      pairOf(this.#minusDelta, c as PointG1),
    ];
    // A pairing with infinity is one.
    const product = bn254.millerLoopBatch(pairs.filter((pair) => pair !== undefined));
    return Fp12.eql(Fp12.finalExponentiate(product), Fp12.ONE);
  }
}

const weightFrom = (bytes: Uint8Array): bigint =>
  // Never 0, which would leave a proof out.
  bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) + 1n;

const linesOf = (point: PointG2): Lines => bn254.utils.calcPairingPrecomputes(point);

const pairOf = (lines: Lines, point: PointG1): Pair | undefined => {
  if (point.is0()) return undefined;
  const { x, y } = point.toAffine();
  return [lines, x, y];
};

/** Undefined off the curve, whose points all have the right order. */
const pointG1 = ([x, y]: readonly [bigint, bigint]): PointG1 | undefined => {
  try {
    const point = G1.Point.fromAffine({ x, y });
    point.assertValidity();
    return point.is0() ? undefined : point;
  } catch {
    return undefined;
  }
};

/** Undefined off the curve, and for a point of another order: `assertValidity` multiplies to find out. */
const pointG2 = ([x, y]: Coordinates2): PointG2 | undefined => {
  try {
    const point = G2.Point.fromAffine({ x: Fp2.fromBigTuple([...x]), y: Fp2.fromBigTuple([...y]) });
    point.assertValidity();
    return point.is0() ? undefined : point;
  } catch {
    return undefined;
  }
};

type Coordinates2 = readonly [readonly [bigint, bigint], readonly [bigint, bigint]];

/** Numbers of a key file: x, y and a 1 for affine. */
const keyNumbers = (texts: readonly string[] | undefined): [bigint, bigint] => {
  const [first = -1n, second = -1n] = (texts ?? []).map(BigInt);
  if (!Fp.isValid(first) || !Fp.isValid(second)) throw new RangeError('a coordinate that is not reduced');
  return [first, second];
};

const keyG1 = (texts: readonly string[]): PointG1 => {
  const point = pointG1(keyNumbers(texts));
  if (point === undefined) throw new RangeError('a key with a point off its curve');
  return point;
};

const keyG2 = (texts: readonly (readonly string[])[]): PointG2 => {
  const point = pointG2([keyNumbers(texts[0]), keyNumbers(texts[1])]);
  if (point === undefined) throw new RangeError('a key with a point off its curve');
  return point;
};
