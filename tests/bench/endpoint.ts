/**
 * One user of the bench, in a process of its own: a node for what is measured on channels and circuits, and a client
 * core for what is measured on messages. `remote.ts` calls the methods of `Endpoint` over IPC.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command, Handle, InboxRef } from '#shared/node/input.ts';
import type { CircuitState } from '#shared/node/views.ts';
import { createHost, fetchConfig } from '#relay/host.ts';
import { Client } from '#web/core/client.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { BenchNode } from './bench-node.ts';
import type { Answer, Call } from './remote.ts';

/** Spares that a node builds by itself as soon as it may need circuits. */
const SPARES = 2;
const PAUSE_MS = 20;
const WAIT_MS = 20_000;

/** Longer than a loop takes beside its span. */
const LOOP_MS = 60_000;

export type LoopTask = Omit<Extract<Command, { type: 'loop' }>, 'type' | 'handle'>;

export type Builds = { ms: number[]; failed: number };

/** Everything that comes in on the callee's channel. */
type Incoming = { channel: Handle; bytes: number; echo: boolean };

export class Endpoint {
  readonly #url: string;
  readonly #node: Promise<BenchNode>;
  #client: Client | undefined;
  #incoming: Incoming | undefined;
  #loops = 0;

  constructor(url: string) {
    this.#url = url;
    this.#node = BenchNode.start(url);
    this.#node.then(
      (node) => this.#take(node),
      () => undefined,
    );
  }

  /** Builds circuits of three hops one after the other. The first `warm` ones are not counted. */
  async builds(count: number, warm: number): Promise<Builds> {
    const node = await this.#node;
    node.command({ type: 'open-inboxes', count: 0 });
    const spares = (): true | undefined => (openOf(node, 'spare').length === SPARES ? true : undefined);
    if (!spares()) await node.when('the first circuits', spares);
    const result: Builds = { ms: [], failed: 0 };
    for (let i = -warm; i < count; i++) {
      const { ms, tries } = await this.#build(node);
      await sleep(PAUSE_MS);
      if (i < 0) continue;
      result.ms.push(ms);
      result.failed += tries - 1;
    }
    return result;
  }

  /** Bytes of its node's links so far, both ways. */
  async traffic(): Promise<number> {
    return (await this.#node).traffic;
  }

  /** Runs all of an auditor's loops at once; what came of each. */
  async loops(tasks: LoopTask[]): Promise<string[]> {
    const node = await this.#node;
    return Promise.all(
      tasks.map(async (task) => {
        this.#loops += 1;
        const handle = this.#loops;
        const looped = node.when(
          'the end of a loop',
          (event) => (event.type === 'looped' && event.handle === handle ? event.outcome : undefined),
          task.spanMs + LOOP_MS,
        );
        node.command({ type: 'loop', handle, ...task });
        const outcome = await looped;
        return outcome.kind === 'failed' ? outcome.fault : outcome.kind;
      }),
    );
  }

  async openInbox(): Promise<InboxRef> {
    const node = await this.#node;
    const opened = node.when('an inbox', (event) =>
      event.type === 'inboxes' ? event.inboxes[0] : undefined,
    );
    node.command({ type: 'open-inboxes', count: 1 });
    return opened;
  }

  /** The channel, and the caller's half of its path. */
  async connect(inbox: InboxRef): Promise<{ channel: Handle; path: string[] }> {
    const node = await this.#node;
    const channel = await node.connect([inbox]);
    const circuit = node.node.circuits.find(({ purpose }) => purpose === 'conversation');
    return { channel, path: circuit?.path ?? [] };
  }

  async path(): Promise<string[]> {
    const { node } = await this.#node;
    return node.circuits.find(({ purpose }) => purpose === 'inbox')?.path ?? [];
  }

  /** Round trips of one-cell messages that the other side sends back. */
  async echoes(channel: Handle, count: number): Promise<number[]> {
    const node = await this.#node;
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const back = node.when('an echo', (event) => (event.type === 'channel-message' ? true : undefined));
      const startedAt = performance.now();
      node.command({ type: 'channel-send', channel, data: new Uint8Array(64) });
      await back;
      times.push(performance.now() - startedAt);
    }
    return times;
  }

  /** From now on what comes in is counted, and not sent back. Resolves with the bytes that came within the limit. */
  async receive(bytes: number, limitMs: number): Promise<number> {
    const node = await this.#node;
    const incoming = this.#incoming;
    if (!incoming) throw new Error('nobody has connected');
    incoming.echo = false;
    incoming.bytes = 0;
    const all = (): true | undefined => (incoming.bytes >= bytes ? true : undefined);
    await node.when('the last byte', all, limitMs).catch(() => undefined);
    return incoming.bytes;
  }

  /** Sends so much, each message when all before it have left. */
  async send(channel: Handle, bytes: number, messageBytes: number): Promise<void> {
    const node = await this.#node;
    let left = bytes;
    const next = (): void => {
      const length = Math.min(left, messageBytes);
      left -= length;
      node.command({ type: 'channel-send', channel, data: new Uint8Array(length) });
    };
    await new Promise<void>((resolve) => {
      const unwatch = node.watch((event) => {
        if (event.type !== 'channel-drained' || event.channel !== channel) return;
        if (left > 0) return next();
        unwatch();
        resolve();
      });
      next();
    });
  }

  async openClient(name: string): Promise<void> {
    const config = await fetchConfig(this.#url);
    const options = { directory: this.#url, bindAddress: '127.0.0.1' };
    this.#client = await Client.open({
      store: memoryStore(),
      host: (input) => createHost(options, config, input),
      origin: this.#url,
      headless: true,
    });
    await this.#client.setRelaying(false);
    await this.#client.start({ name });
  }

  async invite(): Promise<string> {
    return (await this.#user().createInvite()).link;
  }

  accept(link: string): Promise<string> {
    return this.#user().acceptInvite(link);
  }

  /** From `send` to the state "delivered", one message after the other. The first opens the channel and is not counted. */
  async deliveries(conversation: string, count: number): Promise<number[]> {
    const times: number[] = [];
    for (let i = -1; i < count; i++) {
      const ms = await this.#deliver(conversation, `message ${String(i)}`);
      if (i >= 0) times.push(ms);
      await sleep(PAUSE_MS);
    }
    return times;
  }

  async stop(): Promise<void> {
    await this.#client?.stop();
    (await this.#node).stop();
  }

  #take(node: BenchNode): void {
    node.watch((event) => {
      if (event.type === 'channel-incoming') {
        this.#incoming = { channel: event.channel, bytes: 0, echo: true };
        node.command({ type: 'channel-trust', channel: event.channel });
      }
      const incoming = this.#incoming;
      if (event.type !== 'channel-message' || event.channel !== incoming?.channel) return;
      incoming.bytes += event.data.length;
      if (incoming.echo) node.command({ type: 'channel-send', channel: event.channel, data: event.data });
    });
  }

  /** One inbox's circuit, which is thrown away once it stands. */
  async #build(node: BenchNode): Promise<{ ms: number; tries: number }> {
    const known = new Map<Handle, number>();
    const note = (): number | undefined => {
      for (const { handle, purpose, state, openedAt } of node.node.circuits) {
        if (purpose !== 'inbox') continue;
        const since = known.get(handle) ?? performance.now();
        known.set(handle, since);
        if (state === 'open' && openedAt !== undefined) return performance.now() - since;
      }
      return undefined;
    };
    const built = node.when('a circuit', note);
    const startedAt = performance.now();
    node.command({ type: 'open-inboxes', count: 1 });
    for (const { handle, purpose } of node.node.circuits)
      if (purpose === 'inbox') known.set(handle, startedAt);
    const ms = await built;
    node.command({ type: 'open-inboxes', count: 0 });
    return { ms, tries: known.size };
  }

  #deliver(conversation: string, text: string): Promise<number> {
    const client = this.#user();
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      let id: string | undefined;
      const delivered = new Set<string>();
      const settle = (): void => {
        if (id === undefined || !delivered.has(id)) return;
        clearTimeout(timer);
        unsubscribe();
        resolve(performance.now() - startedAt);
      };
      const unsubscribe = client.subscribe((event) => {
        if (event.type === 'message' && event.message.state === 'delivered') delivered.add(event.message.id);
        settle();
      });
      const timer = setTimeout(() => reject(new Error('a message was not delivered')), WAIT_MS);
      client.send(conversation, text).then((message) => {
        id = message.id;
        settle();
      }, reject);
    });
  }

  #user(): Client {
    if (!this.#client) throw new Error('the client is not open');
    return this.#client;
  }
}

const openOf = (node: BenchNode, wanted: CircuitState['purpose']): CircuitState[] =>
  node.node.circuits.filter(({ purpose, state }) => purpose === wanted && state === 'open');

if (import.meta.main) {
  const endpoint = new Endpoint(process.argv[2] ?? '');
  const answer = (each: Answer): void => void process.send?.(each);
  process.on('message', ({ id, method, args }: Call) => {
    const call = endpoint[method] as (...given: unknown[]) => Promise<unknown>;
    call.apply(endpoint, args).then(
      (value) => answer({ id, value }),
      (error: unknown) => answer({ id, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  process.once('SIGTERM', () => void endpoint.stop().finally(() => process.exit(0)));
}
