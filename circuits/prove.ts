import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { groth16, type Groth16Proof } from 'snarkjs';
import { publicSignals, type Holding, type OpenClaim } from '#shared/contribution/statement.ts';
import { LocalError } from '#shared/errors.ts';
import manifest from './artifacts/manifest.json' with { type: 'json' };
import { encodeProof } from './proof.ts';

/** Makes proofs with snarkjs, in a browser's worker or in Node: seconds of work on one core, which it does not give back. */
export type ArtifactName = 'contribution.wasm' | 'contribution.zkey';

/** Each file as it lies beside this one, or where a bundler has put it. */
export const artifactUrls: Readonly<Record<ArtifactName, URL>> = {
  'contribution.wasm': new URL('./artifacts/contribution.wasm', import.meta.url),
  'contribution.zkey': new URL('./artifacts/contribution.zkey', import.meta.url),
};

/** Where the files come from: the network, a cache, a disk. */
export type ReadArtifact = (name: ArtifactName) => Promise<Uint8Array>;

export type Proved = { readonly proof: Uint8Array; readonly nullifier: bigint };

/** From 0 to 1. */
export type OnProgress = (fraction: number) => void;

/** What of the whole is done when snarkjs says so. */
const milestones: readonly (readonly [string, number])[] = [
  ['Reading Wtns', 0.1],
  ['Building ABC', 0.12],
  ['Join ABC', 0.5],
  ['Reading A Points', 0.52],
  ['Reading B1 Points', 0.6],
  ['Reading B2 Points', 0.68],
  ['Reading C Points', 0.85],
  ['Reading H Points', 0.92],
];

const checked = async (read: ReadArtifact, name: ArtifactName): Promise<Uint8Array> => {
  const bytes = await read(name);
  if (bytesToHex(sha256(bytes)) !== manifest.sha256[name])
    throw new LocalError('internal', `${name} is not the file that the manifest names`);
  return bytes;
};

export class Prover {
  readonly #wasm: Uint8Array;
  readonly #zkey: Uint8Array;

  private constructor(wasm: Uint8Array, zkey: Uint8Array) {
    this.#wasm = wasm;
    this.#zkey = zkey;
  }

  /** Throws `internal` when a file is not the one that the manifest names. */
  static async open(read: ReadArtifact): Promise<Prover> {
    return new Prover(await checked(read, 'contribution.wasm'), await checked(read, 'contribution.zkey'));
  }

  /** A proof of `claim`, its nullifier with it. Throws `refused` when what is held does not fit the claim. */
  async prove(claim: OpenClaim, holding: Holding, onProgress: OnProgress = () => undefined): Promise<Proved> {
    if (publicSignals({ ...claim, nullifier: 0n }) === undefined)
      throw new LocalError('refused', 'a claim out of range');
    onProgress(0);
    const { proof, publicSignals: signals } = await this.#run({ ...claim, ...holding }, onProgress);
    onProgress(1);
    return { proof: encodeProof(coordinatesOf(proof)), nullifier: BigInt(signals[0] ?? '') };
  }

  async #run(
    { siblings, ...inputs }: OpenClaim & Holding,
    onProgress: OnProgress,
  ): ReturnType<typeof groth16.fullProve> {
    const debug = (line: string): void => {
      const found = milestones.find(([start]) => line.startsWith(start));
      if (found) onProgress(found[1]);
    };
    const logger = { debug, info: debug, warn: debug, error: debug };
    // Threads would start from blob: URLs, which the page's policy forbids.
    const options = { singleThread: true };
    const all = { ...inputs, siblings: siblings.map((beside) => [...beside]) };
    try {
      return await groth16.fullProve(all, this.#wasm, this.#zkey, logger, undefined, options);
    } catch (error) {
      if (error instanceof Error && error.message.includes('Assert Failed'))
        throw new LocalError('refused', 'what is held does not fit the claim');
      throw error;
    }
  }
}

const pairOf = ([first = '', second = '']: readonly string[]): [bigint, bigint] => [
  BigInt(first),
  BigInt(second),
];

const coordinatesOf = ({ pi_a, pi_b, pi_c }: Groth16Proof): Parameters<typeof encodeProof>[0] => ({
  a: pairOf(pi_a),
  b: [pairOf(pi_b[0] ?? []), pairOf(pi_b[1] ?? [])],
  c: pairOf(pi_c),
});
