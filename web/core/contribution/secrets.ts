import { decode, encode, fixed, struct } from '#shared/bytes/codec.ts';
import { nodeIdCodec } from '#shared/bytes/fields.ts';
import { commitmentOf, secretFrom } from '#shared/contribution/tags.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { NodeId } from '#shared/units.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

const SEED_LENGTH = 32;

const secretCodec = struct({ node: nodeIdCodec, seed: fixed(SEED_LENGTH) });

/** What one node of this user's is committed to for one epoch. */
export type Secret = {
  readonly epoch: number;
  readonly node: NodeId;
  readonly secret: bigint;
  readonly commitment: bigint;
};

/** A secret is of use until the grace of the epoch after its own is over. */
const KEPT_EPOCHS = 2;

const PREFIX = 'secret/';

const keyOf = ({ epoch, node }: Pick<Secret, 'epoch' | 'node'>): string =>
  `${PREFIX}${String(epoch)}/${node}`;

/** The contribution secrets that are not spent yet, in the store so that a reload loses nothing. */
export class Secrets {
  readonly #store: Store;
  readonly #rng: Rng;
  readonly #held: Secret[] = [];
  readonly #making = new Map<string, Promise<Secret>>();

  constructor(store: Store, rng: Rng, records: readonly [string, Uint8Array][]) {
    this.#store = store;
    this.#rng = rng;
    for (const [key, value] of records) {
      if (!key.startsWith(PREFIX)) continue;
      const { node, seed } = decode(secretCodec, value);
      this.#held.push(made(Number(key.split('/')[1]), node, seed));
    }
  }

  /** A user whose tab was closed for long was two nodes in one epoch. */
  of(epoch: number): Secret[] {
    return this.#held.filter((each) => each.epoch === epoch);
  }

  /** Makes it at the first call, and stores it before anyone is told. */
  make(epoch: number, node: NodeId): Promise<Secret> {
    const known = this.#held.find((each) => each.epoch === epoch && each.node === node);
    if (known) return Promise.resolve(known);
    const key = keyOf({ epoch, node });
    const making = this.#making.get(key) ?? this.#make(epoch, node);
    this.#making.set(key, making);
    return making.finally(() => this.#making.delete(key));
  }

  async #make(epoch: number, node: NodeId): Promise<Secret> {
    const seed = this.#rng(SEED_LENGTH);
    const key = keyOf({ epoch, node });
    await this.#store.write([
      { table: 'contribution', key, value: encode(secretCodec, { node, seed }) },
      ...this.#spent(epoch),
    ]);
    const secret = made(epoch, node, seed);
    this.#held.push(secret);
    return secret;
  }

  /** What nobody takes a proof of any more. */
  #spent(epoch: number): Change[] {
    const spent = this.#held.filter((each) => each.epoch + KEPT_EPOCHS < epoch);
    for (const each of spent) this.#held.splice(this.#held.indexOf(each), 1);
    return spent.map((each) => ({ table: 'contribution', key: keyOf(each), value: undefined }));
  }
}

const made = (epoch: number, node: NodeId, seed: Uint8Array): Secret => {
  const secret = secretFrom(seed);
  return { epoch, node, secret, commitment: commitmentOf(secret) };
};
