import { hex } from '#shared/bytes/bytes.ts';
import { uniformBetween } from '#shared/crypto/rng.ts';
import { codeOf } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import { lookUp } from '#web/core/publisher.ts';

const RETRY_MS: Millis = 2000;
const RETRY_MOST_MS: Millis = 5 * 60_000;

/** Somebody in a group with this user. */
export type Fellow = { address: Uint8Array; name: string };

type Env = {
  ports: Pick<Host['ports'], 'rng' | 'now' | 'timer'>;
  network: Network;
  /** The conversation id that this user has for others. */
  self: string;
  /** Everybody who is in a group with this user. */
  fellows(): Fellow[];
  has(conversation: string): boolean;
  /** Begins a conversation that no list shows. */
  begin(fellow: Fellow, keyPackage: Uint8Array): Promise<void>;
};

/**
 * Whoever is in a group together needs a conversation to tell each other what the group's members do. Where two have none,
 * the one of the lower address begins it; each takes it on the ground that both are in the group.
 */
export class Pairs {
  readonly #env: Env;
  readonly #busy = new Set<string>();
  readonly #waits = new Map<string, () => void>();
  #stopped = false;

  constructor(env: Env) {
    this.#env = env;
  }

  /** The members of some group may be others. */
  look(): void {
    for (const fellow of this.#env.fellows()) {
      const id = hex(fellow.address);
      if (this.#env.self < id && !this.#waits.has(id)) void this.#begin(fellow, RETRY_MS);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#waits.values()) cancel();
  }

  async #begin(fellow: Fellow, retryMs: Millis): Promise<void> {
    const { network, ports, has, begin } = this.#env;
    const id = hex(fellow.address);
    if (this.#stopped || this.#busy.has(id) || has(id)) return;
    this.#busy.add(id);
    try {
      const { keyPackage } = await lookUp(network, fellow.address, ports.now());
      if (!this.#stopped && !has(id)) await begin(fellow, keyPackage);
    } catch (error) {
      if (codeOf(error) === 'internal') console.error(error);
      this.#later(fellow, retryMs);
    }
    this.#busy.delete(id);
  }

  #later(fellow: Fellow, retryMs: Millis): void {
    if (this.#stopped) return;
    const id = hex(fellow.address);
    const { rng, timer } = this.#env.ports;
    const cancel = timer(uniformBetween(rng, retryMs / 2, retryMs), () => {
      this.#waits.delete(id);
      const isStill = this.#env.fellows().some(({ address }) => hex(address) === id);
      if (isStill) void this.#begin(fellow, Math.min(RETRY_MOST_MS, retryMs * 2));
    });
    this.#waits.set(id, cancel);
  }
}
