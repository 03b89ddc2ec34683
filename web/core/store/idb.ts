import type { IDBPDatabase } from 'idb';
import { LocalError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import {
  deleteDatabase,
  guarded,
  keyringOf,
  openDatabase,
  putTries,
  type Keyring,
} from '#web/core/store/database.ts';
import { unwrap, type Cost } from '#web/core/store/passphrase.ts';
import type { Store } from '#web/core/store/ports.ts';
import { SealedStore } from '#web/core/store/sealed-store.ts';
import { keysFrom, type Keys } from '#web/core/store/sealing.ts';

/** So many wrong passphrases cost nothing but the work; each further one doubles the time to the next. */
const FREE_TRIES = 3;
const WAIT_MS: Millis = 2000;
const WAIT_MOST_MS: Millis = 5 * 60_000;

const waitAfter = (failed: number): Millis =>
  failed <= FREE_TRIES ? 0 : Math.min(WAIT_MOST_MS, WAIT_MS * 2 ** (failed - FREE_TRIES - 1));

export type VaultOptions = {
  now?: () => Millis;
  /** Of locks that are made; lower in tests alone. */
  cost?: Cost;
};

/** A profile's database before its records can be read. */
export class Vault {
  readonly #profile: string;
  readonly #database: IDBPDatabase;
  readonly #options: VaultOptions;
  #keyring: Keyring;

  private constructor(profile: string, database: IDBPDatabase, keyring: Keyring, options: VaultOptions) {
    this.#profile = profile;
    this.#database = database;
    this.#keyring = keyring;
    this.#options = options;
  }

  static open(profile: string, options: VaultOptions = {}): Promise<Vault> {
    return guarded(async () => {
      const database = await openDatabase(profile);
      return new Vault(profile, database, await keyringOf(database), options);
    });
  }

  /** It opens by a passphrase only. */
  get locked(): boolean {
    return 'lock' in this.#keyring;
  }

  /** How long no passphrase is taken. */
  get retryAfterMs(): Millis {
    const { failed, until } = this.#keyring.tries;
    // A clock that was set back must not keep anyone out for longer.
    return Math.max(0, Math.min(until - this.#now(), waitAfter(failed)));
  }

  /** Throws LocalError `locked` without a passphrase where it takes one, `bad-passphrase`, or `try-later` for `retryAfterMs`. */
  unlock(passphrase?: string): Promise<Store> {
    return guarded(async () => this.#store(await this.#keys(passphrase)));
  }

  /** Closes it, and removes everything with its keys. */
  async erase(): Promise<void> {
    this.#database.close();
    await guarded(() => deleteDatabase(this.#profile));
  }

  close(): void {
    this.#database.close();
  }

  async #keys(passphrase: string | undefined): Promise<Keys> {
    const keyring = this.#keyring;
    if ('keys' in keyring) return keyring.keys;
    if (passphrase === undefined) throw new LocalError('locked', 'unlock this profile first');
    if (this.retryAfterMs > 0) throw new LocalError('try-later', 'wait a moment before the next try');
    // Counted before it is known to be wrong, so that who ends the tab meanwhile has tried as well.
    const failed = keyring.tries.failed + 1;
    await this.#count({ failed, until: this.#now() + waitAfter(failed) });
    const keys = await keysFrom(await unwrap(keyring.lock, passphrase));
    await this.#count({ failed: 0, until: 0 });
    return keys;
  }

  async #count(tries: Keyring['tries']): Promise<void> {
    this.#keyring = { ...this.#keyring, tries };
    await putTries(this.#database, tries);
  }

  #store(keys: Keys): Store {
    const { cost } = this.#options;
    const { half } = this.#keyring;
    const erase = (): Promise<void> => deleteDatabase(this.#profile);
    return new SealedStore(this.#database, { half, keys, locked: this.locked, cost, erase });
  }

  #now(): Millis {
    return (this.#options.now ?? Date.now)();
  }
}

/** The store of a profile without a passphrase; rejects with LocalError `locked` where there is one. */
export const openIdbStore = async (profile: string): Promise<Store> => (await Vault.open(profile)).unlock();

/** Removes a profile with its keys. Other connections to it must be closed first. */
export const eraseIdbStore = async (profile: string): Promise<void> => guarded(() => deleteDatabase(profile));
