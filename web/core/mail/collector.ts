import { hex } from '#shared/bytes/bytes.ts';
import { uniformBetween } from '#shared/crypto/rng.ts';
import { signAcknowledge, signCollect } from '#shared/directory/mail.ts';
import { codeOf, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import type { Box } from './box.ts';
import { openLetter, type Letter } from './letter.ts';

/** A mailbox is looked into at a random time between these, each at times of its own, so that none shows whose others are. */
const LEAST_MS: Millis = 2 * 60_000;
const MOST_MS: Millis = 6 * 60_000;
/** After a start, when many wait to hear what came. */
const FIRST_MS: Millis = 3_000;
/** Upon being woken. */
const SOON_MS: Millis = 1_000;
/** After a visit that came to nothing; twice as long each time. */
const RETRY_MS: Millis = 2_000;
/** Answers of one visit; the rest is for the next. */
const MOST_ROUNDS = 32;
const TRIES = 3;

type Visited = {
  box: Box;
  /** Looked into this much less often than others. */
  seldom: number;
  /** It was looked into, and nothing waits there. */
  emptied: () => Promise<void>;
  retryMs: Millis;
  cancel: (() => void) | undefined;
};

type Env = {
  ports: Pick<Host['ports'], 'now' | 'rng' | 'timer'>;
  network: Pick<Network, 'askBound'>;
  /** Resolves once all of it is stored that is worth it. Rejects with LocalError `storage`. */
  take(letter: Letter): Promise<void>;
};

/** Reads this user's mailboxes: over a circuit of its own for each request, and of one mailbox at a time. */
export class Collector {
  readonly #env: Env;
  readonly #boxes = new Map<string, Visited>();
  #tail: Promise<unknown> = Promise.resolve();
  #stopped = false;
  /** Letters that did not open. */
  refused = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  /** Looks into it from now on. */
  add(box: Box, { seldom = 1, emptied = async (): Promise<void> => Promise.resolve() } = {}): void {
    const id = hex(box.public.mailbox);
    if (this.#boxes.has(id) || this.#stopped) return;
    const visited = { box, seldom, emptied, retryMs: RETRY_MS, cancel: undefined };
    this.#boxes.set(id, visited);
    this.#within(visited, 0, FIRST_MS);
  }

  remove(box: Box): void {
    const id = hex(box.public.mailbox);
    this.#boxes.get(id)?.cancel?.();
    this.#boxes.delete(id);
  }

  /** Something came. */
  wake(mailbox: Uint8Array): void {
    const visited = this.#boxes.get(hex(mailbox));
    if (visited) this.#within(visited, 0, SOON_MS);
  }

  stop(): void {
    this.#stopped = true;
    for (const { cancel } of this.#boxes.values()) cancel?.();
    this.#boxes.clear();
  }

  #within(visited: Visited, least: Millis, most: Millis): void {
    visited.cancel?.();
    if (this.#boxes.get(hex(visited.box.public.mailbox)) !== visited) return;
    const { ports } = this.#env;
    visited.cancel = ports.timer(uniformBetween(ports.rng, least, most), () => {
      this.#tail = this.#tail.then(() => this.#visit(visited));
    });
  }

  async #visit(visited: Visited): Promise<void> {
    if (this.#boxes.get(hex(visited.box.public.mailbox)) !== visited) return;
    try {
      const more = await this.#empty(visited.box);
      visited.retryMs = RETRY_MS;
      if (more) return this.#within(visited, 0, SOON_MS);
      await visited.emptied();
      this.#within(visited, LEAST_MS * visited.seldom, MOST_MS * visited.seldom);
    } catch (error) {
      if (codeOf(error) === 'internal') console.error(error);
      this.#within(visited, visited.retryMs / 2, visited.retryMs);
      visited.retryMs = Math.min(MOST_MS, 2 * visited.retryMs);
    }
  }

  /** Whether more waits there. What is stored is erased at the directory, and so is what does not open. */
  async #empty(box: Box): Promise<boolean> {
    const { network } = this.#env;
    for (let round = 0; round < MOST_ROUNDS && !this.#stopped; round++) {
      const mail = await this.#trying(() =>
        network.askBound('mailbox', (binding) => signCollect(box.keys, binding)),
      );
      if (mail.type !== 'mail') throw new RemoteError('unexpected', 'not mail');
      for (const { blob } of mail.messages) await this.#open(box, blob);
      const ids = mail.messages.map(({ id }) => id);
      if (ids.length === 0) return false;
      await this.#trying(() =>
        network.askBound('mailbox', (binding) => signAcknowledge(box.keys, binding, ids)),
      );
      if (!mail.state.more) return false;
    }
    return true;
  }

  async #open(box: Box, blob: Uint8Array): Promise<void> {
    let letter: Letter;
    try {
      letter = openLetter(box.secret, box.public.mailbox, blob);
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error;
      this.refused += 1;
      return;
    }
    await this.#env.take(letter);
  }

  /** Each try goes over another circuit. */
  async #trying<T>(work: () => Promise<T>): Promise<T> {
    for (let left = TRIES; ; left--) {
      try {
        return await work();
      } catch (error) {
        if (left === 1 || this.#stopped) throw error;
      }
    }
  }
}
