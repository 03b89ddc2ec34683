import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { powersOfTau, withCurve, zKey } from './snarkjs.ts';
import {
  blake2bOf,
  contributed,
  hashesIn,
  openPhase,
  readTranscript,
  sha256Of,
  writeTranscript,
  type FileName,
  type Phase,
  type Step,
  type Transcript,
} from './transcript.ts';

/**
 * A setup by several parties, one after another, in a folder that goes from hand to hand. If one of them forgot what
 * the computer drew for them, nobody can forge proofs. docs/protocol.md, "Proof of contribution".
 */

/** BLAKE2b-512 of powersOfTau28_hez_final_12.ptau, as snarkjs publishes it. */
export const KNOWN_POWERS =
  'ded2694169b7b08e898f736d5de95af87c3f1a64594013351b1a796dbee393bd825f88f9468c84505ddd11eb0b1465ac9b43b9064aa8ec97f2b73e04758b8a4a';

const ENTROPY_LENGTH = 64;

/** What snarkjs takes; a beacon's value is lower-case hex of at most 255 bytes. */
const LEAST_EXPONENT = 10;
const MOST_EXPONENT = 63;
const LONGEST_VALUE = 510;

export type SetupOptions = {
  readonly statement: string;
  /** Path of the constraints. */
  readonly r1cs: string;
  readonly power: number;
  readonly development: boolean;
  /** Path of a given file for phase 1, and what its BLAKE2b-512 has to be. */
  readonly powers?: string;
  readonly powersHash?: string;
};

/** What its message says is for whoever holds the ceremony. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

export const refuse = (why: string): never => {
  throw new SetupError(why);
};

/** Runs what reads a file and writes its successor, then puts that in its place. */
const replacing = async (
  folder: string,
  name: FileName,
  work: (from: string, to: string) => Promise<unknown>,
): Promise<unknown> => {
  const path = join(folder, name);
  const result = await work(path, `${path}.next`);
  if (result === false) refuse('snarkjs refused this step');
  renameSync(`${path}.next`, path);
  return result;
};

const record = (folder: string, transcript: Transcript): Transcript => {
  const recorded = { ...transcript, files: hashesIn(folder) };
  writeTranscript(folder, recorded);
  return recorded;
};

const recordStep = (folder: string, transcript: Transcript, step: Step): Step => {
  record(folder, { ...transcript, steps: [...transcript.steps, step] });
  return step;
};

const hexOf = (hash: unknown): string =>
  hash instanceof Uint8Array ? Buffer.from(hash).toString('hex') : refuse('snarkjs gave no hash');

/** The proving key as phase 2 begins: anyone can forge with it until a party contributes. */
const beginPhase2 = async (folder: string, r1cs: string): Promise<void> => {
  const answer = await zKey.newZKey(r1cs, join(folder, 'powers.ptau'), join(folder, 'contribution.zkey'));
  if (answer === -1) refuse('the powers do not fit the statement');
};

export const init = async (folder: string, options: SetupOptions): Promise<Transcript> =>
  withCurve(async (curve) => {
    const { statement, r1cs, power, development, powers, powersHash = KNOWN_POWERS } = options;
    const path = join(folder, 'powers.ptau');
    if (existsSync(path)) refuse('there is a setup in this folder');
    if (powers === undefined) {
      await powersOfTau.newAccumulator(curve, power, path);
    } else {
      if (blake2bOf(powers) !== powersHash) refuse('not the file of powers that is known');
      copyFileSync(powers, path);
      await beginPhase2(folder, r1cs);
    }
    return record(folder, {
      statement,
      development,
      power,
      r1cs: sha256Of(r1cs),
      powersOfTau: powers === undefined ? 'own' : 'given',
      steps: [],
      files: {},
    });
  });

/** One party's contribution to the phase that is open, from this computer's own entropy, which is not kept. */
export const contribute = async (folder: string, name: string): Promise<Step> =>
  withCurve(async () => {
    if (!/^[\w.-][\w .-]{0,63}$/.test(name))
      refuse('a name has at most 64 plain letters, digits, spaces, . _ -');
    const transcript = readTranscript(folder);
    const phase = openPhase(transcript) ?? refuse('both phases are closed');
    const entropy = randomBytes(ENTROPY_LENGTH).toString('hex');
    const [file, maker] = makerOf(phase);
    const hash = await replacing(folder, file, async (from, to) => maker.contribute(from, to, name, entropy));
    return recordStep(folder, transcript, { phase, kind: 'contribution', name, hash: hexOf(hash) });
  });

const makerOf = (phase: Phase) =>
  phase === 1 ? (['powers.ptau', powersOfTau] as const) : (['contribution.zkey', zKey] as const);

/** Closes the open phase by a public value, and begins the next or writes the verification key. */
export const beacon = async (
  folder: string,
  r1cs: string,
  value: string,
  exponent: number = LEAST_EXPONENT,
): Promise<Step> =>
  withCurve(async () => {
    const transcript = readTranscript(folder);
    const phase = openPhase(transcript) ?? refuse('both phases are closed');
    if (!contributed(transcript, phase)) refuse('nobody has contributed to this phase');
    if (!/^(?:[0-9a-f]{2})+$/.test(value) || value.length > LONGEST_VALUE)
      refuse('a beacon is lower-case hex');
    if (!Number.isInteger(exponent) || exponent < LEAST_EXPONENT || exponent > MOST_EXPONENT)
      refuse('the exponent is from 10 to 63');
    if (sha256Of(r1cs) !== transcript.r1cs) refuse('the statement is another than at the beginning');
    const [file, maker] = makerOf(phase);
    const name = 'beacon';
    const hash = await replacing(folder, file, async (from, to) =>
      maker.beacon(from, to, name, value, exponent),
    );
    if (phase === 1) {
      await replacing(folder, file, async (from, to) => powersOfTau.preparePhase2(from, to));
      await beginPhase2(folder, r1cs);
    } else {
      writeFileSync(join(folder, 'verification-key.json'), await keyText(folder));
    }
    const beacon = { value, exponent };
    return recordStep(folder, transcript, { phase, kind: 'beacon', name, hash: hexOf(hash), beacon });
  });

/** The verification key that belongs to the folder's proving key. */
export const keyText = async (folder: string): Promise<string> =>
  `${JSON.stringify(await zKey.exportVerificationKey(join(folder, 'contribution.zkey')), undefined, 1)}\n`;
