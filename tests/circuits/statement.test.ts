import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bn254 } from '@noble/curves/bn254.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { compile, SOURCE, STATEMENT, type Compiled } from '#circuits/compile.ts';
import { FIELD_ORDER } from '#shared/contribution/field.ts';
import type { Holding, OpenClaim } from '#shared/contribution/statement.ts';
import { commitmentOf, leafOf, nullifierOf, TAG_ID, TAG_LEAF, TAG_USE } from '#shared/contribution/tags.ts';
import { rootOf, TreeBuilder, type Siblings } from '#shared/contribution/tree.ts';
import manifest from '#circuits/artifacts/manifest.json' with { type: 'json' };
import {
  broken,
  readConstraints,
  readWires,
  wiresOf,
  witnessOf,
  type Constraint,
  type Witness,
} from './constraints.ts';
import { claimAt, entries, EPOCH, holdingAt, secretNamed, tree } from './sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'hourglass-statement-'));
const source = readFileSync(SOURCE, 'utf8');
let compiled: Compiled;
let constraints: Constraint[];
let wires: Map<string, number>;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

beforeAll(async () => {
  compiled = await compile(SOURCE, folder, ['--O1', '--sym']);
  constraints = readConstraints(compiled.r1cs);
  wires = readWires(join(folder, 'contribution.sym'));
});

afterAll(() => rmSync(folder, { recursive: true }));

const calculate = async (claim: OpenClaim, holding: Holding): Promise<Witness> =>
  witnessOf({ ...claim, ...holding }, compiled.wasm);

const wire = (name: string): number => {
  const found = wires.get(name);
  if (found === undefined) throw new RangeError(`no wire for ${name}`);
  return found;
};

const withValue = (witness: Witness, name: string, value: bigint): Witness => witness.with(wire(name), value);

describe('the committed artifacts', () => {
  it('are what the source compiles to', () => {
    const hashes = manifest.sha256;
    expect(sha256(readFileSync(compiled.r1cs))).toBe(hashes['contribution.r1cs']);
    expect(sha256(readFileSync(compiled.wasm))).toBe(hashes['contribution.wasm']);
    const { statement, compiler, constraints: count } = manifest;
    expect({ statement, compiler, count }).toEqual({
      statement: STATEMENT,
      compiler: compiled.compiler,
      count: compiled.constraints,
    });
    expect(constraints).toHaveLength(3554);
  });

  it.each(['contribution.wasm', 'contribution.zkey', 'verification-key.json', 'transcript.json'] as const)(
    '%s is the one of the manifest',
    (name) => {
      const path = join(import.meta.dirname, '../../circuits/artifacts', name);
      expect(sha256(readFileSync(path))).toBe(manifest.sha256[name]);
    },
  );

  it('have the tags of shared/contribution', () => {
    for (const tag of [TAG_ID, TAG_LEAF, TAG_USE]) expect(source).toContain(`return ${String(tag)};`);
  });
});

describe('the statement holds', () => {
  it.each(entries.map((_, index) => index))('for the leaf at place %i, at its score', async (index) => {
    const witness = await calculate(claimAt(index), holdingAt(index));
    expect(broken(constraints, witness)).toEqual([]);
    const { scope } = claimAt(index);
    expect(witness[wire('main.nullifier')]).toBe(nullifierOf(holdingAt(index).secret, EPOCH, scope));
  });

  it('at a lower threshold', async () => {
    const witness = await calculate({ ...claimAt(1), threshold: 0 }, holdingAt(1));
    expect(broken(constraints, witness)).toEqual([]);
  });

  it('in the last place of a full tree', async () => {
    const { secret, score } = holdingAt(0);
    const siblings = Array.from({ length: 8 }, (_, level) =>
      [1n, 2n, 3n].map((each) => BigInt(level) + each),
    );
    const index = 4 ** 8 - 1;
    const root = rootOf(leafOf(commitmentOf(secret), score), index, siblings);
    const witness = await calculate({ ...claimAt(0), root }, { secret, score, index, siblings });
    expect(broken(constraints, witness)).toEqual([]);
  });
});

describe('the calculator refuses', () => {
  // It says on the console where.
  beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => undefined));
  afterEach(() => vi.restoreAllMocks());

  const claim = claimAt(5);
  const holding = holdingAt(5);
  const { score, index, siblings } = holding;

  it.each<[string, Partial<OpenClaim>, Partial<Holding>]>([
    ['another secret', {}, { secret: secretNamed('nobody') }],
    ['a score one higher', {}, { score: score + 1 }],
    ['a threshold above the score', { threshold: score + 1 }, {}],
    ['another place', {}, { index: index + 1 }],
    ['the place plus the capacity', {}, { index: index + 4 ** 8 }],
    ['a negative place', {}, { index: index - 4 ** 8 }],
    ['siblings of another place', {}, { siblings: tree.siblings(index + 1) }],
    ['a level less', {}, { siblings: siblings.slice(1) }],
    ['a foreign root', { root: tree.root + 1n }, {}],
    ['a threshold of 2^32', { threshold: 2 ** 32 }, {}],
    ['a negative threshold', { threshold: -1 }, {}],
  ])('%s', async (_, claimed, held) => {
    await expect(calculate({ ...claim, ...claimed }, { ...holding, ...held })).rejects.toThrow();
  });

  it('a score of 2^32, though a leaf holds it', async () => {
    const { secret } = holding;
    const large = new TreeBuilder([{ commitment: commitmentOf(secret), score: 2 ** 32 }]).finish();
    const held = { secret, score: 2 ** 32, index: 0, siblings: large.siblings(0) };
    await expect(calculate({ ...claim, root: large.root }, held)).rejects.toThrow('Assert Failed');
  });
});

/** The statement without the constraints on the place's bits: whoever calculates may choose them. */
const weakSource = (): string =>
  source
    .replaceAll('signal input index;', 'signal input index; signal input hint[2 * depth];')
    .replace('(leaf, index, siblings)', '(leaf, index, hint, siblings)')
    .replace(
      'signal bits[2 * depth] <== Num2Bits(2 * depth)(index);',
      'signal bits[2 * depth]; for (var i = 0; i < 2 * depth; i++) { bits[i] <-- hint[i]; }',
    );

/**
 * A witness that somebody without a leaf is a member: with c the four first leaves and x one's own, place t between 0 and
 * 1 and siblings (c0 + c1 - x, c2, c3) give those four children, where t = (c0 - x) / (c0 + c1 - 2x).
 */
const forge = async (): Promise<{ forged: Witness; weakly: number }> => {
  const { Fr } = bn254.fields;
  const [secret, score] = [secretNamed('nobody'), 12];
  const own = leafOf(commitmentOf(secret), score);
  const leaves = entries.slice(0, 4).map((entry) => leafOf(entry.commitment, entry.score));
  const [c0, c1, c2, c3] = leaves as [bigint, bigint, bigint, bigint];
  const first = Fr.sub(Fr.add(c0, c1), own);
  const place = Fr.div(Fr.sub(c0, own), Fr.sub(first, own));
  const siblings: Siblings = [[first, c2, c3], ...tree.siblings(0).slice(1)];
  const hint = Array.from({ length: 16 }, (_, bit) => (bit === 0 ? place : 0n));

  const path = join(folder, 'weak.circom');
  writeFileSync(path, weakSource());
  const weak = await compile(path, folder, ['--O0', '--sym', '-l', 'circuits']);
  const inputs = { ...claimAt(0), threshold: score, secret, score, index: place, hint, siblings };
  const witness = await witnessOf(inputs, weak.wasm);
  const values = readWires(join(folder, 'weak.sym'));
  const forged = Array.from({ length: wires.size + 1 }, () => 1n);
  for (const [name, at] of wires) forged[at] = witness[values.get(name) ?? -1] as bigint;
  return { forged, weakly: broken(readConstraints(weak.r1cs), witness).length };
};

/** What a prover with a calculator of their own could try: the constraints are all that holds them. */
describe('the constraints refuse', () => {
  let witness: Witness;

  beforeAll(async () => {
    witness = await calculate(claimAt(5), holdingAt(5));
  });

  it('any one wire that is off by one', () => {
    const byWire = new Map<number, Constraint[]>();
    for (const constraint of constraints)
      for (const each of new Set(wiresOf(constraint)))
        byWire.set(each, [...(byWire.get(each) ?? []), constraint]);
    const free = witness
      .map((value, at) => ({ at, changed: witness.with(at, value + 1n) }))
      .filter(({ at, changed }) => broken(byWire.get(at) ?? [], changed).length === 0);
    expect(free.map(({ at }) => at)).toEqual([]);
  });

  it.each([
    ['main.score', 1n],
    ['main.threshold', 1n],
    ['main.threshold', 2n ** 32n],
    ['main.threshold', FIELD_ORDER - 1n],
    ['main.index', 4n ** 8n],
    ['main.signalHash', 1n],
    ['main.epoch', 1n],
    ['main.scope', 1n],
    ['main.root', 1n],
  ])('%s raised by %i', (name, by) => {
    const changed = withValue(witness, name, ((witness[wire(name)] as bigint) + by) % FIELD_ORDER);
    expect(broken(constraints, changed)).not.toEqual([]);
  });

  it('public inputs that change places', () => {
    const names = ['nullifier', 'root', 'epoch', 'scope', 'threshold', 'signalHash'].map(
      (name) => `main.${name}`,
    );
    for (const first of names)
      for (const second of names) {
        if (first >= second) continue;
        const [a, b] = [witness[wire(first)] as bigint, witness[wire(second)] as bigint];
        expect(
          broken(constraints, withValue(withValue(witness, first, b), second, a)),
          first + second,
        ).not.toEqual([]);
      }
  });

  it('a place that is not in bits, with which anyone would be a member', async () => {
    const { forged, weakly } = await forge();
    // Without the constraints on its bits, the statement takes the forgery.
    expect(weakly).toBe(0);
    expect(forged[wire('main.nullifier')]).toBe(nullifierOf(secretNamed('nobody'), EPOCH, claimAt(0).scope));
    const found = broken(constraints, forged);
    // Nothing but them refuses it.
    expect(found).not.toEqual([]);
    const bits = [...wires].filter(([name]) => /\.bits\[\d+\]$/.test(name)).map(([, at]) => at);
    for (const constraint of found)
      for (const each of wiresOf(constraint)) expect([0, wire('main.index'), ...bits]).toContain(each);
  });
});
