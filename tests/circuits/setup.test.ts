import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, SOURCE, STATEMENT, STATEMENT_POWER } from '#circuits/compile.ts';
import { beacon, contribute, init, KNOWN_POWERS, SetupError } from '#circuits/setup.ts';
import { verifySetup } from '#circuits/setup-verify.ts';
import {
  blake2bOf,
  readTranscript,
  sha256Of,
  writeTranscript,
  type Step,
  type Transcript,
} from '#circuits/transcript.ts';
import manifest from '#circuits/artifacts/manifest.json' with { type: 'json' };
import { curves, groth16 } from './snarkjs.ts';

const folder = mkdtempSync(join(tmpdir(), 'hourglass-setup-'));
const ceremony = join(folder, 'ceremony');
const BEACON = '0123456789abcdef'.repeat(4);
const parties = ['ada', 'bo', 'Cleo of Delft'];

/** A statement of two constraints: a setup of it takes seconds where one of ours takes minutes. */
const SMALL_POWER = 3;
const small = `pragma circom 2.2.0;
template Cube() {
    signal input side;
    signal output volume;
    signal area <== side * side;
    volume <== area * side;
}
component main = Cube();
`;

let r1cs: string;
let wasm: string;

const everyoneContributes = async (): Promise<void> => {
  for (const name of parties) await contribute(ceremony, name);
};

beforeAll(async () => {
  await curves.keep();
  mkdirSync(ceremony);
  writeFileSync(join(folder, 'cube.circom'), small);
  ({ r1cs, wasm } = await compile(join(folder, 'cube.circom'), folder));
  await init(ceremony, { statement: 'Cube()', r1cs, power: SMALL_POWER, development: false });
  await expect(beacon(ceremony, r1cs, BEACON)).rejects.toThrow('nobody has contributed');
  await everyoneContributes();
  await expect(beacon(ceremony, r1cs, 'not hex')).rejects.toThrow(SetupError);
  await beacon(ceremony, r1cs, BEACON);
  await expect(beacon(ceremony, r1cs, BEACON)).rejects.toThrow('nobody has contributed');
  await everyoneContributes();
  await beacon(ceremony, r1cs, BEACON);
}, 120_000);

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await curves.terminate();
});

/** A copy of the finished setup with something else in it. */
const bent = async (change: (copy: string) => void): Promise<unknown> => {
  const copy = join(folder, 'copy');
  rmSync(copy, { recursive: true, force: true });
  cpSync(ceremony, copy, { recursive: true });
  change(copy);
  return verifySetup(copy, r1cs);
};

const names = (step: Step | undefined) => ({ name: step?.name });

const rewritten = (copy: string, change: (transcript: Transcript) => Partial<Transcript>): void => {
  const transcript = readTranscript(copy);
  writeTranscript(copy, { ...transcript, ...change(transcript) });
};

describe('a ceremony of three', () => {
  it('leaves a transcript of both phases that verifies', async () => {
    const { steps, files } = await verifySetup(ceremony, r1cs);
    const phase = [...parties, 'beacon'];
    expect(steps.map(({ name }) => name)).toEqual([...phase, ...phase]);
    expect(new Set(steps.map(({ hash }) => hash)).size).toBe(8);
    expect(Object.keys(files)).toHaveLength(3);
  });

  it('gives keys that prove and verify', async () => {
    const path = join(ceremony, 'contribution.zkey');
    const key: unknown = JSON.parse(readFileSync(join(ceremony, 'verification-key.json'), 'utf8'));
    const { proof, publicSignals } = await groth16.fullProve({ side: 3 }, wasm, path, undefined, undefined, {
      singleThread: true,
    });
    expect(publicSignals).toEqual(['27']);
    expect(await groth16.verify(key, publicSignals, proof)).toBe(true);
    expect(await groth16.verify(key, ['28'], proof)).toBe(false);
  });

  it('is over', async () => {
    await expect(contribute(ceremony, 'a\nname')).rejects.toThrow('a name has');
    await expect(contribute(ceremony, 'late')).rejects.toThrow('both phases are closed');
    await expect(beacon(ceremony, r1cs, BEACON)).rejects.toThrow('both phases are closed');
    const options = { statement: 'Cube()', r1cs, power: SMALL_POWER, development: false };
    await expect(init(ceremony, options)).rejects.toThrow('there is a setup');
  });
});

describe('a setup does not verify', () => {
  it('with another file than it says', async () => {
    for (const name of ['powers.ptau', 'contribution.zkey', 'verification-key.json']) {
      const made = bent((copy) => {
        const bytes = readFileSync(join(copy, name));
        writeFileSync(join(copy, name), Buffer.concat([bytes, Buffer.from('\n')]));
      });
      await expect(made).rejects.toThrow(`${name} is not what`);
    }
  });

  it('with a contribution left out, or one that was never made', async () => {
    const without = bent((copy) => rewritten(copy, ({ steps }) => ({ steps: steps.toSpliced(1, 1) })));
    await expect(without).rejects.toThrow('the powers of tau have other contributions');
    const second = bent((copy) => rewritten(copy, ({ steps }) => ({ steps: steps.toSpliced(5, 1) })));
    await expect(second).rejects.toThrow('the proving key has other contributions');
    const exchanged = bent((copy) =>
      rewritten(copy, ({ steps }) => ({ steps: steps.with(4, { ...steps[5], ...names(steps[4]) } as Step) })),
    );
    await expect(exchanged).rejects.toThrow('the proving key has other contributions');
    const renamed = bent((copy) =>
      rewritten(copy, ({ steps }) => ({ steps: steps.with(0, { ...steps[0], name: 'eve' } as Step) })),
    );
    await expect(renamed).rejects.toThrow('the powers of tau have other contributions');
    const nothing = bent((copy) =>
      rewritten(copy, ({ steps }) => ({ steps: steps.with(0, { ...steps[0], hash: '' } as Step) })),
    );
    await expect(nothing).rejects.toThrow('the powers of tau have other contributions');
    const invented = bent((copy) =>
      rewritten(copy, ({ steps }) => ({
        steps: steps.map((step, at) => (at === 4 ? { ...step, hash: 'ab'.repeat(64) } : step)),
      })),
    );
    await expect(invented).rejects.toThrow('the proving key has other contributions');
    const other = bent((copy) =>
      rewritten(copy, ({ steps }) => ({
        steps: steps.map((step) => ({
          ...step,
          ...(step.beacon && { beacon: { value: BEACON, exponent: 11 } }),
        })),
      })),
    );
    await expect(other).rejects.toThrow('the powers of tau have other contributions');
  });

  it('with the verification key of another', async () => {
    const made = bent((copy) => {
      const path = join(copy, 'verification-key.json');
      copyFileSync(join(import.meta.dirname, '../../circuits/artifacts/verification-key.json'), path);
      rewritten(copy, ({ files }) => ({ files: { ...files, 'verification-key.json': sha256Of(path) } }));
    });
    await expect(made).rejects.toThrow('the verification key is of another proving key');
  });

  it('for another statement, or before it is over', async () => {
    const made = bent((copy) => rewritten(copy, () => ({ r1cs: 'ab'.repeat(32) })));
    await expect(made).rejects.toThrow('of another statement');
    const open = bent((copy) => rewritten(copy, ({ steps }) => ({ steps: steps.slice(0, -1) })));
    await expect(open).rejects.toThrow('a phase is still open');
  });
});

describe('given powers of tau', () => {
  const powers = join(ceremony, 'powers.ptau');
  const given = join(folder, 'given');
  const options = () => ({ statement: 'Cube()', r1cs, power: SMALL_POWER, development: false, powers });

  it('are taken by their hash alone', async () => {
    mkdirSync(given);
    await expect(init(given, options())).rejects.toThrow('not the file of powers that is known');
    const powersHash = blake2bOf(powers);
    await init(given, { ...options(), powersHash });
    for (const name of parties) await contribute(given, name);
    await beacon(given, r1cs, BEACON);
    expect((await verifySetup(given, r1cs, powersHash)).steps).toHaveLength(4);
    await expect(verifySetup(given, r1cs, KNOWN_POWERS)).rejects.toThrow('not the file of powers');
  });
});

it('the committed keys have the transcript of a setup that is over', () => {
  const artifacts = join(import.meta.dirname, '../../circuits/artifacts');
  const transcript = readTranscript(artifacts);
  expect(transcript).toMatchObject({ statement: STATEMENT, power: STATEMENT_POWER });
  expect(transcript.development).toBe(manifest.setup === 'development');
  expect(transcript.r1cs).toBe(manifest.sha256['contribution.r1cs']);
  for (const name of ['contribution.zkey', 'verification-key.json'] as const)
    expect(transcript.files[name]).toBe(manifest.sha256[name]);
});

const long = process.env['HG_LONG'] === '1';

it(
  long
    ? 'a ceremony of three for the statement itself'
    : 'NOT TESTED: a ceremony for the statement itself, which takes minutes; HG_LONG=1 runs one',
  async () => {
    if (!long) return;
    const whole = join(folder, 'whole');
    mkdirSync(whole);
    const compiled = await compile(SOURCE, folder);
    const development = false;
    await init(whole, { statement: STATEMENT, r1cs: compiled.r1cs, power: STATEMENT_POWER, development });
    for (const phase of [1, 2]) {
      for (const name of parties) expect((await contribute(whole, name)).phase).toBe(phase);
      await beacon(whole, compiled.r1cs, BEACON);
    }
    expect((await verifySetup(whole, compiled.r1cs)).steps).toHaveLength(8);
  },
);
