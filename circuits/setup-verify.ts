import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyText, KNOWN_POWERS, refuse } from './setup.ts';
import { powersOfTau, withCurve, zKey } from './snarkjs.ts';
import {
  blake2bOf,
  contributed,
  fileNames,
  hashesIn,
  openPhase,
  readTranscript,
  sha256Of,
  type Phase,
  type Step,
  type Transcript,
} from './transcript.ts';

/**
 * What snarkjs says while it verifies, without its spaces: a part for each contribution in the file, with its number,
 * name and hash, and a beacon's value.
 */
class Said {
  #text = '';
  readonly #say = (line: string): void => {
    this.#text += line.replaceAll(/\s/g, '');
  };
  readonly logger = { info: this.#say, error: this.#say, warn: this.#say, debug: (): void => undefined };

  /** Whether it found just these steps, in this order. */
  has(steps: readonly Step[]): boolean {
    const parts = this.#text.split(/contribution#/i).slice(1);
    const found = steps.filter(({ name, hash, beacon }, at) => {
      const spaceless = name.replaceAll(' ', '');
      const starts = [`${at + 1}${spaceless}:`, `${at + 1}:${spaceless}NextChallenge:`];
      const part = parts.find((each) => starts.some((start) => each.startsWith(start)));
      if (part === undefined || !/^[0-9a-f]{128}$/.test(hash) || !part.includes(hash)) return false;
      const [, value, exponent] = /Beacongenerator:([0-9a-f]+)BeaconiterationsExp:(\d+)/.exec(part) ?? [];
      return value === beacon?.value && exponent === beacon?.exponent.toString();
    });
    return found.length === steps.length && parts.length === steps.length;
  }
}

/** Checks a finished setup against the statement's constraints; throws a SetupError that says what is wrong. */
export const verifySetup = async (
  folder: string,
  r1cs: string,
  powersHash: string = KNOWN_POWERS,
): Promise<Transcript> =>
  withCurve(async () => {
    const transcript = readTranscript(folder);
    if (openPhase(transcript) !== undefined) refuse('a phase is still open');
    if (sha256Of(r1cs) !== transcript.r1cs) refuse('the transcript is of another statement');
    const found = hashesIn(folder);
    for (const name of fileNames)
      if (found[name] === undefined || found[name] !== transcript.files[name])
        refuse(`${name} is not what the transcript says`);
    await verifyPowers(folder, transcript, powersHash);
    await verifyKey(folder, r1cs, transcript);
    return transcript;
  });

const stepsOf = (transcript: Transcript, phase: Phase): Step[] => {
  if (!contributed(transcript, phase)) refuse(`nobody has contributed to phase ${phase}`);
  return transcript.steps.filter((step) => step.phase === phase);
};

const verifyPowers = async (folder: string, transcript: Transcript, powersHash: string): Promise<void> => {
  const path = join(folder, 'powers.ptau');
  if (transcript.powersOfTau === 'given') {
    if (blake2bOf(path) !== powersHash) refuse('not the file of powers that is known');
    return;
  }
  const said = new Said();
  const steps = stepsOf(transcript, 1);
  if (!(await powersOfTau.verify(path, said.logger))) refuse('the powers of tau do not verify');
  if (!said.has(steps)) refuse('the powers of tau have other contributions');
};

const verifyKey = async (folder: string, r1cs: string, transcript: Transcript): Promise<void> => {
  const said = new Said();
  const steps = stepsOf(transcript, 2);
  const powers = join(folder, 'powers.ptau');
  const verified = await zKey.verifyFromR1cs(r1cs, powers, join(folder, 'contribution.zkey'), said.logger);
  if (!verified) refuse('the proving key does not verify');
  if (!said.has(steps)) refuse('the proving key has other contributions');
  if ((await keyText(folder)) !== readFileSync(join(folder, 'verification-key.json'), 'utf8'))
    refuse('the verification key is of another proving key');
};
