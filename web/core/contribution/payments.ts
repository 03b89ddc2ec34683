import { encode } from '#shared/bytes/codec.ts';
import type { EpochPlan } from '#shared/contribution/epochs.ts';
import { requestCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import { codeOf, RemoteError, type Code } from '#shared/errors.ts';
import type { AskPurpose, RequestFor } from '#shared/directory/purposes.ts';
import type { Millis } from '#shared/units.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import type { Purse } from './purse.ts';

/** With these it is not known whether the request came through: the same bytes may be sent again with the same token. */
const unanswered: readonly Code[] = ['timeout', 'unreachable', 'link-lost', 'destroyed', 'too-small-network'];
const TRIES = 5;
const PAUSE_MS: Millis = 2000;

type Env = {
  network: Pick<Network, 'ask'>;
  purse: Purse;
  ports: Pick<Host['ports'], 'now' | 'timer'>;
  /** Undefined before the first consensus. */
  terms(): { plan: EpochPlan; enforced: boolean } | undefined;
  /** Puts tokens into the purse. */
  buy(): Promise<void>;
  changed(): void;
};

/** Requests that may cost a token: paid for where the network asks for it, or once the directory says so. */
export class Payments {
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Rejects as `Network.ask` does, and with what buying rejects with. */
  async ask<P extends AskPurpose>(purpose: P, request: RequestFor<P>): Promise<DirectoryResponse> {
    if (this.#env.terms()?.enforced) return this.#paid(purpose, request);
    try {
      return await this.#env.network.ask(purpose, request);
    } catch (error) {
      // The network has begun to ask, and this client's list is of before.
      if (codeOf(error) !== 'token-needed') throw error;
      return this.#paid(purpose, request);
    }
  }

  async #paid<P extends AskPurpose>(purpose: P, inner: RequestFor<P>): Promise<DirectoryResponse> {
    const { network, purse, ports, terms, changed } = this.#env;
    const plan = terms()?.plan;
    if (!plan) throw new RemoteError('no-consensus');
    let token = await purse.take(ports.now(), plan);
    if (!token) {
      await this.#env.buy();
      token = await purse.take(ports.now(), plan);
    }
    changed();
    if (!token) throw new RemoteError('token-needed');
    const request = { type: 'paid', token, request: encode(requestCodec, inner) } as const;
    for (let left = TRIES; ; left--) {
      try {
        return await network.ask(purpose, request);
      } catch (error) {
        if (left === 1 || !unanswered.includes(codeOf(error))) throw error;
        await new Promise<void>((done) => ports.timer(PAUSE_MS, done));
      }
    }
  }
}
