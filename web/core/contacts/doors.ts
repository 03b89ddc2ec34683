import type { InboxRef } from '#shared/node/input.ts';
import type { HandleKeeper } from '#web/core/contacts/handle.ts';
import { HANDLE_INBOXES, InboxShares, OWN_INBOXES } from '#web/core/contacts/inbox-shares.ts';
import type { Publisher } from '#web/core/publisher.ts';

type Env = {
  publisher: Publisher;
  handle: HandleKeeper;
  /** Keeps so many inboxes open. */
  open(count: number): void;
};

/** Where this user can be met: by their own address, and by that of their handle. */
export class Doors {
  readonly #env: Env;
  readonly #shares = new InboxShares();
  #inboxes: InboxRef[] = [];
  #count = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  begin(): void {
    this.#env.handle.begin();
    this.update([]);
  }

  /** These inboxes are open; or there is a handle, or none any more. */
  update(inboxes: InboxRef[] = this.#inboxes): void {
    const { publisher, handle } = this.#env;
    this.#inboxes = inboxes;
    const shares = this.#shares.share(inboxes, handle.name !== null);
    publisher.update(shares.own);
    handle.update(shares.handle);
    // The user's own first, so that none of them is the handle's by the chance of which opened first.
    const both = handle.name !== null && (shares.own.length >= OWN_INBOXES || this.#count > OWN_INBOXES);
    const count = both ? OWN_INBOXES + HANDLE_INBOXES : OWN_INBOXES;
    if (count === this.#count) return;
    this.#count = count;
    this.#env.open(count);
  }

  /** Takes back what the directory keeps of it. Rejects with RemoteError. */
  async withdraw(): Promise<void> {
    await Promise.all([this.#env.publisher.withdraw(), this.#env.handle.withdraw()]);
  }

  stop(): void {
    this.#env.publisher.stop();
    this.#env.handle.stop();
  }
}
