import { equal, hex } from '#shared/bytes/bytes.ts';
import { decode, encode, fixed, struct, text, u64, u8, type Value } from '#shared/bytes/codec.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { RemoteError } from '#shared/errors.ts';
import { decodeAddress, encodeAddress } from '#shared/rendezvous/address.ts';
import type { Millis } from '#shared/units.ts';
import type { InvitePreview, InviteView } from '#web/api.ts';
import { MAX_NAME } from '#web/core/conversation/content.ts';
import { TOKEN_LENGTH } from '#web/core/conversation/frames.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

export const INVITE_LIFE_MS: Millis = 7 * 86_400_000;

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

const storedCodec = struct({ token: fixed(TOKEN_LENGTH), createdAt: u64, expiresAt: u64, link: text(1024) });

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

/** Takes a link, or its part from `#i/` on. Throws `bad-invite` or `expired`. */
export const readInvite = (link: string, now: Millis): Invite => {
  const at = link.indexOf(MARK);
  if (at < 0) throw new RemoteError('bad-invite', 'this is no invite link: it has to contain #i/');
  const payload = decode64(link.slice(at + MARK.length).trim());
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

/** The invites that this user gave out and that may still be used. */
export class Invites {
  readonly #store: Store;
  readonly #open = new Map<string, Value<typeof storedCodec>>();

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

  async create(
    origin: string,
    own: { address: Uint8Array; name: string },
    rng: Rng,
    now: Millis,
  ): Promise<InviteView> {
    const token = rng(TOKEN_LENGTH);
    const expiresAt = now + INVITE_LIFE_MS;
    const payload = encode(inviteCodec, { version: VERSION, ...own, token, expiresAt });
    const link = `${origin}/${MARK}${encode64(payload)}`;
    const invite = { token, createdAt: now, expiresAt, link };
    await this.#store.write([{ table: 'invites', key: hex(token), value: encode(storedCodec, invite) }]);
    this.#open.set(hex(token), invite);
    return { link, createdAt: now, expiresAt };
  }

  /** What to write with the one conversation that this token begins; undefined when no such invite is open. */
  redeem(token: Uint8Array, now: Millis): Change[] | undefined {
    const known = [...this.#open].find(([, invite]) => equal(invite.token, token));
    if (!known || known[1].expiresAt <= now) return undefined;
    const [key] = known;
    this.#open.delete(key);
    return [{ table: 'invites', key, value: undefined }];
  }
}
