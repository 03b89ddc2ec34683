export type Kind = 'proof' | 'work';

/** Who waits for a place: proofs before work, and of each kind who came first. */
export class Line<Entry extends { readonly kind: Kind }> {
  readonly #most: number;
  readonly #kinds = { proof: new Set<Entry>(), work: new Set<Entry>() };

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#kinds.proof.size + this.#kinds.work.size;
  }

  get first(): Entry | undefined {
    const [first] = this.#kinds.proof.size > 0 ? this.#kinds.proof : this.#kinds.work;
    return first;
  }

  /** Who is turned away for it, if anyone: from a full line the newest who worked, for a proof; else the entry itself. */
  add(entry: Entry): Entry | undefined {
    let away: Entry | undefined;
    if (this.size >= this.#most) {
      away = entry.kind === 'proof' ? [...this.#kinds.work].at(-1) : undefined;
      if (!away) return entry;
      this.remove(away);
    }
    this.#kinds[entry.kind].add(entry);
    return away;
  }

  remove(entry: Entry): void {
    this.#kinds[entry.kind].delete(entry);
  }
}
