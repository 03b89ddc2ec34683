import type { InboxRef } from '#shared/node/input.ts';
import {
  openContact,
  periodOf,
  sealContact,
  blindedAddress,
  descriptorId,
  type ContactDescriptor,
} from '#shared/rendezvous/contact.ts';
import { RemoteError, codeOf } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import type { Profile, User } from '#web/core/profile.ts';

const RETRY_MS: Millis = 2000;
/** How often it looks whether a new period has begun. */
const LOOK_MS: Millis = 10 * 60_000;

/** Asks the directory for what may cost a token. */
export type Pay = Network['ask'];

/** Keeps this user's contact descriptor at the directory true. */
export class Publisher {
  readonly #pay: Pay;
  readonly #profile: Profile;
  readonly #user: User;
  readonly #ports: Host['ports'];
  #inboxes: InboxRef[] = [];
  #revision = 0;
  #cancel: (() => void) | undefined;
  #busy = false;
  #stale = false;
  #published = false;

  constructor(pay: Pay, profile: Profile, user: User, ports: Host['ports']) {
    this.#pay = pay;
    this.#profile = profile;
    this.#user = user;
    this.#ports = ports;
  }

  /** Whether contacts can find what is true now. */
  get published(): boolean {
    return this.#published;
  }

  update(inboxes: InboxRef[]): void {
    this.#inboxes = inboxes;
    this.#stale = true;
    this.#soon(0);
  }

  stop(): void {
    this.#cancel?.();
  }

  #soon(delayMs: Millis): void {
    this.#cancel?.();
    this.#cancel = this.#ports.timer(delayMs, () => void this.#publish());
  }

  async #publish(): Promise<void> {
    if (this.#busy || this.#inboxes.length === 0) return;
    this.#busy = true;
    this.#stale = false;
    let next = LOOK_MS;
    try {
      await this.#send();
      this.#published = true;
    } catch {
      // Whatever it was, the directory does not hold what is true; it is tried until it does.
      this.#stale = true;
    }
    this.#busy = false;
    if (this.#stale) next = RETRY_MS;
    this.#soon(next);
  }

  async #send(): Promise<void> {
    const user = this.#user;
    const now = this.#ports.now();
    const period = periodOf(now);
    const { public: keyPackage } = await this.#profile.keyPackage(user, period);
    // Time rises over reloads too, and one publication a millisecond is enough.
    this.#revision = Math.max(this.#revision + 1, now);
    const descriptor = { inboxes: this.#inboxes, keyPackage };
    const keys = { public: user.address.public, secretSeed: user.address.secret };
    const published = sealContact(this.#ports.rng, keys, period, this.#revision, descriptor);
    await this.#pay('publish', { type: 'publish', ...published });
  }
}

/** Fetches what a contact published: in this period, or else in the last. Throws RemoteError `not-found` and others. */
export const lookUp = async (
  network: Network,
  address: Uint8Array,
  now: Millis,
): Promise<ContactDescriptor> => {
  const at = async (period: number): Promise<ContactDescriptor> => {
    const id = descriptorId(blindedAddress(address, period), period);
    const response = await network.ask('lookup', { type: 'lookup', descriptorId: id });
    if (response.type !== 'descriptor') throw new RemoteError('unexpected', 'not a descriptor');
    return openContact(address, response, now);
  };
  try {
    return await at(periodOf(now));
  } catch (error) {
    if (codeOf(error) !== 'not-found') throw error;
    return at(periodOf(now) - 1);
  }
};
