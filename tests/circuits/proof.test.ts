import { bn254 } from '@noble/curves/bn254.js';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { curves, groth16 } from './snarkjs.ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { artifactUrls, Prover } from '#circuits/prove.ts';
import { decodeProof, encodeProof, type Coordinates } from '#circuits/proof.ts';
import {
  isDevelopmentSetup,
  verificationKeyHash,
  Verifier,
  type Presented,
  type VerificationKey,
} from '#circuits/verify.ts';
import committedKey from '#circuits/artifacts/verification-key.json' with { type: 'json' };
import manifest from '#circuits/artifacts/manifest.json' with { type: 'json' };
import { text } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { FIELD_ORDER } from '#shared/contribution/field.ts';
import { publicSignals, type Claim, type Holding, type OpenClaim } from '#shared/contribution/statement.ts';
import { nullifierOf, scopeOf } from '#shared/contribution/tags.ts';
import { flipped } from '#tests/support/refusal.ts';
import { runs } from '#tests/support/runs.ts';
import { claimAt, entries, EPOCH, holdingAt, openProver, secretNamed } from './sample.ts';

/** Of the 18 leaves, in places that differ in each digit, and the last. */
const places = [0, 5, 10, 15, 17];
const { Fp, Fp2 } = bn254.fields;
const P = Fp.ORDER;
const rng = seededRng(new Uint8Array(32).fill(9));

let prover: Prover;
let verifier: Verifier;
let proved: Presented[];
const progress: number[] = [];

beforeAll(async () => {
  prover = await openProver();
  verifier = new Verifier();
  proved = [];
  for (const place of places) {
    const claim = claimAt(place);
    const onProgress = (fraction: number): void => void progress.push(fraction);
    const { proof, nullifier } = await prover.prove(claim, holdingAt(place), onProgress);
    proved.push({ proof, claim: { ...claim, nullifier } });
  }
}, 60_000);

afterAll(async () => curves.terminate());

const one = (at: number): Presented => proved[at % proved.length] as Presented;

/** What snarkjs says of the same. */
const snarkjsVerdict = async ({ proof, claim }: Presented): Promise<boolean> => {
  const { a, b, c } = decodeProof(proof) as Coordinates;
  const signals = publicSignals(claim) ?? [];
  return groth16.verify(committedKey, signals.map(String), {
    pi_a: [...a, 1n].map(String),
    pi_b: [...b, [1n, 0n]].map((pair) => pair.map(String)),
    pi_c: [...c, 1n].map(String),
    protocol: 'groth16',
    curve: 'bn128',
  });
};

describe('a proof', () => {
  it('is made for each place at its score, and both verifiers take it', async () => {
    for (const [at, place] of places.entries()) {
      const { proof, claim } = one(at);
      expect(claim.threshold).toBe(entries[place]?.score);
      expect(proof).toHaveLength(256);
      expect(verifier.verify(proof, claim)).toBe(true);
      expect(await snarkjsVerdict(one(at))).toBe(true);
      expect(claim.nullifier).toBe(nullifierOf(holdingAt(place).secret, EPOCH, claim.scope));
    }
  });

  it('differs each time, while its nullifier does not', async () => {
    const { proof, nullifier } = await prover.prove(claimAt(0), holdingAt(0));
    expect(proof).not.toEqual(one(0).proof);
    expect(nullifier).toBe(one(0).claim.nullifier);
    expect(verifier.verify(proof, one(0).claim)).toBe(true);
  });

  it('says how far it is', () => {
    const [first] = progress;
    const each = progress.slice(0, progress.length / places.length);
    expect(first).toBe(0);
    expect(each.at(-1)).toBe(1);
    expect(each.length).toBeGreaterThan(8);
    expect(each).toEqual([...each].sort((a, b) => a - b));
  });

  it.each<[string, Partial<OpenClaim>, Partial<Holding>]>([
    ['another secret', {}, { secret: secretNamed('nobody') }],
    ['a higher score', {}, { score: 13 }],
    ['a threshold above the score', { threshold: 13 }, {}],
    ['another place', {}, { index: 1 }],
    ['a threshold of 2^32', { threshold: 2 ** 32 }, {}],
    ['a scope that is not reduced', { scope: FIELD_ORDER }, {}],
  ])('is not made with %s', async (_, claimed, held) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const made = prover.prove({ ...claimAt(0), ...claimed }, { ...holdingAt(0), ...held });
    await expect(made).rejects.toMatchObject({ name: 'LocalError', code: 'refused' });
    vi.restoreAllMocks();
  });

  it('is not made of files that are not the committed ones', async () => {
    for (const name of ['contribution.wasm', 'contribution.zkey'] as const) {
      const read = async (each: keyof typeof artifactUrls): Promise<Uint8Array> => {
        const bytes = new Uint8Array(readFileSync(artifactUrls[each]));
        return each === name ? flipped(bytes, bytes.length - 1) : bytes;
      };
      await expect(Prover.open(read)).rejects.toMatchObject({ code: 'internal' });
    }
  });
});

const changed = ({ proof, claim }: Presented, change: Partial<Claim>): boolean =>
  verifier.verify(proof, { ...claim, ...change });

describe('the verifier refuses a proof', () => {
  it('of another claim', () => {
    const { claim } = one(0);
    const other = one(1).claim;
    expect(changed(one(0), { nullifier: other.nullifier })).toBe(false);
    expect(changed(one(0), { root: claim.root + 1n })).toBe(false);
    expect(changed(one(0), { epoch: claim.epoch + 1 })).toBe(false);
    expect(changed(one(0), { scope: scopeOf(text('inbox')) })).toBe(false);
    expect(changed(one(0), { threshold: claim.threshold - 1 })).toBe(false);
    expect(changed(one(0), { signalHash: other.signalHash })).toBe(false);
  });

  it('whose signals go by another name, or change places', () => {
    const { claim } = one(0);
    for (const name of ['nullifier', 'root', 'scope', 'signalHash'] as const) {
      expect(changed(one(0), { [name]: claim[name] + FIELD_ORDER })).toBe(false);
      expect(changed(one(0), { [name]: claim[name] - FIELD_ORDER })).toBe(false);
      expect(changed(one(0), { root: claim[name], [name]: claim.root })).toBe(name === 'root');
    }
    expect(changed(one(0), { threshold: claim.threshold + 2 ** 32 })).toBe(false);
    expect(changed(one(0), { threshold: -claim.threshold })).toBe(false);
    expect(changed(one(0), { epoch: claim.threshold, threshold: claim.epoch })).toBe(false);
  });

  it('of another length', () => {
    const { proof, claim } = one(0);
    for (const bytes of [new Uint8Array(0), proof.subarray(1), new Uint8Array([...proof, 0]), [...proof]])
      expect(verifier.verify(bytes as Uint8Array, claim)).toBe(false);
  });

  it('at infinity', () => {
    const { proof, claim } = one(0);
    expect(verifier.verify(new Uint8Array(256), claim)).toBe(false);
    expect(verifier.verify(proof.slice().fill(0, 192), claim)).toBe(false);
    expect(verifier.verify(proof.slice().fill(0, 0, 64), claim)).toBe(false);
  });
});

/** A point of the twist, almost surely of another order: the first x from `from` on that has a y. */
const pointOffSubgroup = (from: bigint): Coordinates['b'] => {
  for (let c0 = from; ; c0++) {
    const x = Fp2.fromBigTuple([c0, 1n]);
    try {
      const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b));
      return [
        [x.c0, x.c1],
        [y.c0, y.c1],
      ];
    } catch {
      continue;
    }
  }
};

/** The same as a key file has it. */
const offSubgroupKey = (): string[][] => [...pointOffSubgroup(1n), [1n, 0n]].map((pair) => pair.map(String));

const multiple = (scalar: bigint): readonly [bigint, bigint] => {
  const { x, y } = bn254.G1.Point.BASE.multiplyUnsafe(scalar).toAffine();
  return [x, y];
};

/** Proofs that differ from one that holds, by the throw of a die. */
const mutations: Readonly<
  Record<string, (proof: Uint8Array, dice: number, other: Uint8Array) => Uint8Array>
> = {
  bit: (proof, dice) => flipped(proof, dice % 256, (dice >> 8) % 8),
  coordinate: (proof, dice) => {
    const number = Fp.toBytes(BigInt(dice) * 0x9e37_79b9_7f4a_7c15n);
    return setAt(proof, 32 * (dice % 8), number);
  },
  unreduced: (proof, dice) => {
    const at = 32 * (dice % 8);
    const raised = BigInt(`0x${Buffer.from(proof.subarray(at, at + 32)).toString('hex')}`) + P;
    // Twice the order has 255 bits: it always fits.
    return setAt(proof, at, Buffer.from(raised.toString(16).padStart(64, '0'), 'hex'));
  },
  'off subgroup': (proof, dice) => recoded(proof, { b: pointOffSubgroup(BigInt(dice)) }),
  negated: (proof, dice) => {
    const { a, c } = decodeProof(proof) as Coordinates;
    return recoded(proof, dice % 2 === 0 ? { a: [a[0], P - a[1]] } : { c: [c[0], P - c[1]] });
  },
  'other points': (proof, dice) =>
    recoded(proof, { [dice % 2 === 0 ? 'a' : 'c']: multiple(BigInt(dice) + 2n) }),
  exchanged: (proof) => {
    const { a, c } = decodeProof(proof) as Coordinates;
    return recoded(proof, { a: c, c: a });
  },
  mixed: (proof, dice, other) => {
    const part = (['a', 'b', 'c'] as const)[dice % 3] ?? 'a';
    return recoded(proof, { [part]: (decodeProof(other) as Coordinates)[part] });
  },
  random: (_, dice) => seededRng(Fp.toBytes(BigInt(dice) + 1n))(256),
};

const setAt = (proof: Uint8Array, at: number, part: Uint8Array): Uint8Array => {
  const out = proof.slice();
  out.set(part, at);
  return out;
};

const recoded = (proof: Uint8Array, part: Partial<Coordinates>): Uint8Array =>
  encodeProof({ ...(decodeProof(proof) as Coordinates), ...part });

describe('of mutated proofs and claims', () => {
  const kinds = [...Object.keys(mutations), 'signals'];

  it('none is accepted, and none makes the verifier throw', () => {
    const tried = new Map<string, number>();
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.nat(2 ** 30), fc.nat(4), (kind, dice, at) => {
        const { proof, claim } = one(at);
        const mutate = mutations[kind];
        const name = (['nullifier', 'root', 'scope', 'signalHash'] as const)[dice % 4] ?? 'root';
        const mutated = mutate?.(proof, dice, one(at + 1).proof) ?? proof;
        const asked = mutate ? claim : { ...claim, [name]: claim[name] ^ (1n << BigInt(dice % 253)) };
        tried.set(kind, (tried.get(kind) ?? 0) + 1);
        expect([mutated, asked]).not.toEqual([proof, claim]);
        expect(verifier.verify(mutated, asked)).toBe(false);
      }),
      runs(300),
    );
    expect([...tried.keys()].sort()).toEqual([...kinds].sort());
  });

  it('a number that is not reduced would be a proof to whoever reduced it', () => {
    const { proof, claim } = one(0);
    const aliased = mutations['unreduced']?.(proof, 6, proof) as Uint8Array;
    expect(decodeProof(aliased)).toBeUndefined();
    const reduced = BigInt(`0x${Buffer.from(aliased.subarray(192, 224)).toString('hex')}`) % P;
    expect(verifier.verify(setAt(aliased, 192, Fp.toBytes(reduced)), claim)).toBe(true);
  });

  it('points off the subgroup are on the curve: nothing but their order is wrong', () => {
    const [x, y] = pointOffSubgroup(1n);
    const point = bn254.G2.Point.fromAffine({ x: Fp2.fromBigTuple([...x]), y: Fp2.fromBigTuple([...y]) });
    expect(
      Fp2.eql(Fp2.sqr(point.y), Fp2.add(Fp2.mul(Fp2.sqr(point.x), point.x), bn254.G2.Point.CURVE().b)),
    ).toBe(true);
    expect(point.isTorsionFree()).toBe(false);
  });
});

describe('several proofs at once', () => {
  it('are all right, or each is checked', () => {
    expect(verifier.verifyAll([], rng)).toEqual([]);
    expect(verifier.verifyAll(proved, rng)).toEqual(proved.map(() => true));
    const swapped = proved.map(({ claim }, at) => ({ claim, proof: one(at === 1 ? 2 : at).proof }));
    expect(verifier.verifyAll(swapped, rng)).toEqual([true, false, true, true, true]);
    const short = proved.map((each, at) => (at === 3 ? { ...each, proof: new Uint8Array(3) } : each));
    expect(verifier.verifyAll(short, rng)).toEqual([true, true, true, false, true]);
  });

  it('do not make up for each other', () => {
    // Without weights, what one has too much another could have too little.
    const [first, second] = [one(0), one(1)].map(({ proof }) => decodeProof(proof) as Coordinates);
    const point = (c: readonly [bigint, bigint]) => bn254.G1.Point.fromAffine({ x: c[0], y: c[1] });
    const by = bn254.G1.Point.BASE;
    const c0 = point(first?.c ?? [0n, 0n])
      .add(by)
      .toAffine();
    const c1 = point(second?.c ?? [0n, 0n])
      .subtract(by)
      .toAffine();
    const bent = [
      { claim: one(0).claim, proof: recoded(one(0).proof, { c: [c0.x, c0.y] }) },
      { claim: one(1).claim, proof: recoded(one(1).proof, { c: [c1.x, c1.y] }) },
    ];
    const equal = (length: number): Uint8Array => new Uint8Array(length).fill(1);
    expect(verifier.verifyAll(bent, equal)).toEqual([true, true]);
    expect(verifier.verifyAll(bent, rng)).toEqual([false, false]);
  });
});

describe('a verification key', () => {
  const key: VerificationKey = committedKey;

  it.each<[string, Partial<VerificationKey>]>([
    ['without contributions', { vk_delta_2: key.vk_gamma_2 }],
    ['with a point off its curve', { vk_alpha_1: ['1', '3', '1'] }],
    ['with a point of another order', { vk_gamma_2: offSubgroupKey() }],
    ['with a coordinate that is not reduced', { vk_alpha_1: [String(P + 1n), '2', '1'] }],
    ['with a point missing', { IC: key.IC.slice(1) }],
    ['of another protocol', { protocol: 'plonk' }],
  ])('%s is refused', (_, change) => {
    expect(() => new Verifier({ ...key, ...change })).toThrow(RangeError);
  });

  it('of fewer signals takes no proof', () => {
    const { proof, claim } = one(0);
    const smaller = new Verifier({ ...key, nPublic: 5, IC: key.IC.slice(0, 6) });
    expect(smaller.verify(proof, claim)).toBe(false);
  });

  it('is the committed one, and says that it is for development', () => {
    expect(verificationKeyHash).toBe(manifest.sha256['verification-key.json']);
    expect(isDevelopmentSetup).toBe(manifest.setup === 'development');
  });
});
