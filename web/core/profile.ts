import { equal, hex } from '#shared/bytes/bytes.ts';
import {
  bool,
  choice,
  decode,
  encode,
  fixed,
  list,
  struct,
  text,
  u32,
  u64,
  type Codec,
  type Value,
} from '#shared/bytes/codec.ts';
import { nodeIdCodec } from '#shared/bytes/fields.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { signKeypair, type SignKeypair } from '#shared/crypto/sign.ts';
import type { Guard } from '#shared/path/guards.ts';
import { MAX_MIDDLES, type Middle } from '#shared/path/middles.ts';
import type { Millis } from '#shared/units.ts';
import {
  decodeIdentity,
  encodeIdentity,
  makeIdentity,
  type Identity,
  type OwnKeyPackage,
} from '#web/core/conversation/identity.ts';
import { KeyPackages } from '#web/core/conversation/key-packages.ts';
import type { Store } from '#web/core/store/ports.ts';

/** How long the address vouches for the MLS key. */
export const CREDENTIAL_MS: Millis = 365 * 86_400_000;

/** A tab that is back within this time is the same node as before. */
const SESSION_MS: Millis = 10 * 60_000;
/** How often a tab says that it is still there. */
export const SESSION_MARK_MS: Millis = 60_000;

const sessionCodec = struct({ seed: fixed(32), seenAt: u64 });

/** A field at a record's end that one from before it does not have: then it is `initial`. */
const later = <T>(codec: Codec<T>, initial: T): Codec<T> => ({
  write: codec.write,
  read: (reader) => (reader.remaining === 0 ? initial : codec.read(reader)),
});

const settingsCodec = struct({
  name: text(64),
  relaying: bool,
  readReceipts: bool,
  avoided: list(nodeIdCodec, 1000),
  // It costs traffic and battery all the time, which is the user's to spend.
  cover: later(choice(['off', 'light', 'full']), 'off'),
  hideAddress: later(bool, false),
});
const guardsCodec = list(
  struct({ id: nodeIdCodec, addedAt: u64, lastListed: u64, failures: u32, retryAt: u64 }),
  64,
);

const middlesCodec = list(struct({ id: nodeIdCodec, until: u64, lastListed: u64 }), MAX_MIDDLES);

export type SettingsRecord = Value<typeof settingsCodec>;
export type User = { address: SignKeypair; identity: Identity };

const defaults: SettingsRecord = {
  ...{ name: '', relaying: true, readReceipts: false, avoided: [], cover: 'off', hideAddress: false },
};

/** Who this user is, and what they set: as the store keeps it. */
export class Profile {
  readonly #store: Store;
  readonly #rng: Rng;
  settings: SettingsRecord = defaults;
  guards: Guard[] = [];
  middles: Middle[] = [];
  /** What convicted a directory. */
  evidence: Uint8Array | undefined;
  user: User | undefined;
  #session: Uint8Array = new Uint8Array(0);
  readonly #keyPackages: KeyPackages;

  private constructor(store: Store, rng: Rng) {
    this.#store = store;
    this.#rng = rng;
    this.#keyPackages = new KeyPackages(store, 'package');
  }

  static async load(store: Store, rng: Rng): Promise<Profile> {
    const profile = new Profile(store, rng);
    const settings = await store.get('settings', 'settings');
    const guards = await store.get('guards', 'guards');
    if (settings) profile.settings = decode(settingsCodec, settings);
    profile.evidence = await store.get('guards', 'evidence');
    if (guards) profile.guards = decode(guardsCodec, guards);
    const middles = await store.get('guards', 'middles');
    if (middles) profile.middles = decode(middlesCodec, middles);
    const records = new Map(await store.all('identity'));
    const [seed, identity] = [records.get('seed'), records.get('mls')];
    if (seed && identity) profile.user = { address: signKeypair(seed), identity: decodeIdentity(identity) };
    profile.#keyPackages.load(records);
    return profile;
  }

  get keyPackages(): OwnKeyPackage[] {
    return this.#keyPackages.all;
  }

  /** Makes the identity at the first call. */
  async begin(name: string, now: Millis): Promise<User> {
    if (this.user) return this.user;
    const seed = this.#rng(32);
    const address = signKeypair(seed);
    const identity = makeIdentity(this.#rng, address, now + CREDENTIAL_MS);
    const settings = { ...this.settings, name };
    await this.#store.write([
      { table: 'identity', key: 'seed', value: seed },
      { table: 'identity', key: 'mls', value: encodeIdentity(identity) },
      { table: 'settings', key: 'settings', value: encode(settingsCodec, settings) },
    ]);
    this.settings = settings;
    this.user = { address, identity };
    return this.user;
  }

  async set(changes: Partial<SettingsRecord>): Promise<void> {
    const settings = { ...this.settings, ...changes };
    await this.#store.write([{ table: 'settings', key: 'settings', value: encode(settingsCodec, settings) }]);
    this.settings = settings;
  }

  /** The seed of this session's node key: that of a moment ago, or a new one. */
  async session(now: Millis): Promise<Uint8Array> {
    const record = await this.#store.get('identity', 'session');
    const known = record && decode(sessionCodec, record);
    this.#session = known && now - known.seenAt < SESSION_MS ? known.seed : this.#rng(32);
    await this.markSession(now);
    return this.#session;
  }

  async markSession(now: Millis): Promise<void> {
    const value = encode(sessionCodec, { seed: this.#session, seenAt: now });
    await this.#store.write([{ table: 'identity', key: 'session', value }]);
  }

  async keepGuards(guards: Guard[]): Promise<void> {
    this.guards = guards;
    await this.#store.write([{ table: 'guards', key: 'guards', value: encode(guardsCodec, guards) }]);
  }

  async keepMiddles(middles: Middle[]): Promise<void> {
    this.middles = middles;
    await this.#store.write([{ table: 'guards', key: 'middles', value: encode(middlesCodec, middles) }]);
  }

  async keepEvidence(evidence: Uint8Array): Promise<void> {
    this.evidence = evidence;
    await this.#store.write([{ table: 'guards', key: 'evidence', value: evidence }]);
  }

  /** The key package of a period, made at the first call; those too old at the `present` one to be used are erased. */
  keyPackage({ identity }: User, period: number, present: number): Promise<OwnKeyPackage> {
    return this.#keyPackages.of(identity, period, present);
  }

  isSelf(address: Uint8Array): boolean {
    return this.user !== undefined && equal(this.user.address.public, address);
  }

  get id(): string | undefined {
    return this.user && hex(this.user.address.public);
  }
}
