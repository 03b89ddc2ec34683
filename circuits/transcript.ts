import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Phase 1 makes powers of tau for any statement of that size, phase 2 the proving key of one statement. */
export type Phase = 1 | 2;

/** One party's part, or a phase's end: a value that nobody could foresee when the last party was through. */
export type Step = {
  readonly phase: Phase;
  readonly kind: 'contribution' | 'beacon';
  readonly name: string;
  /** Of the contribution, BLAKE2b-512 as snarkjs makes it: what its party announces. */
  readonly hash: string;
  /** Hex, hashed 2^exponent times. */
  readonly beacon?: { readonly value: string; readonly exponent: number };
};

export const fileNames = ['powers.ptau', 'contribution.zkey', 'verification-key.json'] as const;

export type FileName = (typeof fileNames)[number];

export type Transcript = {
  readonly statement: string;
  /** Made by one party for want of others: the proving key says so wherever it is used. */
  readonly development: boolean;
  /** The statement has at most 2^power constraints. */
  readonly power: number;
  /** SHA-256 of the constraints. */
  readonly r1cs: string;
  /** Whether phase 1 was a given file, whose hash is known, or is part of this ceremony. */
  readonly powersOfTau: 'given' | 'own';
  readonly steps: readonly Step[];
  /** SHA-256 of each file after the last step. */
  readonly files: Readonly<Partial<Record<FileName, string>>>;
};

export const TRANSCRIPT = 'transcript.json';

const hashOf = (algorithm: string, path: string): string =>
  createHash(algorithm).update(readFileSync(path)).digest('hex');

export const sha256Of = (path: string): string => hashOf('sha256', path);

export const blake2bOf = (path: string): string => hashOf('blake2b512', path);

export const readTranscript = (folder: string): Transcript =>
  JSON.parse(readFileSync(join(folder, TRANSCRIPT), 'utf8')) as Transcript;

export const writeTranscript = (folder: string, transcript: Transcript): void => {
  writeFileSync(join(folder, TRANSCRIPT), `${JSON.stringify(transcript, undefined, 2)}\n`);
};

/** The phase that is open; undefined when both are closed. */
export const openPhase = ({ powersOfTau, steps }: Transcript): Phase | undefined => {
  const closed = (phase: Phase): boolean =>
    steps.some((step) => step.phase === phase && step.kind === 'beacon');
  if (powersOfTau === 'own' && !closed(1)) return 1;
  return closed(2) ? undefined : 2;
};

export const contributed = ({ steps }: Transcript, phase: Phase): boolean =>
  steps.some((step) => step.phase === phase && step.kind === 'contribution');

/** The hashes of those files that are there. */
export const hashesIn = (folder: string): Transcript['files'] =>
  Object.fromEntries(
    fileNames
      .filter((name) => existsSync(join(folder, name)))
      .map((name) => [name, sha256Of(join(folder, name))]),
  );
