import { Driver } from '#shared/driver/driver.ts';
import type { Command, Handle, InboxRef } from '#shared/node/input.ts';
import { makeNodeKeys } from '#shared/node/keys.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import { createHost, fetchConfig, systemRng } from '#relay/host.ts';

/** How long anything is waited for. */
const WAIT_MS = 20_000;

type Waiting = { seen: (event: NodeEvent) => unknown; done: (value: unknown) => void };

/** A node that relays nothing, driven by commands, with its events as promises. */
export class BenchNode {
  readonly node: Node;
  /** Bytes that its links carried, both ways. */
  traffic = 0;
  readonly #driver: Driver;
  readonly #stop: () => void;
  readonly #waiting = new Set<Waiting>();
  #handle = 0;

  private constructor(node: Node, driver: Driver, stop: () => void) {
    this.node = node;
    this.#driver = driver;
    this.#stop = stop;
  }

  static async start(url: string): Promise<BenchNode> {
    const config = await fetchConfig(url);
    const node = new Node({ keys: makeNodeKeys(systemRng), rng: systemRng, now: Date.now(), role: 'node' });
    const host = createHost({ directory: url, bindAddress: '127.0.0.1' }, config, (input) => {
      if (input.type === 'link-data') own.traffic += input.data.length;
      driver.input(input);
    });
    const driver = new Driver(node, {
      ...host.ports,
      event: (event) => own.#onEvent(event),
      send: (link, data) => {
        own.traffic += data.length;
        host.ports.send(link, data);
      },
    });
    const own = new BenchNode(node, driver, () => {
      driver.stop();
      host.stop();
    });
    own.command({ type: 'start' });
    return own;
  }

  command(command: Command): void {
    this.#driver.input({ type: 'command', command });
  }

  /** The first thing other than undefined that `seen` makes of an event from now on. */
  when<T>(what: string, seen: (event: NodeEvent) => T | undefined, limitMs = WAIT_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(new Error(`${what}: not within ${String(limitMs)} ms`));
      }, limitMs);
      const done = (value: unknown): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        resolve(value as T);
      };
      const waiting: Waiting = { seen, done };
      this.#waiting.add(waiting);
    });
  }

  /** Calls `seen` with every event until the returned function is called. */
  watch(seen: (event: NodeEvent) => void): () => void {
    const waiting: Waiting = { seen: (event) => void seen(event), done: () => undefined };
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  async connect(inboxes: InboxRef[]): Promise<Handle> {
    this.#handle += 1;
    const handle = this.#handle;
    const opened = this.when('a channel to the contact', (event) => {
      if (event.type === 'channel-failed' && event.handle === handle) return event;
      return event.type === 'channel-open' && event.handle === handle ? event : undefined;
    });
    this.command({ type: 'connect', handle, inboxes });
    const event = await opened;
    if (event.type === 'channel-failed') throw new Error(`the contact could not be joined: ${event.code}`);
    return event.channel;
  }

  stop(): void {
    this.#stop();
  }

  #onEvent(event: NodeEvent): void {
    if (event.type === 'fault') console.error(event.error);
    for (const waiting of [...this.#waiting]) {
      const value = waiting.seen(event);
      if (value !== undefined) waiting.done(value);
    }
  }
}
