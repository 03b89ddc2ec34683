import { hex } from '#shared/bytes/bytes.ts';
import { decode, encode } from '#shared/bytes/codec.ts';
import { acceptsToken, type EpochPlan } from '#shared/contribution/epochs.ts';
import { tokenCodec, type Token } from '#shared/directory/tokens.ts';
import type { Millis } from '#shared/units.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

const PREFIX = 'token/';

const keyOf = ({ epoch, input }: Token): string => `${PREFIX}${String(epoch)}/${hex(input)}`;

const removal = (token: Token): Change => ({ table: 'contribution', key: keyOf(token), value: undefined });

/** Tokens that were bought and are not spent, in the store until they are or until nobody takes them any more. */
export class Purse {
  readonly #store: Store;
  #tokens: Token[];

  constructor(store: Store, records: readonly [string, Uint8Array][]) {
    this.#store = store;
    this.#tokens = records.flatMap(([key, value]) =>
      key.startsWith(PREFIX) ? [decode(tokenCodec, value)] : [],
    );
  }

  get size(): number {
    return this.#tokens.length;
  }

  /** `also`: what has to be stored with them or not at all. */
  async add(tokens: readonly Token[], also: readonly Change[] = []): Promise<void> {
    const changes = tokens.map((token): Change => ({
      table: 'contribution',
      key: keyOf(token),
      value: encode(tokenCodec, token),
    }));
    await this.#store.write([...changes, ...also]);
    this.#tokens.push(...tokens);
  }

  /** The one that is of no use soonest. It has left the store before anybody sees it, so that it is spent once. */
  async take(now: Millis, plan: EpochPlan): Promise<Token | undefined> {
    await this.prune(now, plan);
    const token = this.#tokens.toSorted((a, b) => a.epoch - b.epoch)[0];
    if (!token) return undefined;
    this.#tokens = this.#tokens.filter((each) => each !== token);
    await this.#store.write([removal(token)]);
    return token;
  }

  /** Removes those that nobody takes any more. */
  async prune(now: Millis, plan: EpochPlan): Promise<void> {
    const past = this.#tokens.filter(({ epoch }) => !acceptsToken(epoch, now, plan));
    if (past.length === 0) return;
    this.#tokens = this.#tokens.filter((each) => !past.includes(each));
    await this.#store.write(past.map(removal));
  }
}
