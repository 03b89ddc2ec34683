import { uniformBetween } from '#shared/crypto/rng.ts';
import { codeOf } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import { eraseLife, latestLife, lifeOwner, moved, tellLife, type Ask } from '#web/core/keeping/life.ts';
import { kept, load, type LifeRecord } from '#web/core/keeping/records.ts';
import type { Host } from '#web/core/host.ts';
import type { Store } from '#web/core/store/ports.ts';

/** An answer holds for so long. */
const FRESH_MS: Millis = 15 * 60_000;
/** It is asked as often as this, if nothing else does. */
const LEAST_MS: Millis = 20 * 60_000;
const MOST_MS: Millis = 40 * 60_000;

type Env = {
  store: Store;
  ports: Host['ports'];
  ask: Ask;
  /** A later life took over: this one ends. */
  moved(): void;
};

/** Watches that this browser's life of the address is the latest. */
export class Lives {
  readonly #env: Env;
  #record: LifeRecord;
  #seed: Uint8Array | undefined;
  #checkedAt: Millis = -Infinity;
  #checking: Promise<void> | undefined;
  #cancel: (() => void) | undefined;

  private constructor(env: Env, record: LifeRecord) {
    this.#env = env;
    this.#record = record;
  }

  static async load(env: Env): Promise<Lives> {
    return new Lives(env, (await load(env.store, 'life')) ?? { life: 0, told: true, moved: false });
  }

  get life(): number {
    return this.#record.life;
  }

  get moved(): boolean {
    return this.#record.moved;
  }

  /** `fresh`: the address was made just now, so there is no other life of it. */
  begin(addressSeed: Uint8Array, fresh: boolean): void {
    this.#seed = addressSeed;
    if (fresh) this.#checkedAt = this.#env.ports.now();
    this.#later();
  }

  /** Resolves when this life may act as the user. Rejects with LocalError `moved`, or RemoteError. */
  async permit(): Promise<void> {
    if (this.moved) throw moved();
    if (this.#env.ports.now() - this.#checkedAt < FRESH_MS) return;
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    await this.#checking;
  }

  /** The directory's record of it goes. Rejects with RemoteError, and LocalError `moved`. */
  async withdraw(): Promise<void> {
    await this.permit();
    const { life } = this.#record;
    if (this.#seed && life > 0) await eraseLife(this.#env.ask, lifeOwner(this.#seed), life);
  }

  stop(): void {
    this.#cancel?.();
  }

  #later(): void {
    const { rng, timer } = this.#env.ports;
    this.#cancel?.();
    if (this.moved) return;
    this.#cancel = timer(uniformBetween(rng, LEAST_MS, MOST_MS), () => {
      this.permit().catch(() => undefined);
      this.#later();
    });
  }

  async #check(): Promise<void> {
    if (!this.#seed) return;
    const { ask, ports } = this.#env;
    const owner = lifeOwner(this.#seed);
    const { life, told } = this.#record;
    if (told) {
      if ((await latestLife(ask, owner)) > life) await this.#end();
    } else {
      try {
        await tellLife(ask, owner, life, ports.rng);
        await this.#set({ told: true });
      } catch (error) {
        if (codeOf(error) !== 'stale') throw error;
        await this.#end();
      }
    }
    this.#checkedAt = ports.now();
  }

  async #end(): Promise<void> {
    await this.#set({ moved: true });
    this.stop();
    this.#env.moved();
    throw moved();
  }

  async #set(fields: Partial<LifeRecord>): Promise<void> {
    this.#record = { ...this.#record, ...fields };
    await this.#env.store.write([kept('life', this.#record)]);
  }
}
