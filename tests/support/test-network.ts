import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SignKeypair } from '#shared/crypto/sign.ts';
import { readConsensus } from '#shared/directory/consensus.ts';
import { Driver } from '#shared/driver/driver.ts';
import type { Input } from '#shared/node/input.ts';
import { makeNodeKeys } from '#shared/node/keys.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeOptions } from '#shared/node/options.ts';
import type { NodeEvent, TraceEvent } from '#shared/node/output.ts';
import type { NodeId } from '#shared/units.ts';
import { readConfig } from '#server/config.ts';
import { createHop } from '#server/hop.ts';
import { loadKeys } from '#server/keys.ts';
import { createLog } from '#server/log.ts';
import { startServer } from '#server/server.ts';
import { runAuditor } from '#relay/auditing.ts';
import { commitAfresh } from '#relay/commit.ts';
import { createHost, fetchConfig, systemRng } from '#relay/host.ts';
import { Client } from '#web/core/client.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';
import { Balancer } from '#tests/support/balancer.ts';
import { Intake } from '#tests/support/intake.ts';
import { recordedHop, type Recording } from '#tests/support/recording.ts';
import { spawnServer } from '#tests/support/server-process.ts';

/** A headless relay in this process. */
export type TestRelay = {
  id: NodeId;
  node: Node;
  events: NodeEvent[];
  /** While it is on, nothing that comes in is looked at; then all of it. */
  freeze(on: boolean): void;
  /** From now on it does everything so much later. */
  lag(ms: number): void;
  stop(): void;
};

export type TestClient = { client: Client; traces: TraceEvent[]; store: Store };

export type NetworkOptions = {
  relays?: number;
  /** Settings of the server, as in its environment. */
  env?: Record<string, string>;
  webDir?: string;
  /** The server runs in a process of its own, which `killServer` may kill. */
  apart?: boolean;
  /** Server processes behind a balancer, each apart; more than one share the Redis and the MongoDB that `env` names. */
  servers?: number;
  /** Is given each line that a server apart writes. */
  onLog?: (line: string) => void;
  /** Keep what the server sees in `recording`. */
  record?: boolean;
  /** Nodes are audited: by an auditor in this process, or by the servers' own where they run apart. */
  auditor?: boolean;
};

type Server = {
  port: number;
  pid?: number;
  end: ((signal: 'SIGTERM' | 'SIGKILL') => Promise<void>) | undefined;
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

/** One server or several, their data in a folder of its own, and relays, all on loopback. */
export class TestNetwork {
  readonly relays: TestRelay[] = [];
  readonly recording: Recording = { frames: [], services: [] };
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'hourglass-'));
  readonly #keysFile = join(this.#dataDir, 'directory-keys.json');
  readonly #options: NetworkOptions;
  readonly #clients: Client[] = [];
  readonly #servers: Server[];
  /** What the auditor's node told. */
  readonly audits: NodeEvent[] = [];
  #auditor: { stop(): void } | undefined;
  #balancer: Balancer | undefined;

  private constructor(options: NetworkOptions) {
    this.#options = options;
    this.#servers = Array.from({ length: options.servers ?? 1 }, () => ({ port: 0, end: undefined }));
  }

  static async start(options: NetworkOptions = {}): Promise<TestNetwork> {
    const network = new TestNetwork(options);
    if (network.#servers.length > 1) network.#balancer = await Balancer.start();
    for (const index of network.#servers.keys()) await network.startServer(index);
    for (let i = 0; i < (options.relays ?? 0); i++) await network.addRelay();
    await network.listed(options.relays ?? 0);
    return network;
  }

  /** The balancer's where there are several servers. */
  get url(): string {
    return this.#balancer?.url ?? this.urlOf(0);
  }

  /** Of one server alone. */
  urlOf(index: number): string {
    return `http://127.0.0.1:${String(this.#servers[index]?.port ?? 0)}`;
  }

  /** Also after the server was stopped or killed: on the same port, with the same data. */
  async startServer(index = 0): Promise<void> {
    const server = this.#server(index);
    const env = { ...this.#env(index), HG_PORT: String(server.port) };
    const { apart, record, onLog } = this.#options;
    if (apart || this.#servers.length > 1) {
      Object.assign(server, await spawnServer(env, onLog));
    } else {
      const log = createLog(process.env['HG_LOG_LEVEL'] ?? 'silent');
      const hop = record ? recordedHop(this.recording) : createHop;
      const { port, stop, auditor } = await startServer({ config: readConfig(env), log, createHop: hop });
      Object.assign(server, { port, end: stop });
      if (auditor) await this.#audit(auditor.seed);
    }
    this.#balance();
  }

  /** By a new auditor, since a server that starts again knows no other. */
  async #audit(seed: Uint8Array): Promise<void> {
    this.#auditor?.stop();
    const directory = this.urlOf(0);
    this.#auditor = runAuditor({
      ...{ directory, seed, config: await fetchConfig(directory) },
      event: (event) => void this.audits.push(event),
    });
  }

  async stopServer(index = 0): Promise<void> {
    await this.#end(index, 'SIGTERM');
  }

  /** Without a chance to clean up; for a server in a process of its own. */
  async killServer(index = 0): Promise<void> {
    if (!this.#options.apart && this.#servers.length === 1)
      throw new Error('the server lives in this process');
    await this.#end(index, 'SIGKILL');
  }

  async #end(index: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const server = this.#server(index);
    const { end } = server;
    server.end = undefined;
    this.#balance();
    await end?.(signal);
  }

  #balance(): void {
    this.#balancer?.use(this.#servers.filter(({ end }) => end).map(({ port }) => port));
  }

  #server(index: number): Server {
    const server = this.#servers[index];
    if (!server) throw new Error(`there is no server ${String(index)}`);
    return server;
  }

  #env(index: number): Record<string, string> {
    const { webDir, auditor = false, env = {} } = this.#options;
    return {
      HG_DATA_DIR: join(this.#dataDir, String(index)),
      HG_KEYS_FILE: this.#keysFile,
      HG_CANDIDATES: 'loopback',
      HG_LOCAL_AUDITOR: auditor ? '1' : '0',
      HG_CONSENSUS_CHANGE_MS: '200',
      // A network of tests is there at once, however many nodes it has.
      HG_REGISTRATION_DELAY_MS: '0',
      ...(webDir !== undefined && { HG_WEB_DIR: webDir }),
      ...env,
    };
  }

  /** Of the first server; nobody else may read it before that has stopped. */
  get archiveFile(): string {
    return join(this.#dataDir, '0', 'archive.sqlite');
  }

  /** What the directory signs with. */
  get signing(): SignKeypair {
    return loadKeys(this.#keysFile).signing;
  }

  async addRelay(limits: Pick<NodeOptions, 'maxInboxes' | 'maxInboxWork'> = {}): Promise<TestRelay> {
    const events: NodeEvent[] = [];
    const keys = makeNodeKeys(systemRng);
    const node = new Node({
      keys,
      rng: systemRng,
      now: Date.now(),
      role: 'node',
      headless: true,
      maxLinks: 256,
      ...limits,
    });
    const config = await fetchConfig(this.url);
    const intake = new Intake<Input>((input) => driver.input(input));
    const host = createHost({ directory: this.url }, config, (input) => intake.put(input));
    const commit = commitAfresh(systemRng, (command) => driver.input({ type: 'command', command }));
    const event = (each: NodeEvent): void => {
      events.push(each);
      commit(each);
    };
    const driver = new Driver(node, { ...host.ports, event });
    driver.input({ type: 'command', command: { type: 'relay', on: true } });
    driver.input({ type: 'command', command: { type: 'start' } });
    const stop = (): void => {
      intake.end();
      driver.stop();
      host.stop();
    };
    const freeze = (on: boolean): void => intake.freeze(on);
    const lag = (ms: number): void => intake.lag(ms);
    const relay = { id: keys.id, node, events, freeze, lag, stop };
    this.relays.push(relay);
    return relay;
  }

  /** A user without a page, on the same core as the page's; on one server alone where it is given. */
  async addClient({
    store = memoryStore(),
    relaying = false,
    server = undefined as number | undefined,
  } = {}): Promise<TestClient> {
    const directory = server === undefined ? this.url : this.urlOf(server);
    const config = await fetchConfig(directory);
    const traces: TraceEvent[] = [];
    const client = await Client.open({
      store,
      host: (input) => createHost({ directory }, config, input),
      origin: this.url,
      headless: true,
      trace: (trace) => void traces.push(trace),
    });
    this.#clients.push(client);
    await client.setRelaying(relaying);
    return { client, traces, store };
  }

  /** Of the servers that are processes apart. */
  get pids(): number[] {
    return this.#servers.flatMap(({ pid }) => pid ?? []);
  }

  /** Connections that are open through the balancer, by server. */
  get connections(): number[] {
    return this.#servers.map(({ port }) => this.#balancer?.open.get(port) ?? 0);
  }

  /** Ids of the nodes that stand in the consensus, as one server shows it or whichever is asked. */
  async nodes(server?: number): Promise<NodeId[]> {
    const response = await fetch(`${server === undefined ? this.url : this.urlOf(server)}/consensus`);
    if (!response.ok) return [];
    const { nodes } = readConsensus(new Uint8Array(await response.arrayBuffer())).verify({});
    return nodes.map(({ id }) => id);
  }

  /** Resolves with the consensus, once every relay has the very same. */
  async shared(): Promise<Uint8Array> {
    let bytes = new Uint8Array(0);
    const everywhere = async (): Promise<boolean> => {
      bytes = await (await fetch(`${this.url}/consensus`)).bytes();
      const { sequence } = readConsensus(bytes).verify({});
      const has = (event: NodeEvent): boolean =>
        event.type === 'consensus' && event.consensus.sequence === sequence;
      return this.relays.every(({ events }) => events.some(has));
    };
    await eventually('a consensus that every relay has', everywhere, 60_000);
    return bytes;
  }

  /** Resolves once so many nodes stand in the consensus. */
  async listed(nodes: number, limitMs = 60_000): Promise<void> {
    await eventually(
      `${String(nodes)} nodes in the consensus`,
      async () => (await this.nodes()).length >= nodes,
      limitMs,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
    this.#auditor?.stop();
    for (const relay of this.relays) relay.stop();
    await Promise.all(this.#servers.map((_, index) => this.stopServer(index)));
    await this.#balancer?.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}
