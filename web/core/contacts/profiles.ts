import { equal, hex } from '#shared/bytes/bytes.ts';
import { bytes, decode, encode, list, optional, struct, u64, type Value } from '#shared/bytes/codec.ts';
import { keyCodec, versioned } from '#shared/bytes/fields.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import type { SignedRecord } from '#shared/directory/records.ts';
import type { Millis } from '#shared/units.ts';
import type { Contacts } from '#web/core/contacts/contacts.ts';
import {
  checkPicture,
  emptyProfile,
  MAX_PICTURE,
  sealProfile,
  type ProfileRef,
} from '#web/core/contacts/profile-record.ts';
import { Pictures } from '#web/core/contacts/pictures.ts';
import type { Envelope } from '#web/core/conversation/content.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Feature, FeatureEnv } from '#web/core/feature.ts';
import type { Change } from '#web/core/store/ports.ts';

const RETRY_MS: Millis = 5000;
const RETRY_MOST_MS: Millis = 10 * 60_000;
/** A record is written again at this age; the directory would drop it at six times that. */
const REFRESH_MS: Millis = 30 * 86_400_000;
/** How often it looks whether that is due. */
const LOOK_MS: Millis = 86_400_000;
const MAX_FORMER = 64;

/** The own profile, under `profile` in the table `settings`. */
const ownCodec = versioned(
  1,
  struct({
    /** Rises with each change that contacts are told. */
    edition: u64,
    /** Of the owner key of the record. */
    seed: keyCodec,
    key: keyCodec,
    revision: u64,
    picture: optional(bytes(MAX_PICTURE)),
    /** When the directory took it, ms; 0: it has not. */
    published: u64,
    /** Seeds of records that are to be erased. */
    former: list(keyCodec, MAX_FORMER),
  }),
);
type Own = Value<typeof ownCodec>;

type Env = Pick<
  FeatureEnv,
  'store' | 'ports' | 'network' | 'profile' | 'sessions' | 'session' | 'changed'
> & {
  contacts: Contacts;
};

/** The user's name and picture, which contacts are told; and theirs. */
export class Profiles implements Feature {
  readonly #env: Env;
  #own: Own;
  readonly #pictures: Pictures;
  readonly #telling = new Set<string>();
  #cancel: (() => void) | undefined;
  #retryMs = RETRY_MS;
  #publishing = false;
  #stopped = false;
  #tail: Promise<void> = Promise.resolve();

  constructor(env: Env) {
    this.#env = env;
    this.#pictures = new Pictures(env);
    const { rng } = env.ports;
    const fresh = { edition: 0, revision: 0, published: 0, picture: undefined, former: [] };
    this.#own = { ...fresh, seed: rng(32), key: rng(32) };
  }

  async load(): Promise<void> {
    const { store } = this.#env;
    const own = await store.get('settings', 'profile');
    if (own) this.#own = decode(ownCodec, own);
    await this.#pictures.load();
    this.#soon(0);
  }

  get picture(): Uint8Array | null {
    return this.#own.picture ?? null;
  }

  pictureOf(conversation: string): Uint8Array | null {
    return this.#pictures.of(conversation);
  }

  /** Stored when this resolves; contacts are told once the directory has it. Throws LocalError `too-long` or `malformed`. */
  async setPicture(picture: Uint8Array | null): Promise<void> {
    if (picture) checkPicture(picture);
    else if (!this.#own.picture) return;
    const { edition, revision } = this.#own;
    const next = Math.max(revision + 1, this.#env.ports.now());
    await this.#set({ picture: picture ?? undefined, edition: edition + 1, revision: next, published: 0 });
    this.#soon(0);
  }

  /** The user is called something else. */
  async renamed(): Promise<void> {
    await this.#set({ edition: this.#own.edition + 1 });
    this.#tellAll();
  }

  /** Whoever is blocked now knows where the profile stands, so that it moves. */
  async moveAway(): Promise<void> {
    const { picture, seed, former, edition } = this.#own;
    if (!picture) return;
    const { rng, now } = this.#env.ports;
    const fresh = { seed: rng(32), key: rng(32), revision: now(), published: 0 };
    await this.#set({ ...fresh, former: [...former, seed].slice(-MAX_FORMER), edition: edition + 1 });
    this.#soon(0);
  }

  /** Somebody became a contact, or may be told things again. */
  begun(session: Session): void {
    this.#tellDue(session);
    void this.#pictures.fetch(session.id);
  }

  keep(contact: Uint8Array, { content }: Envelope): readonly Change[] {
    return content.type === 'profile' ? this.#pictures.told(hex(contact), content.record) : [];
  }

  taken(conversation: string, { content }: Envelope): void {
    const session = this.#env.session(conversation);
    if (content.type === 'profile' || content.type === 'accepted') if (session) this.begun(session);
    if (content.type === 'profile') this.#env.changed();
  }

  ended(conversation: string): Change[] {
    return this.#pictures.forget(conversation);
  }

  /** The records of the own profile are no more. Rejects with RemoteError. */
  async withdraw(): Promise<void> {
    this.stop();
    const { picture, revision, seed, former } = this.#own;
    const later = Math.max(revision + 1, this.#env.ports.now());
    const seeds = picture ? [seed, ...former] : former;
    await Promise.all(seeds.map((each) => this.#putRecord(emptyProfile(signKeypair(each), later))));
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#pictures.stop();
  }

  get #ref(): ProfileRef | undefined {
    const { picture, seed, key } = this.#own;
    return picture && { owner: signKeypair(seed).public, key };
  }

  #set(fields: Partial<Own>): Promise<void> {
    this.#own = { ...this.#own, ...fields };
    const write = (): Promise<void> =>
      this.#env.store.write([{ table: 'settings', key: 'profile', value: encode(ownCodec, this.#own) }]);
    const done = this.#tail.then(write);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  #tellAll(): void {
    for (const session of this.#env.sessions()) this.#tellDue(session);
  }

  /** What they were not told yet, once it can be found. */
  #tellDue(session: Session): void {
    const { contacts, profile } = this.#env;
    const { edition, picture, published } = this.#own;
    const contact = contacts.get(session.id);
    const mayKnow = contacts.state(session.id) === 'active' && !contact?.blocked;
    if (!mayKnow || contact?.edition === edition || (picture && published === 0)) return;
    const { name } = profile.settings;
    if (this.#telling.has(session.id)) return;
    this.#telling.add(session.id);
    const told = (): Change[] => [contacts.change(session.id, { edition })];
    void session.tell({ type: 'profile', name, record: this.#ref }, told).then(
      () => this.#telling.delete(session.id) && this.#tellDue(session),
      () => this.#telling.delete(session.id),
    );
  }

  #soon(delayMs: Millis): void {
    this.#cancel?.();
    if (!this.#stopped) this.#cancel = this.#env.ports.timer(delayMs, () => void this.#publish());
  }

  /** Until the directory has what is true. */
  async #publish(): Promise<void> {
    if (this.#publishing) return;
    this.#publishing = true;
    let next = LOOK_MS;
    try {
      await this.#erase();
      await this.#put();
      this.#retryMs = RETRY_MS;
    } catch {
      next = this.#retryMs;
      this.#retryMs = Math.min(RETRY_MOST_MS, 2 * this.#retryMs);
    }
    this.#publishing = false;
    this.#soon(next);
    this.#tellAll();
  }

  async #erase(): Promise<void> {
    for (const seed of this.#own.former) {
      await this.#putRecord(emptyProfile(signKeypair(seed), this.#env.ports.now()));
      await this.#set({ former: this.#own.former.filter((each) => !equal(each, seed)) });
    }
  }

  async #put(): Promise<void> {
    const { now, rng } = this.#env.ports;
    for (;;) {
      const { seed, key, picture, published, revision } = this.#own;
      const fresh = picture ? now() - published < REFRESH_MS : published > 0;
      if (fresh || revision === 0) return;
      const owner = signKeypair(seed);
      // A record that is written again has to be a later one.
      const next = published > 0 ? Math.max(revision + 1, now()) : revision;
      const record = picture ? sealProfile(rng, owner, key, next, picture) : emptyProfile(owner, next);
      await this.#putRecord(record);
      // Another one may have been set meanwhile.
      if (this.#own.revision === revision) await this.#set({ published: now(), revision: next });
    }
  }

  async #putRecord(record: SignedRecord): Promise<void> {
    await this.#env.network.ask('record', { type: 'put-record', ...record });
  }
}
