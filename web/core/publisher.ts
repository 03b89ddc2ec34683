import { uniformBetween } from '#shared/crypto/rng.ts';
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
import { boxOf } from '#web/core/mail/box.ts';
import type { FirstBoxes } from '#web/core/mail/first-boxes.ts';
import type { Profile, User } from '#web/core/profile.ts';

const RETRY_MS: Millis = 2000;
/** How often it looks whether a new period has begun. */
const LOOK_MS: Millis = 10 * 60_000;
/** Between two descriptors of periods to come, at random: one after the other, they would show whose they are. */
const AHEAD_LEAST_MS: Millis = 10_000;
const AHEAD_MOST_MS: Millis = 60_000;

/** Asks the directory for what may cost a token. */
export type Pay = Network['ask'];

type Env = {
  pay: Pay;
  profile: Pick<Profile, 'keyPackage'>;
  user: User;
  ports: Host['ports'];
  firstBoxes: FirstBoxes;
};

/**
 * Keeps this user's contact descriptor at the directory true; and those of the periods to come, without inboxes, so that
 * who is away for days can still be found, and written to.
 */
export class Publisher {
  readonly #env: Env;
  #inboxes: InboxRef[] = [];
  #revision = 0;
  #cancel: (() => void) | undefined;
  #cancelAhead: (() => void) | undefined;
  #busy = false;
  #stale = false;
  #published = false;
  #stopped = false;

  constructor(env: Env) {
    this.#env = env;
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
    this.#stopped = true;
    this.#cancel?.();
    this.#cancelAhead?.();
  }

  /**
   * What is published for now leads nowhere any more. What is published for periods to come has no inboxes, and stays: taken back
   * at one time, those would show that they are of one user.
   */
  async withdraw(): Promise<void> {
    this.stop();
    const nothing = { inboxes: [], keyPackage: new Uint8Array(0), mailbox: undefined };
    await this.#put('publish', periodOf(this.#env.ports.now()), nothing);
  }

  #soon(delayMs: Millis): void {
    this.#cancel?.();
    if (!this.#stopped) this.#cancel = this.#env.ports.timer(delayMs, () => void this.#publish());
  }

  async #publish(): Promise<void> {
    if (this.#busy || this.#inboxes.length === 0) return;
    this.#busy = true;
    this.#stale = false;
    let next = LOOK_MS;
    try {
      await this.#send('publish', periodOf(this.#env.ports.now()), this.#inboxes);
      this.#published = true;
    } catch {
      // Whatever it was, the directory does not hold what is true; it is tried until it does.
      this.#stale = true;
    }
    this.#busy = false;
    if (this.#stale) next = RETRY_MS;
    else this.#aheadSoon();
    this.#soon(next);
  }

  #aheadSoon(): void {
    const { ports, firstBoxes } = this.#env;
    const [period] = firstBoxes.unpublished(ports.now());
    if (period === undefined || this.#cancelAhead || this.#stopped) return;
    const delayMs = uniformBetween(ports.rng, AHEAD_LEAST_MS, AHEAD_MOST_MS);
    this.#cancelAhead = ports.timer(delayMs, () => void this.#publishAhead(period));
  }

  async #publishAhead(period: number): Promise<void> {
    try {
      await this.#send('ahead', period, []);
      await this.#env.firstBoxes.published(period);
    } catch {
      // The next look at the present one brings it up again.
    }
    this.#cancelAhead = undefined;
    if (!this.#env.firstBoxes.unpublished(this.#env.ports.now()).includes(period)) this.#aheadSoon();
  }

  async #send(purpose: 'publish' | 'ahead', period: number, inboxes: InboxRef[]): Promise<void> {
    const { profile, user, ports, firstBoxes } = this.#env;
    const now = ports.now();
    const { public: keyPackage } = await profile.keyPackage(user, period, periodOf(now));
    const { public: mailbox } = boxOf(await firstBoxes.of(period, now));
    await this.#put(purpose, period, { inboxes, keyPackage, mailbox });
  }

  async #put(purpose: 'publish' | 'ahead', period: number, descriptor: ContactDescriptor): Promise<void> {
    const { user, ports, pay } = this.#env;
    // Time rises over reloads too, and one publication a millisecond is enough.
    this.#revision = Math.max(this.#revision + 1, ports.now());
    const keys = { public: user.address.public, secretSeed: user.address.secret };
    const published = sealContact(ports.rng, keys, period, this.#revision, descriptor);
    await pay(purpose, { type: 'publish', ...published });
  }
}

/**
 * Fetches what a contact published: for this period, or else for the last. Who has been there since the last one, and not
 * yet in this one, has inboxes only there. Throws RemoteError `not-found` and others.
 */
export const lookUp = async (
  network: Network,
  address: Uint8Array,
  now: Millis,
): Promise<ContactDescriptor> => {
  const at = async (period: number): Promise<ContactDescriptor | undefined> => {
    const id = descriptorId(blindedAddress(address, period), period);
    try {
      const response = await network.ask('lookup', { type: 'lookup', descriptorId: id });
      if (response.type !== 'descriptor' || response.period !== period)
        throw new RemoteError('unexpected', 'not the descriptor that was asked for');
      return openContact(address, response, now);
    } catch (error) {
      if (codeOf(error) === 'not-found') return undefined;
      throw error;
    }
  };
  const present = await at(periodOf(now));
  if (present && present.inboxes.length > 0) return present;
  const last = await at(periodOf(now) - 1);
  if (!present && !last) throw new RemoteError('not-found');
  return present ? { ...present, inboxes: last?.inboxes ?? [] } : (last as ContactDescriptor);
};
