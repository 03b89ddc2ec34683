import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { dhKeypair } from '#shared/crypto/dh.ts';
import { xwingKeypair } from '#shared/crypto/kem.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { readConsensus, type Consensus } from '#shared/directory/consensus.ts';
import { Driver } from '#shared/driver/driver.ts';
import { Node } from '#shared/node/node.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import { nodeId, type LinkId } from '#shared/units.ts';
import { systemClock } from '#server/clock.ts';
import { readConfig } from '#server/config.ts';
import { createHop } from '#server/hop.ts';
import { createLog } from '#server/log.ts';
import { LINK_PATH, startServer, type RunningServer } from '#server/server.ts';

/** A node that links to the directory alone. */
const clientOf = (
  seed: number,
  port: number,
): { node: Node; driver: Driver; events: NodeEvent[]; close(): void } => {
  const rng = seededRng(new Uint8Array(32).fill(seed));
  const signing = signKeypair(rng(32));
  const keys = {
    ...{ id: nodeId(signing.public), idBytes: signing.public, secret: signing.secret },
    ...{ onion: dhKeypair(rng(32)), signalling: xwingKeypair(rng(32)) },
  };
  const events: NodeEvent[] = [];
  const sockets = new Map<LinkId, WebSocket>();
  const node = new Node({ keys, rng, now: Date.now(), role: 'node', headless: true });
  const driver = new Driver(node, {
    ...{ now: systemClock.now, rng, timer: systemClock.after },
    later: (work) => void setImmediate(work),
    openWebSocket(link) {
      const socket = new WebSocket(`ws://127.0.0.1:${String(port)}${LINK_PATH}`);
      sockets.set(link, socket);
      socket.on('open', () => {
        driver.input({ type: 'link-open', link });
      });
      socket.on('message', (data: Buffer) => {
        driver.input({ type: 'link-data', link, data: new Uint8Array(data) });
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        driver.input({ type: 'link-closed', link });
      });
    },
    createPeer: () => undefined,
    signalPeer: () => undefined,
    openPass: () => undefined,
    send: (link, data) => sockets.get(link)?.send(data),
    closeLink: (link) => sockets.get(link)?.close(),
    fetchConsensus() {
      fetch(`http://127.0.0.1:${String(port)}/consensus`)
        .then((response) => response.arrayBuffer())
        .then(
          (body) => {
            driver.input({ type: 'consensus', body: new Uint8Array(body) });
          },
          () => {
            driver.input({ type: 'consensus-failed' });
          },
        );
    },
    event: (event) => void events.push(event),
  });
  const close = (): void => {
    driver.stop();
    for (const socket of sockets.values()) socket.terminate();
  };
  return { node, driver, events, close };
};

describe('a directory process', () => {
  let folder: string;
  let server: RunningServer;
  let clients: ReturnType<typeof clientOf>[];

  const start = async (port: number): Promise<void> => {
    const env = {
      HG_PORT: String(port),
      HG_DATA_DIR: folder,
      HG_CONSENSUS_CHANGE_MS: '50',
      HG_LOG_LEVEL: 'error',
    };
    server = await startServer({ config: readConfig(env), log: createLog('error'), createHop });
  };
  const consensus = async (): Promise<Consensus> => {
    const response = await fetch(`http://127.0.0.1:${String(server.port)}/consensus`);
    return readConsensus(new Uint8Array(await response.arrayBuffer())).verify({ now: Date.now() });
  };
  const client = (seed: number): ReturnType<typeof clientOf> => {
    const made = clientOf(seed, server.port);
    clients.push(made);
    made.driver.input({ type: 'command', command: { type: 'start' } });
    return made;
  };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hourglass-server-'));
    clients = [];
    await start(0);
  });
  afterEach(async () => {
    for (const { close } of clients) close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it('lists the nodes that register over their circuits, and again after it was away', async () => {
    const nodes = [10, 11, 12].map(client);
    for (const { driver } of nodes) driver.input({ type: 'command', command: { type: 'relay', on: true } });
    await vi.waitFor(async () => {
      expect((await consensus()).nodes).toHaveLength(3);
    }, 10_000);
    expect(nodes.map(({ node }) => node.registered)).toEqual([true, true, true]);
    const { sequence, directoryKey } = await consensus();

    const { port } = server;
    await server.stop();
    await vi.waitFor(() => {
      expect(nodes.map(({ node }) => node.registered)).toEqual([false, false, false]);
    }, 10_000);
    await start(port);
    await vi.waitFor(() => {
      expect(nodes.map(({ node }) => node.registered)).toEqual([true, true, true]);
    }, 15_000);
    expect((await consensus()).sequence).toBeGreaterThan(sequence);
    expect((await consensus()).directoryKey).toEqual(directoryKey);
  });
});
