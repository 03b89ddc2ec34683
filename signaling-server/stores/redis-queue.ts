import type { Millis } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { Delivery } from './ports.ts';
import { take } from './redis-scripts.ts';

/** A process that said nothing for so long is dead to those who send. */
export const ALIVE_MS: Millis = 9_000;
/** What nobody takes is forgotten. */
export const WAITING_MS: Millis = 60_000;
/** The taker looks this often even when no bell rings: that keeps it alive, also in a store that was emptied. */
const LOOK_EVERY_S = 1;
const RETRY_MS: Millis = 200;
const MOST_CIRCUITS = 32;

/** The connection that a taker has for itself, since waiting for the bell blocks it. Each call may throw. */
export type TakerConnection = {
  run(script: string, keys: string[], args: (string | number)[]): Promise<unknown>;
  /** Takes one item of a list; waits so long for one to be there. */
  waitFor(key: string, limitS: number): Promise<void>;
  close(): void;
};

/** The keys that hold what is due to a process: one hash tag, and so one slot. */
export const queueKeys = (prefix: string, process: string) => {
  const key = (name: string): string => `${prefix}queue:{${process}}:${name}`;
  return {
    alive: key('alive'),
    ready: key('ready'),
    waiting: key('waiting'),
    bell: key('bell'),
    batch: key('batch'),
  };
};

/** Takes what is due to one process, as long as it runs; an engine that is away is asked again until it is back. */
export class Taker {
  readonly #connection: TakerConnection;
  readonly #keys: ReturnType<typeof queueKeys>;
  readonly #delivery: Delivery;
  readonly #clock: Clock;
  /** Names of batches are this taker's own, so that it never takes over what a former one had. */
  readonly #name = globalThis.crypto.randomUUID();
  readonly #done: Promise<void>;
  #taken = 0;
  #stopped = false;

  constructor(
    connection: TakerConnection,
    keys: ReturnType<typeof queueKeys>,
    delivery: Delivery,
    clock: Clock,
  ) {
    this.#connection = connection;
    this.#keys = keys;
    this.#delivery = delivery;
    this.#clock = clock;
    this.#done = this.#run();
  }

  /** Resolves once it takes nothing any more; the bell makes that soon. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    this.#connection.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const batch = await this.#take();
      for (let at = 1; at + 1 < batch.length; at += 2) {
        const [circuit, body] = [batch[at], batch[at + 1]];
        if (circuit && body) this.#delivery(Number(circuit.toString()), new Uint8Array(body));
      }
    }
  }

  async #take(): Promise<Buffer[]> {
    const { alive, ready, waiting, bell, batch } = this.#keys;
    try {
      const name = `${this.#name} ${String(this.#taken)}`;
      const keys = [alive, ready, waiting, bell, batch];
      const found = await this.#connection.run(take, keys, [name, MOST_CIRCUITS, ALIVE_MS, WAITING_MS]);
      const items = found as Buffer[];
      if (items.length > 0) this.#taken++;
      else await this.#connection.waitFor(bell, LOOK_EVERY_S);
      return items;
    } catch {
      await new Promise<void>((resolve) => this.#clock.after(RETRY_MS, resolve));
      return [];
    }
  }
}
