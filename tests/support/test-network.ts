import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConsensus } from '#shared/directory/consensus.ts';
import { Driver } from '#shared/driver/driver.ts';
import { makeNodeKeys } from '#shared/node/keys.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent, TraceEvent } from '#shared/node/output.ts';
import type { NodeId } from '#shared/units.ts';
import { readConfig } from '#server/config.ts';
import { createHop } from '#server/hop.ts';
import { createLog } from '#server/log.ts';
import { startServer } from '#server/server.ts';
import { createHost, fetchConfig, systemRng } from '#relay/host.ts';
import { Client } from '#web/core/client.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import { recordedHop, type Recording } from '#tests/support/recording.ts';
import { spawnServer } from '#tests/support/server-process.ts';

/** A headless relay in this process. */
export type TestRelay = { id: NodeId; node: Node; events: NodeEvent[]; stop(): void };

export type TestClient = { client: Client; traces: TraceEvent[]; store: Store };

export type NetworkOptions = {
  relays?: number;
  /** Settings of the server, as in its environment. */
  env?: Record<string, string>;
  webDir?: string;
  /** The server runs in a process of its own, which `killServer` may kill. */
  apart?: boolean;
  /** Keep what the server sees in `recording`. */
  record?: boolean;
};

const TRIES_MS = 20;

/** Resolves once `condition` holds. Rejects after the limit, saying what was awaited. */
export const eventually = async (
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> => {
  const end = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what}: did not come about within ${String(limitMs)} ms`);
    await new Promise((done) => setTimeout(done, TRIES_MS));
  }
};

/** A server, its data in a folder of its own, and relays, all on loopback and in this process. */
export class TestNetwork {
  readonly relays: TestRelay[] = [];
  readonly recording: Recording = { frames: [], services: [] };
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'hourglass-'));
  readonly #env: Record<string, string>;
  readonly #clients: Client[] = [];
  readonly #apart: boolean;
  readonly #record: boolean;
  #end: ((signal: 'SIGTERM' | 'SIGKILL') => Promise<void>) | undefined;
  #port = 0;

  private constructor({ env = {}, webDir, apart = false, record = false }: NetworkOptions) {
    this.#apart = apart;
    this.#record = record;
    this.#env = {
      HG_DATA_DIR: this.#dataDir,
      HG_CANDIDATES: 'loopback',
      HG_CONSENSUS_CHANGE_MS: '200',
      ...(webDir !== undefined && { HG_WEB_DIR: webDir }),
      ...env,
    };
  }

  static async start(options: NetworkOptions = {}): Promise<TestNetwork> {
    const network = new TestNetwork(options);
    await network.startServer();
    for (let i = 0; i < (options.relays ?? 0); i++) await network.addRelay();
    await network.listed(options.relays ?? 0);
    return network;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** Also after the server was stopped or killed: on the same port, with the same data. */
  async startServer(): Promise<void> {
    const env = { ...this.#env, HG_PORT: String(this.#port) };
    if (this.#apart) {
      const { port, end } = await spawnServer(env);
      this.#port = port;
      this.#end = end;
      return;
    }
    const log = createLog(process.env['HG_LOG_LEVEL'] ?? 'silent');
    const hop = this.#record ? recordedHop(this.recording) : createHop;
    const { port, stop } = await startServer({ config: readConfig(env), log, createHop: hop });
    this.#port = port;
    this.#end = stop;
  }

  async stopServer(): Promise<void> {
    const end = this.#end;
    this.#end = undefined;
    await end?.('SIGTERM');
  }

  /** Without a chance to clean up; for a server in a process of its own. */
  async killServer(): Promise<void> {
    if (!this.#apart) throw new Error('the server lives in this process');
    const end = this.#end;
    this.#end = undefined;
    await end?.('SIGKILL');
  }

  async addRelay(): Promise<TestRelay> {
    const events: NodeEvent[] = [];
    const keys = makeNodeKeys(systemRng);
    const node = new Node({
      keys,
      rng: systemRng,
      now: Date.now(),
      role: 'node',
      headless: true,
      maxLinks: 256,
    });
    const config = await fetchConfig(this.url);
    const host = createHost({ directory: this.url }, config, (input) => driver.input(input));
    const driver = new Driver(node, { ...host.ports, event: (event) => void events.push(event) });
    driver.input({ type: 'command', command: { type: 'relay', on: true } });
    driver.input({ type: 'command', command: { type: 'start' } });
    const stop = (): void => {
      driver.stop();
      host.stop();
    };
    const relay = { id: keys.id, node, events, stop };
    this.relays.push(relay);
    return relay;
  }

  /** A user without a page, on the same core as the page's. */
  async addClient({ store = memoryStore(), relaying = false } = {}): Promise<TestClient> {
    const config = await fetchConfig(this.url);
    const traces: TraceEvent[] = [];
    const client = await Client.open({
      store,
      host: (input) => createHost({ directory: this.url }, config, input),
      origin: this.url,
      headless: true,
      trace: (trace) => void traces.push(trace),
    });
    this.#clients.push(client);
    await client.setRelaying(relaying);
    return { client, traces, store };
  }

  /** Ids of the nodes that stand in the consensus. */
  async nodes(): Promise<NodeId[]> {
    const response = await fetch(`${this.url}/consensus`);
    if (!response.ok) return [];
    const { nodes } = readConsensus(new Uint8Array(await response.arrayBuffer())).verify({});
    return nodes.map(({ id }) => id);
  }

  /** Resolves once so many nodes stand in the consensus. */
  async listed(nodes: number): Promise<void> {
    await eventually(
      `${String(nodes)} nodes in the consensus`,
      async () => (await this.nodes()).length >= nodes,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
    for (const relay of this.relays) relay.stop();
    await this.stopServer();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}
