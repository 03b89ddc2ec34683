import type { BrowserContext, Route } from 'playwright-core';

/** Whether the pages of a context are given the key that proofs are made with, each time that they fetch it. */
export class ProvingKey {
  readonly #held: Route[] = [];
  #mode: 'refuse' | 'hold' | 'give' = 'refuse';

  /** Is refused at first. */
  static async of(context: BrowserContext): Promise<ProvingKey> {
    const key = new ProvingKey();
    await context.route('**/*.zkey', async (route) => {
      if (key.#mode === 'hold') key.#held.push(route);
      else if (key.#mode === 'give') await route.continue();
      else await route.fulfill({ status: 503 });
    });
    return key;
  }

  hold(): void {
    this.#mode = 'hold';
  }

  /** Also to who waits for it. Who has given up meanwhile is no fault. */
  async give(): Promise<void> {
    this.#mode = 'give';
    await Promise.all(this.#held.splice(0).map((route) => route.continue().catch(() => undefined)));
  }
}
