import { createContext } from 'svelte';
import type { Probe, Tried } from '../view/check.ts';

/** One run of the connection check: what the page tries, as it comes. */
export class Check {
  readonly #probe: Probe;
  tried = $state.raw<Tried>({});
  startedAt = $state.raw(Date.now());
  #run = 0;

  constructor(probe: Probe) {
    this.#probe = probe;
    this.again();
  }

  again(): void {
    this.#run += 1;
    const run = this.#run;
    this.tried = {};
    this.startedAt = Date.now();
    const note = (part: Tried): void => {
      // What an earlier run found says nothing of now.
      if (run === this.#run) this.tried = { ...this.tried, ...part };
    };
    const { clockAhead, loopback, ice } = this.#probe;
    clockAhead().then(
      (aheadMs) => note({ aheadMs }),
      () => note({ aheadMs: null }),
    );
    loopback().then(
      (found) => note({ loopback: found }),
      () => note({ loopback: 'failed' }),
    );
    ice().then(
      (found) => note({ ice: found }),
      () => note({ ice: { stun: null, turn: null } }),
    );
  }
}

export const [useProbe, provideProbe] = createContext<Probe>();
