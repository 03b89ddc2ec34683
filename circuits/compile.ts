import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const root = dirname(import.meta.dirname);

/** The statement, its source, and the power of two that its constraints fit into. */
export const STATEMENT = 'Contribution(8, 32)';
export const SOURCE = join(import.meta.dirname, 'contribution.circom');
export const STATEMENT_POWER = 12;

export type Compiled = {
  /** Paths of the constraints and of the witness calculator. */
  readonly r1cs: string;
  readonly wasm: string;
  readonly constraints: number;
  /** As the compiler calls itself. */
  readonly compiler: string;
};

/** Relative, as circom's WebAssembly reaches nothing but what lies above the place where it runs. */
const circom = async (...args: string[]): Promise<string> => {
  const { stdout } = await run(process.execPath, [require.resolve('circom2/cli.js'), ...args], { cwd: root });
  return stdout;
};

/** Compiles a source into an existing folder. The same source gives the same bytes wherever it lies. */
export const compile = async (
  source: string,
  folder: string,
  options: readonly string[] = ['--O1'],
): Promise<Compiled> => {
  const name = basename(source, '.circom');
  const libraries = dirname(dirname(require.resolve('circomlib/package.json')));
  const said = await circom(
    relative(root, source),
    '--r1cs',
    '--wasm',
    ...options,
    '-l',
    relative(root, libraries),
    '-o',
    relative(root, folder),
  );
  const constraints = /non-linear constraints: (\d+)/.exec(said)?.[1];
  const version = /circom compiler ([\d.]+)/.exec(await circom('--version'))?.[1];
  if (constraints === undefined || version === undefined) throw new Error(said);
  return {
    r1cs: join(folder, `${name}.r1cs`),
    wasm: join(folder, `${name}_js`, `${name}.wasm`),
    constraints: Number(constraints),
    compiler: `circom ${version}`,
  };
};
