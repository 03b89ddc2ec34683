import { equal, hex } from '#shared/bytes/bytes.ts';
import { bool, decode, encode, fixed, list, struct, u64, type Value } from '#shared/bytes/codec.ts';
import { keyCodec, versioned } from '#shared/bytes/fields.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import {
  HANDLE_LIFE_MS,
  handleNameCodec,
  isHandle,
  signHandle,
  verifyHandle,
} from '#shared/directory/records.ts';
import { LocalError, RemoteError, codeOf } from '#shared/errors.ts';
import type { InboxRef } from '#shared/node/input.ts';
import type { Millis } from '#shared/units.ts';
import { decodeInvite, encodeInvite, type Invite, type Redemption } from '#web/core/contacts/invites.ts';
import { patiently } from '#web/core/contacts/patience.ts';
import { TOKEN_LENGTH } from '#web/core/conversation/frames.ts';
import {
  identityCodec,
  makeIdentity,
  type Identity,
  type OwnKeyPackage,
} from '#web/core/conversation/identity.ts';
import { KeyPackages } from '#web/core/conversation/key-packages.ts';
import type { Host } from '#web/core/host.ts';
import type { FirstBoxes } from '#web/core/mail/first-boxes.ts';
import type { Network } from '#web/core/network.ts';
import { CREDENTIAL_MS, type User } from '#web/core/profile.ts';
import { Publisher, type Pay } from '#web/core/publisher.ts';
import type { Store } from '#web/core/store/ports.ts';

/** A handle ends 30 days after it was last renewed; so a third of that may pass in which this client is away. */
const RENEW_MS: Millis = HANDLE_LIFE_MS / 3;
const RETRY_MS: Millis = 60_000;
const LOOK_MS: Millis = 3_600_000;
const MOST_GIVEN = 16;

/**
 * A handle, under `handle` in the table `identity`. What it leads to is an address made for it alone, whose key signs the
 * handle too: who asks there learns nothing of the user's own address before they are let in.
 */
const takenCodec = struct({
  name: handleNameCodec,
  seed: keyCodec,
  identity: identityCodec,
  token: fixed(TOKEN_LENGTH),
  /** When it was last renewed, ms. */
  revision: u64,
});
type Taken = Value<typeof takenCodec>;

/** At most one is kept; those given up are erased at the directory as soon as that can be. */
const recordCodec = versioned(1, struct({ on: bool, taken: list(takenCodec, MOST_GIVEN) }));

type Env = {
  store: Store;
  ports: Host['ports'];
  network: Network;
  pay: Pay;
  boxes: FirstBoxes;
  /** Another one, or none: an inbox more or less is needed. */
  changed(): void;
};

/** The user's handle: held at the directory, and answered for at its address. */
export class HandleKeeper {
  readonly #env: Env;
  readonly #packages: KeyPackages;
  #current: Taken | undefined;
  #given: Taken[] = [];
  #publisher: Publisher | undefined;
  #inboxes: InboxRef[] = [];
  #cancel: (() => void) | undefined;
  #retryMs = RETRY_MS;
  #stopped = false;

  private constructor(env: Env) {
    this.#env = env;
    this.#packages = new KeyPackages(env.store, 'handle-package');
  }

  /** Rejects with LocalError `storage`. */
  static async load(env: Env): Promise<HandleKeeper> {
    const keeper = new HandleKeeper(env);
    const records = await env.store.all('identity');
    keeper.#packages.load(records);
    const record = new Map(records).get('handle');
    if (!record) return keeper;
    const { on, taken } = decode(recordCodec, record);
    keeper.#current = on ? taken[0] : undefined;
    keeper.#given = taken.slice(on ? 1 : 0);
    return keeper;
  }

  begin(): void {
    this.#publish();
    this.#soon(0);
  }

  get name(): string | null {
    return this.#current?.name ?? null;
  }

  /** As whom requests are answered, and the key packages that a welcome may be for. */
  get alias(): { identity: Identity; keyPackages: readonly OwnKeyPackage[] } | undefined {
    return this.#current && { identity: this.#current.identity, keyPackages: this.#packages.all };
  }

  /** The token of the handle's record: whoever comes by it asks. */
  redeem(token: Uint8Array): Redemption | undefined {
    const known = this.#current !== undefined && equal(this.#current.token, token);
    return known ? { wanted: false, use: () => [] } : undefined;
  }

  isOwn(address: Uint8Array): boolean {
    return [this.#current, ...this.#given].some((each) => each && equal(each.identity.address, address));
  }

  /** Where the handle's address is to be found. */
  update(inboxes: InboxRef[]): void {
    this.#inboxes = inboxes;
    this.#publisher?.update(inboxes);
  }

  /** Null gives it up. Rejects with LocalError `malformed`, RemoteError `refused` when it is another`s, and with what asking rejects with. */
  async set(name: string | null): Promise<void> {
    if (name === this.name) return;
    const next = name === null ? undefined : await this.#take(name);
    const former = this.#current;
    const given = former ? [former, ...this.#given].slice(0, MOST_GIVEN - 1) : this.#given;
    await this.#keep(next, given, former !== undefined);
    this.#publisher?.stop();
    this.#publisher = undefined;
    this.#inboxes = [];
    this.#publish();
    this.#env.changed();
    this.#soon(0);
  }

  /** Nobody finds the user by it any more. Rejects with RemoteError. */
  async withdraw(): Promise<void> {
    this.stop();
    const all = this.#current ? [this.#current, ...this.#given] : this.#given;
    await Promise.all([this.#publisher?.withdraw(), ...all.map((each) => this.#putNothing(each))]);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#publisher?.stop();
  }

  async #take(name: string): Promise<Taken> {
    if (!isHandle(name))
      throw new LocalError('malformed', 'a handle has 3 to 32 of a-z 0-9 _ . - and begins with a letter');
    const { rng, now } = this.#env.ports;
    const seed = rng(32);
    const identity = makeIdentity(rng, signKeypair(seed), now() + CREDENTIAL_MS);
    const made = { name, seed, identity, token: rng(TOKEN_LENGTH), revision: now() };
    await patiently(this.#env.ports, () => this.#put(made, contentOf(made)));
    return made;
  }

  /** Throws RemoteError `refused` where it is another`s. */
  async #put({ name, seed, revision }: Taken, content: Uint8Array): Promise<void> {
    const handle = signHandle(signKeypair(seed), { name, revision, content });
    await this.#env.pay('handle', { type: 'put-handle', ...handle });
  }

  /** `fresh`: nothing of the former one's address is of use any more. */
  async #keep(current: Taken | undefined, given: Taken[], fresh = false): Promise<void> {
    const taken = current ? [current, ...given] : given;
    const value = encode(recordCodec, { on: current !== undefined, taken });
    const gone = fresh ? [...this.#packages.forget(), ...this.#env.boxes.forget()] : [];
    await this.#env.store.write([{ table: 'identity', key: 'handle', value }, ...gone]);
    this.#current = current;
    this.#given = given;
  }

  #publish(): void {
    if (!this.#current || this.#stopped) return;
    const { pay, ports, boxes } = this.#env;
    const { seed, identity } = this.#current;
    const user: User = { address: signKeypair(seed), identity };
    const profile = {
      keyPackage: (_: User, period: number, present: number) => this.#packages.of(identity, period, present),
    };
    this.#publisher = new Publisher({ pay, ports, user, profile, firstBoxes: boxes });
    if (this.#inboxes.length > 0) this.#publisher.update(this.#inboxes);
  }

  #soon(delayMs: Millis): void {
    this.#cancel?.();
    if (!this.#stopped) this.#cancel = this.#env.ports.timer(delayMs, () => void this.#tend());
  }

  /** Erases what was given up, and renews what is kept in time. */
  async #tend(): Promise<void> {
    try {
      for (const each of [...this.#given]) await this.#erase(each);
      await this.#renew();
      this.#retryMs = RETRY_MS;
      this.#soon(LOOK_MS);
    } catch {
      this.#soon(this.#retryMs);
      this.#retryMs = Math.min(LOOK_MS, 2 * this.#retryMs);
    }
  }

  async #erase(given: Taken): Promise<void> {
    await this.#putNothing(given);
    await this.#keep(
      this.#current,
      this.#given.filter((each) => !equal(each.seed, given.seed)),
    );
  }

  async #putNothing(given: Taken): Promise<void> {
    const now = this.#env.ports.now();
    if (now - given.revision >= HANDLE_LIFE_MS) return;
    try {
      await this.#put({ ...given, revision: Math.max(now, given.revision + 1) }, new Uint8Array(0));
    } catch (error) {
      // Somebody else has it by now.
      if (codeOf(error) !== 'refused') throw error;
    }
  }

  async #renew(): Promise<void> {
    const now = this.#env.ports.now();
    const current = this.#current;
    if (!current || now - current.revision < RENEW_MS) return;
    const renewed = { ...current, revision: now };
    try {
      await this.#put(renewed, contentOf(renewed));
    } catch (error) {
      // It ended while this client was away, and is another`s: there is nothing to hold on to.
      if (codeOf(error) !== 'refused') throw error;
      return this.set(null);
    }
    if (this.#current === current) await this.#keep(renewed, this.#given);
  }
}

const contentOf = ({ name, identity, token, revision }: Taken): Uint8Array =>
  encodeInvite({ address: identity.address, token, expiresAt: revision + HANDLE_LIFE_MS, name: `@${name}` });

/**
 * What a handle leads to: an invite, by which one asks. Throws LocalError `malformed` for what is no handle, RemoteError
 * `not-found`, and `bad-signature`, `bad-invite` or `expired` for an answer that cannot be used.
 */
export const findHandle = async (
  network: Network,
  ports: Pick<Host['ports'], 'now' | 'timer'>,
  name: string,
): Promise<Invite> => {
  if (!isHandle(name)) throw new LocalError('malformed', 'not a handle');
  const handle = await patiently(ports, () => network.ask('handle', { type: 'get-handle', name }));
  if (handle.type !== 'handle' || handle.name !== name) throw new RemoteError('unexpected');
  if (!verifyHandle(handle)) throw new RemoteError('bad-signature');
  if (handle.content.length === 0) throw new RemoteError('not-found', 'nobody goes by this handle any more');
  const invite = decodeInvite(handle.content, ports.now());
  // Who holds the name is who answers there.
  if (hex(invite.address) !== hex(handle.key))
    throw new RemoteError('bad-invite', 'it leads to somebody else');
  return invite;
};
