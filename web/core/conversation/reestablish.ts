import { uniformBetween } from '#shared/crypto/rng.ts';
import { codeOf } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import { decodeConversation, encodeConversation } from '#web/core/conversation/records.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Feature, FeatureEnv } from '#web/core/feature.ts';
import { lookUp } from '#web/core/publisher.ts';

const RETRY_MS: Millis = 2_000;
const RETRY_MOST_MS: Millis = 10 * 60_000;

/**
 * A stored conversation as it has to stand where it was put back from a copy: the keys of the copy were used since, so
 * the conversation may go on only in a new group.
 */
export const staleConversation = (stored: Uint8Array): Uint8Array =>
  encodeConversation({ ...decodeConversation(stored), stale: true });

/** Makes the new group of each conversation that was put back from a copy, as soon as the contact's key package is found. */
export class Reestablish implements Feature {
  readonly #env: FeatureEnv;
  readonly #waits = new Map<string, () => void>();
  #stopped = false;

  constructor(env: FeatureEnv) {
    this.#env = env;
  }

  begun(session: Session): void {
    if (session.stale) void this.#attempt(session, RETRY_MS);
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#waits.values()) cancel();
    this.#waits.clear();
  }

  async #attempt(session: Session, retryMs: Millis): Promise<void> {
    const { network, ports } = this.#env;
    this.#waits.delete(session.id);
    // The contact may have made one meanwhile.
    if (this.#stopped || !session.stale) return;
    try {
      const { keyPackage } = await lookUp(network, session.contact, ports.now());
      await this.#env.restart(session.id, keyPackage);
      this.#env.poke(session.id);
    } catch (error) {
      if (codeOf(error) === 'internal') console.error(error);
      if (this.#stopped) return;
      const cancel = ports.timer(uniformBetween(ports.rng, retryMs / 2, retryMs), () => {
        void this.#attempt(session, Math.min(RETRY_MOST_MS, 2 * retryMs));
      });
      this.#waits.set(session.id, cancel);
    }
  }
}
