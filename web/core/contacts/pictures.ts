import { equal } from '#shared/bytes/bytes.ts';
import { bytes, decode, encode, struct, u64, type Value } from '#shared/bytes/codec.ts';
import { keyCodec, versioned } from '#shared/bytes/fields.ts';
import { uniformBetween } from '#shared/crypto/rng.ts';
import { recordId } from '#shared/directory/records.ts';
import { codeOf, RemoteError, type Code } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import { PART, type Contacts } from '#web/core/contacts/contacts.ts';
import {
  MAX_PICTURE,
  openProfile,
  PROFILE_SLOT,
  type ProfileRef,
} from '#web/core/contacts/profile-record.ts';
import type { FeatureEnv } from '#web/core/feature.ts';
import type { Change } from '#web/core/store/ports.ts';

const RETRY_MS: Millis = 5000;
const RETRY_MOST_MS: Millis = 10 * 60_000;

/** With these another try may come to something else. */
const passing: readonly Code[] = [
  ...(['timeout', 'unreachable', 'link-lost', 'destroyed', 'finished', 'refused', 'try-later'] as const),
  ...(['too-small-network', 'no-consensus', 'too-many', 'not-found', 'internal'] as const),
];

/** A contact's picture, under id/picture in the table `contacts`, with the record that it came in. */
const keptCodec = versioned(1, struct({ owner: keyCodec, revision: u64, picture: bytes(MAX_PICTURE) }));
type Kept = Value<typeof keptCodec>;

const PICTURE = `${PART}picture`;

type Env = Pick<FeatureEnv, 'store' | 'ports' | 'network' | 'session' | 'changed'> & { contacts: Contacts };

/** The pictures of contacts, fetched from where each said that theirs stands. */
export class Pictures {
  readonly #env: Env;
  readonly #kept = new Map<string, Kept>();
  readonly #fetching = new Set<string>();
  /** Of a fetch that failed: how long the next waits, and what stops that. */
  readonly #failed = new Map<string, { delayMs: Millis; cancel: () => void }>();
  #stopped = false;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Rejects with LocalError `storage`. */
  async load(): Promise<void> {
    for (const [key, value] of await this.#env.store.all('contacts'))
      if (key.endsWith(PICTURE)) this.#kept.set(key.slice(0, -PICTURE.length), decode(keptCodec, value));
  }

  of(conversation: string): Uint8Array | null {
    return this.#kept.get(conversation)?.picture ?? null;
  }

  /** The contact says where theirs stands now, or that there is none: what that changes. */
  told(id: string, profile: ProfileRef | undefined): Change[] {
    const change = this.#env.contacts.change(id, { profile, due: profile !== undefined });
    return profile ? [change] : [change, ...this.forget(id)];
  }

  /** What is kept of somebody is no more. */
  forget(id: string): Change[] {
    this.#failed.get(id)?.cancel();
    this.#failed.delete(id);
    if (!this.#kept.delete(id)) return [];
    return [{ table: 'contacts', key: `${id}${PICTURE}`, value: undefined }];
  }

  /** Of a contact who was let in; what is at hand already is not fetched again. */
  async fetch(id: string): Promise<void> {
    const { contacts, network } = this.#env;
    const { profile, due, blocked, wanted } = contacts.get(id) ?? {};
    if (!profile || !due || blocked || !wanted || this.#fetching.has(id) || this.#stopped) return;
    this.#fetching.add(id);
    let failed: Code | undefined;
    try {
      const response = await network.ask('record', {
        type: 'get-record',
        recordId: recordId(profile.owner, PROFILE_SLOT),
      });
      if (response.type !== 'record') throw new RemoteError('unexpected');
      const known = this.#kept.get(id);
      const former = known && equal(known.owner, profile.owner) ? known.revision : 0;
      if (response.revision < former) throw new RemoteError('stale', 'an earlier picture');
      const picture = openProfile(profile, response);
      await this.#got(id, profile, picture && { owner: profile.owner, revision: response.revision, picture });
    } catch (error) {
      failed = codeOf(error);
    }
    this.#fetching.delete(id);
    await this.#after(id, profile, failed);
  }

  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#failed.values()) cancel();
  }

  async #got(id: string, profile: ProfileRef, kept: Kept | undefined): Promise<void> {
    const { contacts, session, changed } = this.#env;
    await session(id)?.also(() => {
      if (!isSame(contacts.get(id)?.profile, profile)) return [];
      const change = contacts.change(id, { due: false });
      if (!kept) return [change, ...this.forget(id)];
      this.#kept.set(id, kept);
      return [change, { table: 'contacts', key: `${id}${PICTURE}`, value: encode(keptCodec, kept) }];
    });
    changed();
  }

  /** Another try, where that may help; or at once, where they have moved their profile meanwhile. */
  async #after(id: string, profile: ProfileRef, failed: Code | undefined): Promise<void> {
    const before = this.#failed.get(id);
    before?.cancel();
    this.#failed.delete(id);
    if (!isSame(this.#env.contacts.get(id)?.profile, profile)) return this.fetch(id);
    if (failed === undefined || this.#stopped) return;
    if (!passing.includes(failed)) return this.#got(id, profile, this.#kept.get(id)).catch(() => undefined);
    const { rng, timer } = this.#env.ports;
    const delayMs = Math.min(RETRY_MOST_MS, 2 * (before?.delayMs ?? RETRY_MS));
    const cancel = timer(uniformBetween(rng, delayMs / 2, delayMs), () => void this.fetch(id));
    this.#failed.set(id, { delayMs, cancel });
  }
}

const isSame = (a: ProfileRef | undefined, b: ProfileRef): boolean =>
  a !== undefined && equal(a.owner, b.owner) && equal(a.key, b.key);
