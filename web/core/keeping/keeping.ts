import type { Rng } from '#shared/crypto/rng.ts';
import { LocalError } from '#shared/errors.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import type { RequestFor } from '#shared/directory/purposes.ts';
import type { BackupContents, KeepingView } from '#web/api.ts';
import { decodeContents, encodeContents, told, type Contents } from '#web/core/keeping/contents.ts';
import { Copier } from '#web/core/keeping/copier.ts';
import { Copy, MAX_COPY_BYTES } from '#web/core/keeping/copy.ts';
import { gather } from '#web/core/keeping/gather.ts';
import { Lives } from '#web/core/keeping/lives.ts';
import { ENTROPY_LENGTH } from '#web/core/keeping/phrase.ts';
import { erasing, kept, load, type PhraseRecord } from '#web/core/keeping/records.ts';
import { restoring } from '#web/core/keeping/restoring.ts';
import { contentsRoom, MAX_BACKUP_BYTES, openFile, sealFile } from '#web/core/keeping/sealed-file.ts';
import type { Host } from '#web/core/host.ts';
import type { Profile } from '#web/core/profile.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

type Env = {
  store: Store;
  ports: Host['ports'];
  profile: Profile;
  ask: (request: RequestFor<'record'>) => Promise<DirectoryResponse>;
  changed(): void;
  /** A later life of the address took over. */
  moved(): void;
};

/** How the user's data is kept: the recovery phrase, backups, and which browser it is that goes on. */
export class Keeping {
  readonly #env: Env;
  readonly lives: Lives;
  readonly #copier: Copier;
  #phrase: PhraseRecord | undefined;
  #making: Promise<Uint8Array> | undefined;
  /** The store is another one now, or none: this client has to be opened anew. */
  over = false;

  private constructor(env: Env, made: { lives: Lives; copier: Copier; phrase: PhraseRecord | undefined }) {
    this.#env = env;
    this.lives = made.lives;
    this.#copier = made.copier;
    this.#phrase = made.phrase;
  }

  /** Rejects with LocalError `storage`. */
  static async load(env: Env): Promise<Keeping> {
    const made: { keeping?: Keeping } = {};
    const { store, ports, ask, changed, moved } = env;
    const lives = await Lives.load({ store, ports, ask, moved });
    const keeping = (): Keeping => made.keeping as Keeping;
    const copier = await Copier.load({
      ...{ store, ports, changed },
      copy: async () => {
        // A copy that belongs to a later life is not for this one to change.
        await lives.permit();
        return keeping().#copyOf(await keeping().#entropy());
      },
      make: () => keeping().#make(contentsRoom(MAX_COPY_BYTES)),
    });
    made.keeping = new Keeping(env, { lives, copier, phrase: await load(store, 'phrase') });
    return made.keeping;
  }

  get view(): KeepingView {
    return {
      locked: this.#env.store.lock?.on ?? false,
      phraseKept: this.#phrase?.kept ?? false,
      moved: this.lives.moved,
      ...this.#copier.view,
    };
  }

  /** There is a user. `fresh`: made just now. */
  begin(fresh: boolean): void {
    const { user } = this.#env.profile;
    if (!user) return;
    this.lives.begin(user.address.secret, fresh);
    if (!this.lives.moved) this.#copier.begin();
  }

  wrote(changes: readonly Change[]): void {
    if (!this.lives.moved) this.#copier.wrote(changes);
  }

  async lock(passphrase: string | undefined): Promise<void> {
    const { lock } = this.#env.store;
    if (!lock)
      throw new LocalError('refused', 'what is kept here ends with this program: there is nothing to lock');
    await lock.set(passphrase);
    this.#env.changed();
  }

  async words(): Promise<string[]> {
    const { wordsOf } = await import('#web/core/keeping/words.ts');
    return wordsOf(await this.#entropy());
  }

  async keepPhrase(): Promise<void> {
    await this.#setPhrase({ entropy: await this.#entropy(), kept: true });
  }

  async backup(): Promise<Uint8Array> {
    return (await this.#make(contentsRoom(MAX_BACKUP_BYTES))).file;
  }

  /** Of the directory where there is no file. Rejects with LocalError: see `openFile`, `entropyOf` and `Copy.fetch`. */
  async read(file: Uint8Array | undefined, words: readonly string[]): Promise<BackupContents> {
    return told((await this.#open(file, words)).contents);
  }

  /** As `read`; and LocalError `refused` where there is a user already. */
  async restore(file: Uint8Array | undefined, words: readonly string[]): Promise<void> {
    const { store, profile, ports } = this.#env;
    const free = (): void => {
      if (profile.user || this.over)
        throw new LocalError('refused', 'this profile is in use: erase it first, or open another one');
    };
    free();
    const { contents, entropy } = await this.#open(file, words);
    free();
    this.over = true;
    await store.write(restoring(contents, entropy, ports.now()));
  }

  setCopy(on: boolean): Promise<void> {
    return this.#copier.set(on);
  }

  /** What is to go will go at the next opening, if not before. */
  async condemn(): Promise<void> {
    await this.#env.store.write([erasing]);
    this.over = true;
  }

  /** Nothing of it is left at the directory. Rejects with RemoteError, and LocalError `moved`: it belongs to a later life. */
  async withdraw(): Promise<void> {
    await Promise.all([this.#copier.erase(), this.lives.withdraw()]);
  }

  stop(): void {
    this.lives.stop();
    this.#copier.stop();
  }

  /** Made when it is first asked for. */
  async #entropy(): Promise<Uint8Array> {
    if (this.#phrase) return this.#phrase.entropy;
    this.#making ??= (async () => {
      const entropy = this.#rng(ENTROPY_LENGTH);
      await this.#setPhrase({ entropy, kept: false });
      return entropy;
    })().finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #setPhrase(phrase: PhraseRecord): Promise<void> {
    await this.#env.store.write([kept('phrase', phrase)]);
    this.#phrase = phrase;
    this.#env.changed();
  }

  async #make(room: number): Promise<{ file: Uint8Array; partial: boolean }> {
    const { store, ports, profile } = this.#env;
    if (!profile.user) throw new LocalError('not-started', 'there is nothing to back up yet');
    const { name } = profile.settings;
    const about = { now: ports.now(), name, copied: this.#copier.on, life: this.lives.life, room };
    const { contents, partial } = await gather(store, about);
    return { file: sealFile(ports.rng, await this.#entropy(), encodeContents(contents)), partial };
  }

  async #open(
    file: Uint8Array | undefined,
    words: readonly string[],
  ): Promise<{ contents: Contents; entropy: Uint8Array }> {
    const { entropyOf } = await import('#web/core/keeping/words.ts');
    const entropy = entropyOf(words);
    const bytes = file ?? (await this.#copyOf(entropy).fetch());
    return { contents: decodeContents(openFile(entropy, bytes)), entropy };
  }

  #copyOf(entropy: Uint8Array): Copy {
    const { ports, ask } = this.#env;
    const pause = (ms: number): Promise<void> => new Promise((done) => void ports.timer(ms, done));
    return new Copy({ rng: ports.rng, ask, pause }, entropy);
  }

  get #rng(): Rng {
    return this.#env.ports.rng;
  }
}
