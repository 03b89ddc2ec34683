import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#server/config.ts';
import { failed, ok, runChecks, skipped, warning, type Check } from '#server/doctor-check.ts';
import { storeChecks, type Engine } from '#server/doctor-stores.ts';
import { webChecks } from '#server/doctor-web.ts';
import { loadKeys } from '#server/keys.ts';
import { LINK_PATH } from '#server/server.ts';
import { setupWarning } from '#server/setup.ts';
import { mongoToBeHad } from '#tests/support/mongo-program.ts';
import { spawnServer, type ServerProcess } from '#tests/support/server-process.ts';
import { freePort, mongoServer, redisServer, type StoreServer } from '#tests/support/stores.ts';

const withMongo = mongoToBeHad();
const START_MS = 600_000;

const folder = mkdtempSync(join(tmpdir(), 'hourglass-doctor-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What each check says, by its name. */
const outcomes = async (checks: Check[]): Promise<Record<string, string>> => {
  const lines: [string, string][] = [];
  for (const { name, run } of checks) {
    const { state, said } = await run();
    lines.push([name, `${state}: ${said}`]);
  }
  return Object.fromEntries(lines);
};

describe('checks', () => {
  it('say a line each, and fail together', async () => {
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const checks: Check[] = [
      { name: 'one', run: async () => ok('there') },
      { name: 'two', run: async () => skipped('not set') },
      { name: 'six', run: async () => warning('for now') },
    ];
    expect(await runChecks(checks, say)).toBe(true);
    const thrown: Check = { name: 'three', run: () => Promise.reject(new Error('lost at 192.0.2.1\nat x')) };
    const silent: Check = { name: 'four', run: () => new Promise(() => undefined) };
    expect(await runChecks([...checks, thrown], say)).toBe(false);
    expect(await runChecks([silent, { name: 'five', run: async () => failed('full') }], say, 20)).toBe(false);
    expect(lines).toEqual([
      'ok       one: there',
      'skipped  two: not set',
      'warning  six: for now',
      'ok       one: there',
      'skipped  two: not set',
      'warning  six: for now',
      'failed   three: lost at [address]',
      'failed   four: no answer within 0.02 s',
      'failed   five: full',
    ]);
  });
});

describe('the doctor and the stores', () => {
  const dataDir = join(folder, 'stores');
  const closed: string[] = [];
  const engine = (name: string, ping: () => Promise<void>): Engine => ({
    ping,
    close: async () => void closed.push(name),
  });
  const engines = {
    openLive: async () => engine('live', async () => undefined),
    openArchive: async () => engine('archive', () => Promise.reject(new Error('no primary'))),
  };
  const look = (env: Record<string, string>): Promise<Record<string, string>> =>
    outcomes(storeChecks(readConfig({ HG_DATA_DIR: dataDir, ...env }), engines));

  it('makes nothing that is not there, and asks for nothing that is not set', async () => {
    expect(await look({})).toEqual({
      'data folder': `skipped: ${dataDir} is not there yet; the first start makes it`,
      keys: `skipped: ${join(dataDir, 'directory-keys.json')} is not there yet; the first start makes it`,
      Redis: expect.stringMatching(/^skipped: HG_REDIS_URL is not set/) as string,
      MongoDB: expect.stringMatching(/^skipped: HG_MONGODB_URL is not set/) as string,
    });
    expect(existsSync(dataDir)).toBe(false);
    expect(closed).toEqual([]);
  });

  it('finds what is right and what is wrong, and leaves nothing', async () => {
    mkdirSync(dataDir);
    const { id } = loadKeys(join(dataDir, 'directory-keys.json'));
    expect(await look({ HG_REDIS_URL: 'redis://a', HG_MONGODB_URL: 'mongodb://a' })).toEqual({
      'data folder': `ok: ${dataDir} can be written`,
      keys: `ok: the directory is ${id}`,
      Redis: expect.stringMatching(/^ok: answers in \d+\.\d ms$/) as string,
      MongoDB: 'failed: no primary: start it, or change HG_MONGODB_URL',
    });
    expect(closed).toEqual(['live', 'archive']);
    expect(readdirSync(dataDir)).toEqual(['directory-keys.json']);
  });

  it('says what to do about damaged keys and a folder that is none', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '{');
    const said = await look({ HG_DATA_DIR: file, HG_KEYS_FILE: file });
    expect(said['data folder']).toBe(`failed: ${file} is no folder: change HG_DATA_DIR`);
    expect(said['keys']).toMatch(/^failed: .*damaged; restore it from a backup; HG_KEYS_FILE sets/);
  });
});

it('warns of keys for development where contribution may be enforced', () => {
  const warns = (contribution: string): boolean =>
    setupWarning(readConfig({ HG_CONTRIBUTION: contribution })) !== undefined;
  expect(['auto', 'enforce', 'observe', 'off'].map(warns)).toEqual([true, true, false, false]);
});

describe('the doctor and the web', () => {
  const dataDir = join(folder, 'web');
  let server: ServerProcess;
  let stranger: Server;
  let url: string;

  beforeAll(async () => {
    server = await spawnServer({ HG_PORT: '0', HG_DATA_DIR: dataDir });
    url = `http://127.0.0.1:${String(server.port)}`;
    stranger = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
  });
  afterAll(async () => {
    stranger.close();
    await server.end('SIGTERM');
  });

  const look = (env: Record<string, string>, now = Date.now): Promise<Record<string, string>> =>
    outcomes(webChecks(readConfig({ HG_DATA_DIR: dataDir, ...env }), now, LINK_PATH));
  const shifted = (byMs: number) => (): number => Date.now() + byMs;
  const states = (said: Record<string, string>): string[] =>
    Object.values(said).map((line) => line.split(':')[0] ?? '');

  it('finds a server that is well', async () => {
    expect(await look({ HG_PUBLIC_URL: url })).toEqual({
      https: 'ok: not needed on this machine',
      '/healthz': `ok: ${url} answers`,
      '/consensus': expect.stringMatching(
        /^ok: number \d+, with 0 nodes, signed by this directory's key$/,
      ) as string,
      WebSocket: 'ok: /link takes links',
      'clock by HTTP': expect.stringMatching(/^ok: within [0-2]\.\d s of /) as string,
      'clock by consensus': expect.stringMatching(/^ok: the consensus was made \d+\.\d s ago$/) as string,
    });
  });

  it('tries the local one when no public address is set', async () => {
    const local = await look({ HG_PORT: String(server.port) });
    expect(states(local)).toEqual(['skipped', 'ok', 'ok', 'ok', 'ok', 'ok']);
    const none = await look({ HG_PORT: String(await freePort()) });
    expect(new Set(states(none))).toEqual(new Set(['skipped']));
  });

  it.each([
    [-31_000, 'behind', 'failed: behind the consensus by'],
    [31_000, 'ahead of', 'ok: the consensus was made'],
    [95_000, 'ahead of', 'failed: the consensus is'],
  ])('finds a clock that is off by %d ms', async (byMs, side, consensus) => {
    const said = await look({ HG_PUBLIC_URL: url, HG_CONSENSUS_MS: '60000' }, shifted(byMs));
    expect(said['clock by HTTP']).toMatch(
      new RegExp(`^failed: (29|3\\d|9\\d)\\.\\d s ${side} ${url}: run an NTP`),
    );
    expect(said['clock by consensus']).toContain(consensus);
  });

  it('lets a clock be off a little', async () => {
    for (const byMs of [-25_000, 25_000]) {
      const said = await look({ HG_PUBLIC_URL: url }, shifted(byMs));
      expect(said['clock by HTTP']).toMatch(/^ok/);
      expect(said['clock by consensus']).toMatch(/^ok/);
    }
  });

  it('finds a process with other keys', async () => {
    const other = join(folder, 'other.json');
    loadKeys(other);
    const said = await look({ HG_PUBLIC_URL: url, HG_KEYS_FILE: other });
    expect(said['/consensus']).toMatch(/^failed: bad-key.*the same HG_KEYS_FILE\?$/);
  });

  it('finds a proxy that passes nothing on', async () => {
    const { port } = stranger.address() as AddressInfo;
    const said = await look({ HG_PUBLIC_URL: `http://127.0.0.1:${String(port)}` });
    expect(said).toMatchObject({
      '/healthz': 'failed: answers 404: is it Hourglass there?',
      '/consensus': 'failed: there is none: see what the server logs',
      WebSocket: 'failed: /link answers 404: the proxy has to pass on the headers Upgrade and Connection',
      'clock by consensus': 'skipped: there is no consensus',
    });
  });

  it('finds a public address that leads nowhere, or without TLS', async () => {
    const nowhere = `http://127.0.0.1:${String(await freePort())}`;
    const said = await look({ HG_PUBLIC_URL: nowhere });
    expect(states(said)).toEqual(['ok', 'failed', 'failed', 'failed', 'failed', 'failed']);
    expect(said['/healthz']).toContain('cannot be reached');
    const [https] = webChecks(readConfig({ HG_PUBLIC_URL: 'http://chat.example.org' }), Date.now, LINK_PATH);
    expect(await https?.run()).toMatchObject({ state: 'failed' });
  });
});

describe('npm run doctor', () => {
  const dataDir = join(folder, 'whole');
  let redis: StoreServer;
  let mongo: StoreServer | undefined;
  let server: ServerProcess;
  let env: Record<string, string>;

  beforeAll(async () => {
    redis = await redisServer();
    if (withMongo) mongo = await mongoServer();
    env = {
      HG_DATA_DIR: dataDir,
      HG_REDIS_URL: redis.url,
      ...(mongo && { HG_MONGODB_URL: mongo.url }),
      HG_ICE_SERVERS: '[{"urls":"turns:turn.example.org","username":"u","credential":"hunter2"}]',
    };
    server = await spawnServer({ ...env, HG_PORT: '0' });
    env['HG_PUBLIC_URL'] = `http://127.0.0.1:${String(server.port)}`;
  }, START_MS);
  afterAll(async () => {
    await server?.end('SIGTERM');
    await redis?.stop();
    await mongo?.stop();
  });

  const program = join(import.meta.dirname, '../../signaling-server/doctor.ts');
  const doctor = (settings: Record<string, string>): Promise<{ code: unknown; said: string }> =>
    new Promise((done) => {
      const options = { env: { ...process.env, ...settings } };
      execFile(process.execPath, [program], options, (error, stdout, stderr) => {
        done({ code: error?.code ?? 0, said: stdout + stderr });
      });
    });

  it('ends with 0 when all is well, and repeats no secret', async () => {
    const { code, said } = await doctor(env);
    expect(said).not.toMatch(/^failed/m);
    expect(code).toBe(0);
    expect(said).toMatch(/^HG_PORT +8080$/m);
    expect(said).toMatch(/^ok {7}data folder: /m);
    expect(said).toMatch(/^ok {7}keys: the directory is /m);
    expect(said).toMatch(/^ok {7}Redis: answers in /m);
    expect(said).toMatch(withMongo ? /^ok {7}MongoDB: answers in /m : /^skipped {2}MongoDB: /m);
    expect(said).toMatch(/^ok {7}\/consensus: .*signed by this directory's key$/m);
    expect(said).toMatch(/^ok {7}WebSocket: /m);
    expect(said).toMatch(/^(ok {7}|warning {2})contribution: /m);
    expect(said).not.toContain('hunter2');
  });

  it('ends with 1 when a store is away, and says which', async () => {
    const { code, said } = await doctor({
      ...env,
      HG_REDIS_URL: `redis://127.0.0.1:${String(await freePort())}`,
    });
    expect(code).toBe(1);
    expect(said).toMatch(/^failed {3}Redis: .*: start it, or change HG_REDIS_URL$/m);
    expect(said.match(/^failed/gm)).toHaveLength(1);
  });

  it('ends with 78 when settings cannot be used, and says all of them', async () => {
    const { code, said } = await doctor({ ...env, HG_PORT: 'x', HG_TURN_TTL_S: '1' });
    expect(code).toBe(78);
    expect(said).toContain('HG_PORT');
    expect(said).toContain('HG_TURN_TTL_S');
  });
});
