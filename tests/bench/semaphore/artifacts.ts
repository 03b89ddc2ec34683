import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { compile } from '#circuits/compile.ts';
import { beacon, contribute, init } from '#circuits/setup.ts';
import { readConstraints } from '#tests/circuits/constraints.ts';
import { thisMachine } from '#tests/support/programs.ts';
import { root } from '../programs.ts';

/** What Semaphore v4 is proved with, of depth 16: paths of files. */
export type Semaphore = { readonly version: string; readonly constraints: number; readonly files: Files };
export type Files = { readonly wasm: string; readonly zkey: string; readonly verificationKey: string };

const require = createRequire(import.meta.url);
const SOURCE = join(import.meta.dirname, 'semaphore.circom');
const NAME = 'Semaphore(16)';
/** Of two that its constraints fit into. */
const POWER = 13;
/** Whose value nobody relies on: the keys are for the bench. */
const BEACON = '00'.repeat(32);

const packageOf = (name: string): { folder: string; version: string } => {
  const path = require.resolve(`${name}/package.json`);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return { folder: dirname(path), version };
};

/** Compiled from its published source and set up once, as our statement is; then kept in the user's cache folder. */
export const semaphore = async (): Promise<Semaphore> => {
  const { version } = packageOf('@semaphore-protocol/circuits');
  const kept = join(
    thisMachine().cache,
    'hourglass',
    `semaphore-${version}-circom2-${packageOf('circom2').version}`,
  );
  if (!existsSync(kept)) await make(kept);
  const files = {
    wasm: join(kept, 'semaphore_js/semaphore.wasm'),
    zkey: join(kept, 'contribution.zkey'),
    verificationKey: join(kept, 'verification-key.json'),
  };
  return { version, constraints: readConstraints(join(kept, 'semaphore.r1cs')).length, files };
};

const make = async (kept: string): Promise<void> => {
  console.error('Setting up Semaphore once, which takes minutes...');
  mkdirSync(dirname(kept), { recursive: true });
  const folder = mkdtempSync(`${kept}-`);
  try {
    const { r1cs } = await compile(SOURCE, folder, ['--O2', ...libraries()]);
    await init(folder, { statement: NAME, r1cs, power: POWER, development: true });
    for (let phase = 1; phase <= 2; phase++) {
      await contribute(folder, 'bench');
      await beacon(folder, r1cs, BEACON);
    }
    renameSync(folder, kept);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Where the published source looks for what it includes. */
const libraries = (): string[] =>
  [
    join(packageOf('circomlib').folder, 'circuits'),
    join(packageOf('@zk-kit/binary-merkle-root.circom').folder, 'src'),
  ].flatMap((folder) => ['-l', relative(root, folder)]);
