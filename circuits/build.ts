/**
 * `npm run circuits:build -- [--setup FOLDER]`: compiles the statement into circuits/artifacts and writes the manifest.
 * The keys there stay while the constraints do; with `--setup` they are taken from a finished setup (`npm run ceremony`),
 * which is verified first. Exit codes: 0 when done, 1 otherwise.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compile, SOURCE, STATEMENT, type Compiled } from './compile.ts';
import { verifySetup } from './setup-verify.ts';
import { readTranscript, sha256Of, TRANSCRIPT } from './transcript.ts';

const artifacts = join(import.meta.dirname, 'artifacts');
const kept = ['contribution.wasm', 'contribution.zkey', 'verification-key.json', TRANSCRIPT] as const;

/** What is committed of the statement. The constraints are not: the hash is what a compilation has to give. */
const manifestOf = ({ r1cs, constraints, compiler }: Compiled) => ({
  statement: STATEMENT,
  compiler,
  optimisation: 'O1',
  constraints,
  setup: readTranscript(artifacts).development ? 'development' : 'ceremony',
  sha256: {
    'contribution.r1cs': sha256Of(r1cs),
    ...Object.fromEntries(kept.map((name) => [name, sha256Of(join(artifacts, name))])),
  },
});

const takeSetup = async (folder: string, r1cs: string): Promise<void> => {
  await verifySetup(folder, r1cs);
  for (const name of kept.slice(1)) copyFileSync(join(folder, name), join(artifacts, name));
};

const build = async (folder: string, setup: string | undefined): Promise<void> => {
  const compiled = await compile(SOURCE, folder);
  if (setup !== undefined) await takeSetup(setup, compiled.r1cs);
  else if (
    !existsSync(join(artifacts, TRANSCRIPT)) ||
    readTranscript(artifacts).r1cs !== sha256Of(compiled.r1cs)
  )
    throw new Error('the keys are of another statement: make a setup, and give it by --setup');
  copyFileSync(compiled.wasm, join(artifacts, 'contribution.wasm'));
  const manifest = `${JSON.stringify(manifestOf(compiled), undefined, 2)}\n`;
  writeFileSync(join(artifacts, 'manifest.json'), manifest);
  console.log(readFileSync(join(artifacts, 'manifest.json'), 'utf8'));
};

const { values } = parseArgs({ options: { setup: { type: 'string' } } });
const folder = mkdtempSync(join(tmpdir(), 'hourglass-statement-'));
build(folder, values.setup === undefined ? undefined : resolve(values.setup))
  .finally(() => rmSync(folder, { recursive: true }))
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
