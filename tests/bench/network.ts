import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readConsensus } from '#shared/directory/consensus.ts';
import type { NodeId } from '#shared/units.ts';
import { webDir } from '#tests/support/browser.ts';
import { eventually } from '#tests/support/test-network.ts';
import type { Cpu } from './cpu.ts';
import { Remote } from './remote.ts';
import { Program } from './programs.ts';
import { startTabs, type Tabs } from './tabs.ts';

export type Kind = 'headless' | 'tabs';

export type NetworkOptions = { kind: Kind; relays: number; profileDir?: string | undefined };

/** In a small network every node links to every other; this is how long that takes once all are listed. */
const MESH_MS = 5_000;

/** A directory, relays of one kind and two clients, each a process of its own, all on loopback. */
export class BenchNetwork {
  readonly caller: Remote;
  readonly callee: Remote;
  readonly #server: Program;
  readonly #relays: Program[];
  readonly #tabs: Tabs | undefined;
  readonly #dataDir: string;
  readonly #url: string;

  private constructor(
    url: string,
    server: Program,
    clients: [Remote, Remote],
    { relays, tabs, dataDir }: { relays: Program[]; tabs: Tabs | undefined; dataDir: string },
  ) {
    this.#url = url;
    this.#server = server;
    [this.caller, this.callee] = clients;
    this.#relays = relays;
    this.#tabs = tabs;
    this.#dataDir = dataDir;
  }

  static async start({ kind, relays: count, profileDir }: NetworkOptions): Promise<BenchNetwork> {
    const dataDir = mkdtempSync(join(tmpdir(), 'hourglass-bench-'));
    const tabs = kind === 'tabs' ? await startTabs() : undefined;
    const env = {
      HG_PORT: '0',
      HG_DATA_DIR: dataDir,
      HG_WEB_DIR: webDir,
      HG_CANDIDATES: 'loopback',
      HG_CONSENSUS_CHANGE_MS: '200',
      // Nothing but what is measured.
      HG_CONTRIBUTION: 'off',
      HG_LOCAL_AUDITOR: '0',
      HG_LOG_LEVEL: 'error',
    };
    const server = new Program('signaling-server/main.ts', { env, profileDir });
    const { port } = await server.first<{ port: number }>();
    const url = `http://127.0.0.1:${String(port)}`;
    const headless = kind === 'headless' ? count : 0;
    const options = { args: ['--directory', url, '--bind', '127.0.0.1'], profileDir };
    const relays = Array.from({ length: headless }, () => new Program('relay/main.ts', options));
    await tabs?.open(url, count);
    await eventually(
      `${String(count)} relays in the consensus`,
      async () => (await listed(url)).length >= count,
      60_000,
    );
    await sleep(MESH_MS);
    const clients: [Remote, Remote] = [new Remote(url, profileDir), new Remote(url, profileDir)];
    return new BenchNetwork(url, server, clients, { relays, tabs, dataDir });
  }

  get chromium(): string | undefined {
    return this.#tabs?.version;
  }

  get pids(): Cpu<number[]> {
    return {
      server: [this.#server.pid],
      relays: this.#tabs ? [this.#tabs.pid] : this.#relays.map(({ pid }) => pid),
      clients: [this.caller.pid, this.callee.pid],
    };
  }

  nodes(): Promise<NodeId[]> {
    return listed(this.#url);
  }

  async stop(): Promise<void> {
    await Promise.all([this.caller.stop(), this.callee.stop(), this.#tabs?.stop()]);
    await Promise.all(this.#relays.map((relay) => relay.stop()));
    await this.#server.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

const listed = async (url: string): Promise<NodeId[]> => {
  const response = await fetch(`${url}/consensus`);
  if (!response.ok) return [];
  return readConsensus(new Uint8Array(await response.arrayBuffer()))
    .verify({})
    .nodes.map(({ id }) => id);
};
