/**
 * `npm run ceremony -- WHAT [options]`: a setup by several parties; docs/protocol.md, "Proof of contribution".
 *
 *     init [--powers FILE] [--development]   begin, from a given powersOfTau28_hez_final_12.ptau or from nothing
 *     contribute --name NAME                 one party's part; then hand on the folder, and announce the hash
 *     beacon --value HEX [--exponent N]      end a phase by a public value; N iterations are 2^N of SHA-256
 *     verify                                 check all of it, against the statement as it is compiled here
 *
 * Each takes `--folder FOLDER` (else `ceremony`). From nothing there are two phases, so contributions and beacon twice.
 * Exit codes: 0 when done, 64 when the arguments can't be used, 1 otherwise.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compile, SOURCE, STATEMENT, STATEMENT_POWER } from './compile.ts';
import { beacon, contribute, init, SetupError } from './setup.ts';
import { verifySetup } from './setup-verify.ts';
import { TRANSCRIPT, type Step } from './transcript.ts';

const EXIT_USAGE = 64;

class UsageError extends Error {}

const needed = (value: string | undefined, name: string): string => {
  if (value === undefined) throw new UsageError(`--${name} is needed`);
  return value;
};

const shown = ({ phase, kind, name, hash }: Step): string => `phase ${phase}, ${kind} of ${name}: ${hash}`;

const readArguments = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        folder: { type: 'string', default: 'ceremony' },
        powers: { type: 'string' },
        development: { type: 'boolean', default: false },
        name: { type: 'string' },
        value: { type: 'string' },
        exponent: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
};

const perform = async (): Promise<string> => {
  const { positionals, values } = readArguments();
  const folder = resolve(values.folder);
  const [what] = positionals;
  if (what !== 'init' && what !== 'contribute' && what !== 'beacon' && what !== 'verify')
    throw new UsageError('one of init, contribute, beacon, verify');
  if (what !== 'init' && !existsSync(join(folder, TRANSCRIPT)))
    throw new SetupError(`there is no setup in ${folder}`);
  if (what === 'contribute') return shown(await contribute(folder, needed(values.name, 'name')));
  const value = what === 'beacon' ? needed(values.value, 'value') : '';
  mkdirSync(folder, { recursive: true });
  const { r1cs } = await compile(SOURCE, folder);
  if (what === 'beacon')
    return shown(
      await beacon(folder, r1cs, value, values.exponent === undefined ? undefined : Number(values.exponent)),
    );
  if (what === 'verify') {
    const { steps, development } = await verifySetup(folder, r1cs);
    return [...steps.map(shown), development ? 'for development only' : 'in order'].join('\n');
  }
  const { powers, development } = values;
  const options = { statement: STATEMENT, r1cs, power: STATEMENT_POWER, development };
  await init(folder, { ...options, ...(powers !== undefined && { powers }) });
  return `begun in ${folder}`;
};

perform().then(
  (text) => console.log(text),
  (error: unknown) => {
    const plain = error instanceof UsageError || error instanceof SetupError;
    console.error(plain ? error.message : error);
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : 1;
  },
);
