import { consensusHash, readConsensus, signConsensus } from '#shared/directory/consensus.ts';
import type { SignKeypair } from '#shared/crypto/sign.ts';

/** Another history than the true one, signed by the same directory: the same nodes, at other times. */
export class SecondHistory {
  readonly #signing: SignKeypair;
  readonly #made = new Map<number, Uint8Array>();
  #last: Uint8Array | undefined;

  constructor(signing: SignKeypair) {
    this.#signing = signing;
  }

  /** What it says where the true one says `bytes`. */
  of(bytes: Uint8Array): Uint8Array {
    const consensus = readConsensus(bytes).verify({});
    const known = this.#made.get(consensus.sequence);
    if (known) return known;
    const previous = this.#last ? consensusHash(this.#last) : consensus.previous;
    const other = { ...consensus, previous, time: consensus.time - 1 };
    this.#last = signConsensus(this.#signing.secret, other);
    this.#made.set(consensus.sequence, this.#last);
    return this.#last;
  }
}
