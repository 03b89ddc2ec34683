import { equal } from '#shared/bytes/bytes.ts';
import {
  bool,
  bytes,
  decode,
  encode,
  fixed,
  mapped,
  optional,
  struct,
  u64,
  u8,
  type Value,
} from '#shared/bytes/codec.ts';
import { SIGN_PUBLIC_LENGTH } from '#shared/crypto/sign.ts';
import { handleNameCodec } from '#shared/directory/records.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import type { ConversationView } from '#web/api.ts';
import { profileRefCodec } from '#web/core/contacts/profile-record.ts';
import { MAX_INVITE } from '#web/core/conversation/content.ts';
import type { Hold } from '#web/core/conversation/session-env.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

const VERSION = 1;

const version = mapped(
  u8,
  (read) => {
    if (read !== VERSION) throw new RemoteError('bad-version');
    return read;
  },
  () => VERSION,
);

/** How this user stands with somebody, under their conversation's id in the table `contacts`. */
export const contactCodec = struct({
  version,
  /** This user takes them as a contact. */
  wanted: bool,
  /** They take this user as one, as far as they have said. */
  wants: bool,
  /** They came, or were sought, because both are in a group. */
  fellow: bool,
  /** They were told that they are wanted. */
  told: bool,
  blocked: bool,
  /** The MLS key that this user goes by; undefined until a group showed one. */
  key: optional(fixed(SIGN_PUBLIC_LENGTH)),
  /** Another one that they have shown since, until the user goes on with it. */
  shown: optional(fixed(SIGN_PUBLIC_LENGTH)),
  /** The user compared the safety number that `key` makes. */
  verified: bool,
  /** Where their sealed profile stands, and whether it is still to be fetched. */
  profile: optional(profileRefCodec),
  due: bool,
  /** Which edition of the own profile they were told. */
  edition: u64,
  /** The handle that led to them, while they go by the address that it names. */
  handle: optional(handleNameCodec),
  /** Their own address's invite, since they let this user in: the conversation is on its way there. */
  moves: optional(bytes(MAX_INVITE)),
});
export type Contact = Value<typeof contactCodec>;

const stranger: Contact = {
  version: VERSION,
  ...{ wanted: false, wants: false, fellow: false, told: false, blocked: false, verified: false },
  ...{ key: undefined, shown: undefined, profile: undefined, due: false, edition: 0 },
  ...{ handle: undefined, moves: undefined },
};

/** Stands behind the id in the keys of what else the table has of a contact. */
export const PART = '/';

/** Who asks for contact and waits, at most; more are sent away until some are answered. */
export const MOST_REQUESTS = 32;

/** The records of all contacts. One is changed in its conversation's turn alone, so that what is written last is what is true. */
export class Contacts {
  readonly #known: Map<string, Contact>;

  private constructor(known: Map<string, Contact>) {
    this.#known = known;
  }

  /** Rejects with LocalError `storage`. */
  static async load(store: Store): Promise<Contacts> {
    const records = (await store.all('contacts')).filter(([key]) => !key.includes(PART));
    try {
      return new Contacts(new Map(records.map(([id, value]) => [id, decode(contactCodec, value)])));
    } catch (error) {
      throw new LocalError('storage', `a stored contact does not parse: ${String(error)}`);
    }
  }

  get(id: string): Contact | undefined {
    return this.#known.get(id);
  }

  /** True at once; the change is to be written. */
  change(id: string, fields: Partial<Contact>): Change {
    const contact = { ...(this.#known.get(id) ?? stranger), ...fields };
    this.#known.set(id, contact);
    return { table: 'contacts', key: id, value: encode(contactCodec, contact) };
  }

  /** Nothing is known of them any more; the change is to be written. */
  forget(id: string): Change {
    this.#known.delete(id);
    return { table: 'contacts', key: id, value: undefined };
  }

  /** Of a conversation's view; undefined for who has no record. */
  state(id: string): ConversationView['state'] | undefined {
    const contact = this.#known.get(id);
    if (!contact) return undefined;
    if (!contact.wanted) return 'invited';
    return contact.wants ? 'active' : 'requested';
  }

  verified(id: string): ConversationView['verified'] {
    const { shown, verified = false } = this.#known.get(id) ?? {};
    if (shown) return 'changed';
    return verified ? 'yes' : 'no';
  }

  blocked(id: string): boolean {
    return this.#known.get(id)?.blocked === true;
  }

  holds(id: string): Hold | undefined {
    const contact = this.#known.get(id);
    if (!contact) return undefined;
    if (contact.blocked || !(contact.wanted || contact.fellow)) return 'everything';
    return contact.shown ? 'contents' : undefined;
  }

  /** Why what is written to them waits, if it does on account of how the user stands with them. */
  waits(id: string): 'blocked' | 'key-changed' | undefined {
    const { blocked, shown } = this.#known.get(id) ?? {};
    if (blocked) return 'blocked';
    return shown ? 'key-changed' : undefined;
  }

  /** Both take each other as contacts, and the other goes by their own address. */
  isContact(id: string): boolean {
    const { wanted, wants, blocked, handle } = this.#known.get(id) ?? stranger;
    return wanted && wants && !blocked && handle === undefined;
  }

  /** Their conversation serves a common group alone, and is shown nowhere. */
  isHidden(id: string): boolean {
    const { wanted, wants, fellow } = this.#known.get(id) ?? stranger;
    return fellow && !wanted && !wants;
  }

  /** Another one that asks would be one too many. */
  get crowded(): boolean {
    const asking = [...this.#known.values()].filter(
      ({ wanted, fellow, blocked }) => !wanted && !fellow && !blocked,
    );
    return asking.length >= MOST_REQUESTS;
  }

  /** Their group shows this key. `changed`: it is another than the user goes by, and was not seen before. */
  seen(id: string, key: Uint8Array): { fields: Partial<Contact>; changed: boolean } {
    const { key: known, shown } = this.#known.get(id) ?? stranger;
    if (!known) return { fields: { key }, changed: false };
    if (equal(known, key)) return { fields: { shown: undefined }, changed: false };
    return { fields: { shown: key }, changed: !shown || !equal(shown, key) };
  }
}
