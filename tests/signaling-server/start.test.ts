import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readConsensus } from '#shared/directory/consensus.ts';
import { EXIT_CONFIG, EXIT_FAILURE } from '#server/start-error.ts';

const program = fileURLToPath(new URL('../../signaling-server/start.ts', import.meta.url));

type Run = { child: ChildProcess; output(): string };

let folder: string;
let runs: Run[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hourglass-start-'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  runs = [];
});
afterEach(async () => {
  for (const { child } of runs) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  rmSync(folder, { recursive: true });
});

const run = (env: Record<string, string> = {}): Run => {
  const own = { HG_PORT: '0', HG_LOCAL_RELAYS: '0', HG_WEB_DIR: folder, HG_DATA_DIR: join(folder, 'data') };
  const child = spawn(process.execPath, [program], { env: { ...process.env, ...own, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output += data.toString()));
  const started = { child, output: () => output };
  runs.push(started);
  return started;
};

const ready = async ({ output }: Run): Promise<string> => {
  await vi.waitFor(() => {
    expect(output()).toMatch(/^Hourglass is ready: http:\/\/localhost:\d+\/$/m);
  }, 15_000);
  return /http:\S+/.exec(output())?.[0] ?? '';
};

const isUp = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}healthz`)).ok;
  } catch {
    return false;
  }
};

/** The pids of a process's children, as Linux lists them. */
const childrenOf = ({ pid }: ChildProcess): number[] => {
  const list = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
  return list.trim().split(/\s+/).map(Number);
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('npm start', () => {
  it('says where it is ready, serves, and ends with all that it started', async () => {
    const started = run();
    const url = await ready(started);
    expect(await isUp(url)).toBe(true);
    expect((await fetch(url)).status).toBe(200);
    const children = childrenOf(started.child);
    expect(children).toHaveLength(1);
    started.child.kill('SIGTERM');
    expect(await once(started.child, 'exit')).toEqual([0, null]);
    expect(children.filter(isAlive)).toEqual([]);
    expect(await isUp(url)).toBe(false);
  });

  it('is ready once all its relays have joined the network', async () => {
    const url = await ready(run({ HG_LOCAL_RELAYS: '2' }));
    const bytes = new Uint8Array(await (await fetch(`${url}consensus`)).arrayBuffer());
    const { nodes } = readConsensus(bytes).verify({ now: Date.now() });
    expect(nodes.map(({ capabilities }) => capabilities.headless)).toEqual([true, true]);
  });

  it('starts a directory that was killed again, at the same place', async () => {
    const started = run();
    const url = await ready(started);
    const [directory] = childrenOf(started.child) as [number];
    const before = await (await fetch(`${url}consensus`)).arrayBuffer();
    process.kill(directory, 'SIGKILL');
    await vi.waitFor(async () => {
      expect(childrenOf(started.child)).not.toContain(directory);
      expect(await isUp(url)).toBe(true);
    }, 15_000);
    const after = await (await fetch(`${url}consensus`)).arrayBuffer();
    expect(new DataView(after).getBigUint64(1)).toBeGreaterThan(new DataView(before).getBigUint64(1));
  });

  it('leaves no process behind when it is killed itself', async () => {
    const started = run();
    await ready(started);
    const children = childrenOf(started.child);
    started.child.kill('SIGKILL');
    await vi.waitFor(() => {
      expect(children.filter(isAlive)).toEqual([]);
    }, 10_000);
  });

  it('says which port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const started = run({ HG_PORT: String(port) });
    expect(await once(started.child, 'exit')).toEqual([EXIT_FAILURE, null]);
    other.close();
    expect(started.output()).toMatch(
      new RegExp(`^Port ${String(port)} is in use by another program. Set HG_PORT`),
    );
    expect(started.output()).not.toContain('    at ');
  });

  it('says which settings cannot be used', async () => {
    const started = run({ HG_PORT: 'x', HG_LOCAL_RELAYS: '-1' });
    expect(await once(started.child, 'exit')).toEqual([EXIT_CONFIG, null]);
    expect(started.output()).toMatch(
      /HG_PORT +x +is a whole number\n +HG_LOCAL_RELAYS +-1 +is a whole number/,
    );
  });
});
