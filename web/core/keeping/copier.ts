import { uniformBetween } from '#shared/crypto/rng.ts';
import { codeOf } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { KeepingView } from '#web/api.ts';
import type { Copy } from '#web/core/keeping/copy.ts';
import { kept, load, type CopyRecord } from '#web/core/keeping/records.ts';
import type { Host } from '#web/core/host.ts';
import type { Change, Store, Table } from '#web/core/store/ports.ts';

/** Between two copies. */
const BETWEEN_MS: Millis = 60 * 60_000;
/** After a change, at random, so that the time of a copy says little of the time of a message. */
const AFTER_LEAST_MS: Millis = 10 * 60_000;
const AFTER_MOST_MS: Millis = 60 * 60_000;
/** After the client was opened, for what changed before it ended. */
const OPENED_LEAST_MS: Millis = 60_000;
const OPENED_MOST_MS: Millis = 5 * 60_000;
const RETRY_MS: Millis = 2 * 60_000;
const RETRY_MOST_MS: Millis = 4 * 60 * 60_000;

/** Whose changes make a copy old. Others change with each acknowledgement. */
const TABLES: readonly Table[] = ['contacts', 'groups', 'messages', 'settings', 'tombstones'];

type Env = {
  store: Store;
  ports: Host['ports'];
  copy(): Promise<Copy>;
  /** A backup of no more bytes than a copy holds, and whether something had no room. */
  make(): Promise<{ file: Uint8Array; partial: boolean }>;
  changed(): void;
};

const nothing: CopyRecord = {
  ...{ on: false, at: undefined, bytes: 0, changed: false, erasing: false, error: undefined },
};

/** Keeps the copy at the directory as the user wants it. */
export class Copier {
  readonly #env: Env;
  #record: CopyRecord;
  #busy = false;
  #stopped = false;
  #retryMs = RETRY_MS;
  #cancel: (() => void) | undefined;

  private constructor(env: Env, record: CopyRecord) {
    this.#env = env;
    this.#record = record;
  }

  static async load(env: Env): Promise<Copier> {
    return new Copier(env, (await load(env.store, 'copy')) ?? nothing);
  }

  get on(): boolean {
    return this.#record.on;
  }

  get view(): Pick<KeepingView, 'serverBackup' | 'error'> {
    const { on, at, bytes, error } = this.#record;
    return { serverBackup: on ? { at: at ?? null, bytes } : null, error: error ?? null };
  }

  /** Goes on with what is due. */
  begin(): void {
    const { on, changed, erasing, at } = this.#record;
    if (on && at === undefined) this.#later(0);
    else if (erasing) this.#later(this.#random(OPENED_LEAST_MS, OPENED_MOST_MS));
    else if (on && changed) this.#later(this.#due(this.#random(OPENED_LEAST_MS, OPENED_MOST_MS)));
  }

  /** Stored when this resolves; the copy is made, or erased, after it. */
  async set(on: boolean): Promise<void> {
    if (on === this.#record.on) return;
    await this.#set({ ...nothing, on, changed: on, erasing: !on });
    this.#retryMs = RETRY_MS;
    this.#later(0);
  }

  /** Something was written to the store. */
  wrote(changes: readonly Change[]): void {
    const { on, changed } = this.#record;
    if (!on || changed || !changes.some(({ table }) => TABLES.includes(table))) return;
    void this.#set({ changed: true }).catch(() => undefined);
    this.#later(this.#due(this.#random(AFTER_LEAST_MS, AFTER_MOST_MS)));
  }

  /** Resolves when nothing of it is left there. Rejects with RemoteError. */
  async erase(): Promise<void> {
    if (!this.#record.on && !this.#record.erasing) return;
    this.stop();
    await (await this.#env.copy()).erase(this.#env.ports.now());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Not too soon after the last one. */
  #due(delayMs: Millis): Millis {
    return Math.max((this.#record.at ?? 0) + BETWEEN_MS - this.#env.ports.now(), delayMs);
  }

  #random(least: Millis, most: Millis): Millis {
    return uniformBetween(this.#env.ports.rng, least, most);
  }

  #later(delayMs: Millis): void {
    this.#cancel?.();
    if (!this.#stopped) this.#cancel = this.#env.ports.timer(delayMs, () => void this.#work());
  }

  async #work(): Promise<void> {
    if (this.#busy || this.#stopped) return;
    this.#busy = true;
    const { on } = this.#record;
    try {
      await (on ? this.#make() : this.#erase());
      this.#retryMs = RETRY_MS;
    } catch (error) {
      if (!this.#stopped) await this.#set({ error: codeOf(error) }).catch(() => undefined);
      this.#later(this.#retryMs);
      this.#retryMs = Math.min(RETRY_MOST_MS, this.#retryMs * 2);
    }
    this.#busy = false;
    // It was switched meanwhile.
    if (on !== this.#record.on) this.#later(0);
  }

  async #make(): Promise<void> {
    const { now } = this.#env.ports;
    await this.#set({ changed: false });
    try {
      const { file, partial } = await this.#env.make();
      await (await this.#env.copy()).put(file, now());
      if (!this.#record.on) return;
      await this.#set({ at: now(), bytes: file.length, error: partial ? 'oversized' : undefined });
    } catch (error) {
      await this.#set({ changed: true });
      throw error;
    }
  }

  async #erase(): Promise<void> {
    if (!this.#record.erasing) return;
    await (await this.#env.copy()).erase(this.#env.ports.now());
    await this.#set({ erasing: false, error: undefined });
  }

  async #set(fields: Partial<CopyRecord>): Promise<void> {
    this.#record = { ...this.#record, ...fields };
    this.#env.changed();
    await this.#env.store.write([kept('copy', this.#record)]);
  }
}
