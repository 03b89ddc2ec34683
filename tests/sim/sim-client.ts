import type { Carrier } from '#shared/link/carrier.ts';
import type { Input } from '#shared/node/input.ts';
import type { LinkId, Millis } from '#shared/units.ts';
import type { ClientEvent, MessageView } from '#web/api.ts';
import { Client } from '#web/core/client.ts';
import { suite } from '#web/core/conversation/suite.ts';
import type { Host } from '#web/core/host.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import { countCrypto } from '#tests/support/counted-crypto.ts';
import type { Machine, World } from './world.ts';

export type SimClientOptions = {
  /** What an earlier tab of the same profile left. */
  store?: Store;
  /** Whether it relays for others. */
  relaying?: boolean;
};

/** The streams of chance of clients begin here, apart from those of bare nodes. */
const CLIENT_STREAMS = 10_000;
/** Passes between two looks, ms. */
const STEP_MS: Millis = 50;

let opened = 0;

/** One tab with the whole client core, whose links are the world's. */
export class SimClient implements Machine {
  readonly name: string;
  readonly store: Store;
  readonly events: ClientEvent[] = [];
  readonly carriers = new Map<LinkId, Carrier>();
  readonly driver = { input: (input: Input): void => this.#input(input) };
  alive = true;
  readonly openedAt: Millis;
  closedAt: Millis | undefined;
  readonly #world: World;
  #give: (input: Input) => void = () => undefined;
  #client: Client | undefined;

  private constructor(world: World, name: string, store: Store) {
    this.#world = world;
    this.name = name;
    this.store = store;
    this.openedAt = world.clock.now();
  }

  static async open(world: World, name: string, options: SimClientOptions = {}): Promise<SimClient> {
    countCrypto();
    // What it loads comes from disk, for which virtual time does not wait.
    await suite();
    const client = new SimClient(world, name, options.store ?? memoryStore());
    const host = (input: (input: Input) => void): Host => client.#host(input);
    const opening = Client.open({
      store: client.store,
      host,
      origin: 'https://hourglass.test',
      headless: true,
    });
    client.#client = await world.complete(`${name} opens`, opening);
    client.api.subscribe((event) => void client.events.push(event));
    await client.api.setRelaying(options.relaying ?? false);
    return client;
  }

  get api(): Client {
    if (!this.#client) throw new Error(`${this.name} is not open`);
    return this.#client;
  }

  /** What a command comes to, while time passes. */
  does<T>(what: (api: Client) => Promise<T>, limitMs: Millis = 60_000): Promise<T> {
    return this.#world.complete(`${this.name}: ${what.toString()}`, what(this.api), limitMs);
  }

  /** Lets time pass until what it says of itself is so. */
  async until(what: string, condition: (api: Client) => Promise<boolean>, limitMs: Millis): Promise<void> {
    const { clock } = this.#world;
    const end = clock.now() + limitMs;
    while (!(await condition(this.api))) {
      if (clock.now() > end) throw new Error(`not within ${limitMs} virtual ms: ${this.name} ${what}`);
      await clock.pass(STEP_MS);
    }
  }

  async texts(conversation: string, mine: boolean): Promise<string[]> {
    return (await this.messages(conversation, mine)).map(({ text }) => text);
  }

  async messages(conversation: string, mine: boolean): Promise<MessageView[]> {
    const all = await this.api.messages(conversation);
    return all.filter((message) => message.mine === mine && message.event === null);
  }

  /** The tab is closed; its store stays. */
  async close(): Promise<void> {
    await this.api.stop();
    this.kill();
  }

  /** Its process ends, and nothing is said to anyone. */
  kill(): void {
    this.alive = false;
    this.closedAt = this.#world.clock.now();
    for (const carrier of this.carriers.values()) carrier.close();
    this.carriers.clear();
  }

  #input(input: Input): void {
    if (this.alive) this.#give(input);
  }

  #host(give: (input: Input) => void): Host {
    const world = this.#world;
    this.#give = give;
    opened += 1;
    const ports: Host['ports'] = {
      now: world.clock.now,
      rng: world.rng(CLIENT_STREAMS + opened),
      timer: (delayMs, run) => world.clock.after(delayMs, () => this.alive && run()),
      later: (run) => void world.clock.after(1, () => this.alive && run()),
      openWebSocket: (link) => world.openWebSocket(this, link),
      createPeer: (link, initiator) => world.createPeer(this, link, initiator),
      signalPeer: (link, session) => world.signalPeer(this, link, session),
      openPass: (link, pass) => world.openPass(this, link, pass),
      send: (link, data) => this.carriers.get(link)?.send(data),
      closeLink: (link) => {
        this.carriers.get(link)?.close();
        this.carriers.delete(link);
      },
      fetchConsensus: () => world.fetchConsensus(this),
    };
    return { ports, stop: () => undefined };
  }
}
