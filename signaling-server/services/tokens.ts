import { equal, hex } from '#shared/bytes/bytes.ts';
import { acceptsToken, epochStart, type EpochPlan } from '#shared/contribution/epochs.ts';
import { isGenuine, tokenKeysOf } from '#shared/contribution/tokens.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import type { VoprfKeys } from '#shared/crypto/voprf.ts';
import type { Token } from '#shared/directory/tokens.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Live } from '../stores/ports.ts';

/** More than tokens are good of at one time. */
const MOST_KEYS = 6;

/** A claim on what is taken of `epoch`, or of its key, stands longer than anybody's clock lets it be taken. */
export const claimMs = (epoch: number, now: Millis, plan: EpochPlan): Millis =>
  Math.max(0, epochStart(epoch + 3, plan) - now) + plan.graceMs;

/** The key of each epoch: every process that has the directory's signing key comes to the same. */
export class TokenKeys {
  readonly #secret: Uint8Array;
  readonly #known = new Map<number, VoprfKeys>();

  constructor(signingSecret: Uint8Array) {
    this.#secret = signingSecret;
  }

  of(epoch: number): VoprfKeys {
    const known = this.#known.get(epoch);
    if (known) return known;
    const keys = tokenKeysOf(this.#secret, epoch);
    this.#known.set(epoch, keys);
    for (const oldest of this.#known.keys()) if (this.#known.size > MOST_KEYS) this.#known.delete(oldest);
    return keys;
  }
}

export type TokenOptions = { live: Live; keys: TokenKeys; epochs: EpochPlan };

/** Takes tokens, each for one request. */
export class Spending {
  readonly #options: TokenOptions;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /**
   * Spends the token on a request; the same request may come again with it, since an answer may get lost. Throws `stale`,
   * `bad-signature`, or `replayed` when it was spent on another.
   */
  async spend(token: Token, request: Uint8Array, now: Millis): Promise<void> {
    const { live, keys, epochs } = this.#options;
    const { epoch, input } = token;
    if (!acceptsToken(epoch, now, epochs)) throw new RemoteError('stale', 'a token of another epoch');
    if (!isGenuine(keys.of(epoch), token))
      throw new RemoteError('bad-signature', 'not a token of that epoch');
    const use = sha256(request);
    const name = `spent/${String(epoch)}/${hex(sha256(input))}`;
    const standing = await live.claim(name, use, claimMs(epoch, now, epochs));
    if (!equal(standing, use)) throw new RemoteError('replayed', 'a token that was spent');
  }
}
