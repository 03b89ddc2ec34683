import { uniformBetween } from '#shared/crypto/rng.ts';
import { codeOf, type Code } from '#shared/errors.ts';
import type { Handle } from '#shared/node/input.ts';
import type { ContactDescriptor } from '#shared/rendezvous/contact.ts';
import type { Millis } from '#shared/units.ts';
import type { Host } from '#web/core/host.ts';
import { lookUp } from '#web/core/publisher.ts';
import type { Network, OpenChannel } from '#web/core/network.ts';

const RETRY_MS: Millis = 1000;
const RETRY_MOST_MS: Millis = 60_000;
/** One of two contacts waits this long for the other to come, so that they do not both dial. */
const POLITE_MS: Millis = 3000;
/** A descriptor that worked is used again for this long. */
const DESCRIPTOR_MS: Millis = 10 * 60_000;
/** A conversation's circuit is renewed at this age; the old one stays until the new one is open. */
export const RENEW_MS: Millis = 10 * 60_000;
/** What is under way on a channel that was replaced may still arrive. */
const LINGER_MS: Millis = 5000;

/** Codes that say that the contact, not the way there, is missing. */
const absent: readonly Code[] = ['not-found', 'unreachable', 'timeout', 'destroyed', 'finished', 'refused'];

type Env = {
  ports: Host['ports'];
  network: Network;
  /** Whether this side dials first. */
  first: boolean;
  contact: Uint8Array;
  /** This circuit is on its way to the contact. */
  building(circuit: Handle): void;
  opened(channel: OpenChannel): Promise<void>;
  /** The contact is not there now. */
  absent(): void;
  changed(): void;
};

/** Keeps a channel to one contact open, as long as both are there. */
export class Reach {
  readonly #env: Env;
  readonly #channels = new Set<Handle>();
  /** Those on which the contact said something. */
  readonly #heard = new Set<Handle>();
  #own: OpenChannel | undefined;
  #descriptor: { value: ContactDescriptor; at: Millis } | undefined;
  #retryMs = RETRY_MS;
  #dialling = false;
  #stopped = false;
  #cancel: (() => void) | undefined;
  #cancelRenewal: (() => void) | undefined;
  waiting: 'circuit' | 'contact' | null = 'circuit';
  renewsAt: Millis | null = null;

  constructor(env: Env) {
    this.#env = env;
    this.#later(env.first ? 0 : POLITE_MS);
  }

  /** There is something to say: no more politeness. */
  poke(): void {
    if (this.#channels.size > 0 || this.#dialling || this.#stopped) return;
    this.#retryMs = RETRY_MS;
    this.#later(0);
  }

  /** The contact is at the other end of a channel, as far as they have let this side know. */
  get heard(): boolean {
    return this.#heard.size > 0;
  }

  /** The contact spoke on a channel. */
  joined(channel: Handle): void {
    if (this.#heard.has(channel)) return;
    this.#channels.add(channel);
    this.#heard.add(channel);
    this.#arrived();
  }

  closed(channel: Handle): void {
    if (!this.#channels.delete(channel)) return;
    const heard = this.#heard.delete(channel);
    if (this.#own?.channel === channel) this.#forgetOwn();
    if (this.#channels.size > 0) return;
    // Somebody was there and did not answer: they may not want to, and dialling at once would not help.
    if (!heard) return this.#failed('contact');
    this.waiting = 'circuit';
    this.#env.changed();
    // Who opened it opens it again; the other gives them the time.
    this.#later(this.#env.first ? uniformBetween(this.#env.ports.rng, 0, 200) : POLITE_MS);
  }

  /** Trying would not help, until `poke`. */
  rest(): void {
    this.#cancel?.();
    this.waiting = 'contact';
    this.#env.changed();
  }

  /** A new path, and the old one only after it. */
  async renew(): Promise<void> {
    const old = this.#own;
    await this.#dial();
    if (!old || this.#own?.channel === old.channel) return;
    this.#env.ports.timer(LINGER_MS, () => {
      this.#env.network.command({ type: 'channel-close', channel: old.channel });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancelRenewal?.();
  }

  #later(delayMs: Millis): void {
    this.#cancel?.();
    if (!this.#stopped) this.#cancel = this.#env.ports.timer(delayMs, () => void this.#attempt());
  }

  async #attempt(): Promise<void> {
    if (this.#channels.size > 0 || this.#dialling) return;
    try {
      await this.#dial();
    } catch (error) {
      if (this.#stopped || this.#channels.size > 0) return;
      this.#failed(absent.includes(codeOf(error)) ? 'contact' : 'circuit');
    }
  }

  #failed(waiting: 'contact' | 'circuit'): void {
    this.waiting = waiting;
    if (waiting === 'contact') this.#env.absent();
    this.#env.changed();
    this.#later(uniformBetween(this.#env.ports.rng, this.#retryMs / 2, this.#retryMs));
    this.#retryMs = Math.min(RETRY_MOST_MS, this.#retryMs * 2);
  }

  async #dial(): Promise<void> {
    if (this.#dialling) return;
    this.#dialling = true;
    try {
      const opened = await this.#connect();
      if (this.#stopped) {
        this.#env.network.command({ type: 'channel-close', channel: opened.channel });
        return;
      }
      this.#forgetOwn();
      this.#own = opened;
      this.#channels.add(opened.channel);
      this.#cancel?.();
      if (!this.heard) this.waiting = 'contact';
      this.#env.changed();
      this.renewsAt = this.#env.ports.now() + RENEW_MS;
      this.#cancelRenewal = this.#env.ports.timer(RENEW_MS, () => void this.renew().catch(() => undefined));
      await this.#env.opened(opened);
    } catch (error) {
      this.#descriptor = undefined;
      throw error;
    } finally {
      this.#dialling = false;
    }
  }

  /** By what is known of the contact; and where that leads nowhere, by what is true now. */
  async #connect(): Promise<OpenChannel> {
    const { network } = this.#env;
    const building = (circuit: Handle): void => this.#env.building(circuit);
    const known = this.#descriptor !== undefined;
    try {
      return await network.connect((await this.#lookUp()).inboxes, building);
    } catch (error) {
      this.#descriptor = undefined;
      if (!known || this.#stopped) throw error;
      return await network.connect((await this.#lookUp()).inboxes, building);
    }
  }

  async #lookUp(): Promise<ContactDescriptor> {
    const now = this.#env.ports.now();
    if (this.#descriptor && now - this.#descriptor.at < DESCRIPTOR_MS) return this.#descriptor.value;
    const value = await lookUp(this.#env.network, this.#env.contact, now);
    this.#descriptor = { value, at: now };
    return value;
  }

  #arrived(): void {
    this.#cancel?.();
    this.#retryMs = RETRY_MS;
    this.waiting = null;
    this.#env.changed();
  }

  #forgetOwn(): void {
    this.#own = undefined;
    this.renewsAt = null;
    this.#cancelRenewal?.();
  }
}
