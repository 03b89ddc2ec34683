import {
  decodeOwnKeyPackage,
  encodeOwnKeyPackage,
  makeKeyPackage,
  type Identity,
  type OwnKeyPackage,
} from '#web/core/conversation/identity.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

/** Periods for which a key package's private half is kept: a welcome may be that late. */
const KEPT_PERIODS = 15;

/** The key packages of one address, one a period, in the table `identity` under `prefix`/period. */
export class KeyPackages {
  readonly #store: Store;
  readonly #prefix: string;
  #kept: { period: number; own: OwnKeyPackage }[] = [];

  constructor(store: Store, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  /** Those among the records of the table. Throws LocalError `storage`. */
  load(records: Iterable<readonly [string, Uint8Array]>): void {
    for (const [key, value] of records) {
      const [prefix, period] = key.split('/');
      if (prefix === this.#prefix)
        this.#kept.push({ period: Number(period), own: decodeOwnKeyPackage(value) });
    }
  }

  get all(): OwnKeyPackage[] {
    return this.#kept.map(({ own }) => own);
  }

  /** That of a period, made at the first call; those too old at the `present` one to be used are erased. */
  async of(identity: Identity, period: number, present: number): Promise<OwnKeyPackage> {
    const known = this.#kept.find((each) => each.period === period);
    if (known) return known.own;
    const own = await makeKeyPackage(identity);
    const old = this.#kept.filter((each) => each.period < present - KEPT_PERIODS);
    const value = encodeOwnKeyPackage(own);
    await this.#store.write([
      { table: 'identity', key: this.#key(period), value },
      ...old.map((each) => this.#gone(each.period)),
    ]);
    this.#kept = [...this.#kept.filter((each) => !old.includes(each)), { period, own }];
    return own;
  }

  /** No welcome for any of them will be taken. */
  forget(): Change[] {
    return this.#kept.splice(0).map(({ period }) => this.#gone(period));
  }

  #key(period: number): string {
    return `${this.#prefix}/${String(period)}`;
  }

  #gone(period: number): Change {
    return { table: 'identity', key: this.#key(period), value: undefined };
  }
}
