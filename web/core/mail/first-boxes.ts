import { bool, decode, encode, struct, type Value } from '#shared/bytes/codec.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { PERIOD_MS, PERIODS_AHEAD, periodOf } from '#shared/rendezvous/contact.ts';
import type { Millis } from '#shared/units.ts';
import type { Change, Store } from '#web/core/store/ports.ts';
import { keptBoxCodec, makeBox, type KeptBox } from './box.ts';

/** Periods for which the private half is kept, as those of key packages are. */
const KEPT_PERIODS = 15;
/** Whoever found it at the last moment needs this long to deposit. */
const LATE_MS: Millis = 3_600_000;

/** `ahead`: the descriptor that names it was published before its period began. */
const recordCodec = struct({ box: keptBoxCodec, ahead: bool });
type Record = Value<typeof recordCodec>;

/** Where the records stand, and for how many periods to come a descriptor is published. */
type Kind = { prefix: string; ahead: number };
const ofAddress: Kind = { prefix: 'first/', ahead: PERIODS_AHEAD };
/** Of the address that a handle names, whose descriptor is there as long as its owner is now and then. */
export const ofHandle: Kind = { prefix: 'handle/', ahead: 0 };

/** The mailboxes for first contact, one a period, each named by that period's contact descriptor. */
export class FirstBoxes {
  readonly #store: Store;
  readonly #rng: Rng;
  readonly #prefix: string;
  readonly #ahead: number;
  readonly #records: Map<number, Record>;
  /** Is told when there is another one. */
  made: () => void = () => undefined;

  private constructor(store: Store, rng: Rng, records: Map<number, Record>, { prefix, ahead }: Kind) {
    this.#store = store;
    this.#rng = rng;
    this.#records = records;
    this.#prefix = prefix;
    this.#ahead = ahead;
  }

  /** Rejects with LocalError `storage`. */
  static async load(store: Store, rng: Rng, kind = ofAddress): Promise<FirstBoxes> {
    const { prefix } = kind;
    const records = new Map<number, Record>();
    for (const [key, value] of await store.all('mailboxes'))
      if (key.startsWith(prefix)) records.set(Number(key.slice(prefix.length)), decode(recordCodec, value));
    return new FirstBoxes(store, rng, records, kind);
  }

  /** That of a period, made at the first call; those too old to be used are erased. Rejects with LocalError `storage`. */
  async of(period: number, now: Millis): Promise<KeptBox> {
    const known = this.#records.get(period);
    if (known) return known.box;
    for (const old of this.#records.keys()) if (old < periodOf(now) - KEPT_PERIODS) await this.erase(old);
    const record = { box: makeBox(this.#rng, now), ahead: false };
    await this.#put(period, record);
    this.made();
    return record.box;
  }

  /** Those to which anybody may have been led by now. */
  begun(now: Millis): { period: number; box: KeptBox; over: boolean }[] {
    return [...this.#records]
      .filter(([period]) => period <= periodOf(now))
      .map(([period, { box }]) => ({ period, box, over: now > (period + 2) * PERIOD_MS + LATE_MS }));
  }

  /** The periods to come whose descriptor is not published yet. */
  unpublished(now: Millis): number[] {
    const next = periodOf(now) + 1;
    return Array.from({ length: this.#ahead }, (_, i) => next + i).filter(
      (period) => this.#records.get(period)?.ahead !== true,
    );
  }

  async published(period: number): Promise<void> {
    const known = this.#records.get(period);
    if (known) await this.#put(period, { ...known, ahead: true });
  }

  async erase(period: number): Promise<void> {
    await this.#store.write([
      { table: 'mailboxes', key: `${this.#prefix}${String(period)}`, value: undefined },
    ]);
    this.#records.delete(period);
  }

  /** All of them are no more. */
  forget(): Change[] {
    const periods = [...this.#records.keys()];
    this.#records.clear();
    return periods.map((period) => ({
      ...({ table: 'mailboxes' } as const),
      ...{ key: `${this.#prefix}${String(period)}`, value: undefined },
    }));
  }

  async #put(period: number, record: Record): Promise<void> {
    const value = encode(recordCodec, record);
    await this.#store.write([{ table: 'mailboxes', key: `${this.#prefix}${String(period)}`, value }]);
    this.#records.set(period, record);
  }
}
