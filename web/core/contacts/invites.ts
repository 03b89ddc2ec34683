import { equal, hex } from '#shared/bytes/bytes.ts';
import { bool, decode, encode, fixed, struct, text, u32, u64, u8, type Value } from '#shared/bytes/codec.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { LocalError, RemoteError } from '#shared/errors.ts';
import { decodeAddress, encodeAddress } from '#shared/rendezvous/address.ts';
import type { Millis } from '#shared/units.ts';
import type { InvitePreview, InviteView } from '#web/api.ts';
import { MAX_NAME } from '#web/core/conversation/content.ts';
import { TOKEN_LENGTH } from '#web/core/conversation/frames.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

const DAY_MS: Millis = 86_400_000;
const DEFAULT_DAYS = 7;
const MOST_DAYS = 30;

const VERSION = 1;
const MARK = '#i/';

/**
 * The secret part of an invite link, behind `#i/` and so never sent to a server: base64url without padding of
 *
 *     version (1) ‖ address public key (32) ‖ token (16) ‖ expires, ms (8) ‖ length (2) ‖ name
 */
const inviteCodec = struct({
  version: u8,
  address: fixed(32),
  token: fixed(TOKEN_LENGTH),
  expiresAt: u64,
  name: text(MAX_NAME),
});
export type Invite = Value<typeof inviteCodec>;

const storedCodec = struct({
  token: fixed(TOKEN_LENGTH),
  createdAt: u64,
  expiresAt: u64,
  /** Good until it expires, and how many contacts came by it. */
  reusable: bool,
  uses: u32,
  link: text(1024),
  /** The user made it, and is shown it. */
  shown: bool,
});
type Stored = Value<typeof storedCodec>;

const encode64 = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const decode64 = (value: string): Uint8Array => {
  if (!/^[A-Za-z0-9_-]*$/.test(value)) throw new RemoteError('bad-invite');
  try {
    const binary = atob(value.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    throw new RemoteError('bad-invite');
  }
};

/** Takes a link, or its part from `#i/` on. Throws `bad-invite`, `bad-version` or `expired`. */
export const readInvite = (link: string, now: Millis): Invite => {
  const at = link.indexOf(MARK);
  if (at < 0) throw new RemoteError('bad-invite', 'this is no invite link: it has to contain #i/');
  return decodeInvite(decode64(link.slice(at + MARK.length).trim()), now);
};

export const encodeInvite = (invite: Omit<Invite, 'version'>): Uint8Array =>
  encode(inviteCodec, { version: VERSION, ...invite });

/** Throws as `readInvite` does. */
export const decodeInvite = (payload: Uint8Array, now: Millis): Invite => {
  let invite: Invite;
  try {
    invite = decode(inviteCodec, payload);
    decodeAddress(encodeAddress(invite.address));
  } catch {
    throw new RemoteError('bad-invite', 'the link is not whole: copy all of it');
  }
  if (invite.version !== VERSION) throw new RemoteError('bad-version', 'the invite is of another version');
  if (invite.expiresAt <= now) throw new RemoteError('expired', 'the invite is too old: ask for a new one');
  return invite;
};

export const previewOf = ({ address, name, expiresAt }: Invite): InvitePreview => ({
  address: encodeAddress(address),
  name,
  expiresAt,
});

/** What a token is good for. */
export type Redemption = {
  /** It was given to one person, so whoever comes by it is wanted; by any other they ask. */
  wanted: boolean;
  /** It is no invite's, but good for who is in a group with the user. */
  fellow?: boolean;
  /** It is used: the changes are to be written with the conversation that it begins. */
  use(): Change[];
};

export type InviteOptions = { reusable?: boolean; days?: number };
type Own = { address: Uint8Array; name: string };

/** The invites that this user gave out and that may still be used. */
export class Invites {
  readonly #store: Store;
  readonly #open = new Map<string, Stored>();

  private constructor(store: Store) {
    this.#store = store;
  }

  static async load(store: Store, now: Millis): Promise<Invites> {
    const invites = new Invites(store);
    const old: Change[] = [];
    for (const [key, value] of await store.all('invites')) {
      const invite = decode(storedCodec, value);
      if (invite.expiresAt > now) invites.#open.set(key, invite);
      else old.push({ table: 'invites', key, value: undefined });
    }
    if (old.length > 0) await store.write(old);
    return invites;
  }

  /** Throws LocalError `malformed` for another number of days than 1 to 30. */
  async create(
    origin: string,
    own: Own,
    { reusable = false, days = DEFAULT_DAYS }: InviteOptions,
    rng: Rng,
    now: Millis,
  ): Promise<InviteView> {
    if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS)
      throw new LocalError('malformed', `an invite is good for 1 to ${String(MOST_DAYS)} days`);
    const token = rng(TOKEN_LENGTH);
    const expiresAt = now + days * DAY_MS;
    const payload = encodeInvite({ ...own, token, expiresAt });
    const link = `${origin}/${MARK}${encode64(payload)}`;
    const invite = { token, createdAt: now, expiresAt, reusable, uses: 0, link, shown: true };
    await this.#store.write([stored(invite)]);
    this.#open.set(hex(token), invite);
    return viewOf(invite);
  }

  /** For one person, to whom this program gives it; the change is to be written before they have it. */
  createUnshown(own: Own, rng: Rng, now: Millis): { invite: Uint8Array; change: Change } {
    const token = rng(TOKEN_LENGTH);
    const expiresAt = now + MOST_DAYS * DAY_MS;
    const made = { token, createdAt: now, expiresAt, reusable: false, uses: 0, link: '', shown: false };
    this.#open.set(hex(token), made);
    return { invite: encodeInvite({ ...own, token, expiresAt }), change: stored(made) };
  }

  /** The newest first. */
  list(now: Millis): InviteView[] {
    const open = [...this.#open.values()].filter(({ expiresAt, shown }) => shown && expiresAt > now);
    return open.sort((a, b) => b.createdAt - a.createdAt).map(viewOf);
  }

  /** Throws LocalError `not-found`. */
  async revoke(id: string): Promise<void> {
    if (!this.#open.has(id)) throw new LocalError('not-found', 'no such invite');
    await this.#store.write([{ table: 'invites', key: id, value: undefined }]);
    this.#open.delete(id);
  }

  /** Undefined when no such invite is open. */
  redeem(token: Uint8Array, now: Millis): Redemption | undefined {
    const [key, invite] = [...this.#open].find(([, each]) => equal(each.token, token)) ?? [];
    if (!key || !invite || invite.expiresAt <= now) return undefined;
    return { wanted: !invite.reusable, use: () => [this.#used(key, invite)] };
  }

  #used(key: string, { reusable, uses, ...rest }: Stored): Change {
    if (!reusable) {
      this.#open.delete(key);
      return { table: 'invites', key, value: undefined };
    }
    const used = { ...rest, reusable, uses: uses + 1 };
    this.#open.set(key, used);
    return stored(used);
  }
}

const stored = (invite: Stored): Change => ({
  table: 'invites',
  key: hex(invite.token),
  value: encode(storedCodec, invite),
});

const viewOf = ({ token, shown: _, ...rest }: Stored): InviteView => ({ id: hex(token), ...rest });
