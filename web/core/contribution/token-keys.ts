import type { Consensus } from '#shared/directory/consensus.ts';

/** Keys of the present epoch, the last, and the one before: no token of an older one is taken. */
const KEPT = 3;

/** What the directory's signed lists said of its tokens' keys: with another one it could tell buyers apart. */
export class TokenKeys {
  readonly #keys = new Map<number, Uint8Array>();

  learn({ epoch, tokenKey }: Consensus): void {
    // The first word counts: what is signed later of the same epoch can only repeat it.
    if (this.#keys.has(epoch)) return;
    this.#keys.set(epoch, tokenKey);
    for (const known of [...this.#keys.keys()].slice(0, -KEPT)) this.#keys.delete(known);
  }

  of(epoch: number): Uint8Array | undefined {
    return this.#keys.get(epoch);
  }
}
