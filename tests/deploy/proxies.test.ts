import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SEALED_CELL_LENGTH } from '#shared/cell/geometry.ts';
import { systemClock } from '#server/clock.ts';
import { readConfig } from '#server/config.ts';
import { webChecks } from '#server/doctor-web.ts';
import { deployProgram } from '#tests/support/deploy-programs.ts';
import { spawnServer, type ServerProcess } from '#tests/support/server-process.ts';
import { freePort } from '#tests/support/stores.ts';
import { eventually } from '#tests/support/test-network.ts';

const deploy = join(import.meta.dirname, '../../deploy');

/** Replaces what stands there once, so that the file as it is delivered is what runs. */
const replaced = (text: string, changes: [from: string, to: string][]): string =>
  changes.reduce((current, [from, to]) => {
    if (current.split(from).length !== 2) throw new Error(`${from} does not stand there once`);
    return current.replace(from, to);
  }, text);

type Start = (folder: string, port: number, upstream: number) => { args: string[]; env: NodeJS.ProcessEnv };

const startCaddy: Start = (folder, port, upstream) => ({
  args: ['run', '--config', join(deploy, 'Caddyfile'), '--adapter', 'caddyfile'],
  env: {
    ...{ HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    DOMAIN: `http://127.0.0.1:${String(port)}`,
    UPSTREAM: `127.0.0.1:${String(upstream)}`,
  },
});

/** As delivered but for addresses, and for TLS, since there is no certificate to be had. */
const startNginx: Start = (folder, port, upstream) => {
  const site = replaced(readFileSync(join(deploy, 'nginx.conf'), 'utf8'), [
    ['server 127.0.0.1:8080 ', `server 127.0.0.1:${String(upstream)} `],
    ['server 127.0.0.1:8080;', `server 127.0.0.1:${String(upstream)};`],
    ['listen 80;', `listen 127.0.0.2:${String(port)};`],
    ['listen 443 ssl http2;', `listen 127.0.0.1:${String(port)};`],
    ['ssl_certificate /', '# /'],
    ['ssl_certificate_key ', '# '],
  ]);
  writeFileSync(join(folder, 'site.conf'), site);
  for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(folder, name));
  const main = `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn; events {}
    http {
      access_log ${folder}/access.log;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
      uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
      include ${folder}/site.conf;
    }`;
  writeFileSync(join(folder, 'nginx.conf'), main);
  return { args: ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')], env: {} };
};

describe.each([
  ['caddy', startCaddy],
  ['nginx', startNginx],
] as const)('behind %s with its file from deploy/', (program, start) => {
  const path = deployProgram(program);
  const tried = it.skipIf(path === undefined);
  let server: ServerProcess;
  /** Stands between proxy and server, and keeps what passes. */
  let wire: Server;
  let seen = '';
  let said = '';
  let folder: string;
  let url: string;
  let proxy: ChildProcess | undefined;

  beforeAll(async () => {
    if (path === undefined) return;
    folder = mkdtempSync(join(tmpdir(), `hourglass-${program}-`));
    server = await spawnServer({ HG_PORT: '0', HG_DATA_DIR: join(folder, 'data'), HG_LOCAL_RELAYS: '0' });
    wire = createServer((socket) => {
      const onward = connect(server.port, '127.0.0.1');
      socket.on('data', (data) => (seen += data.toString('latin1')));
      socket.on('error', () => onward.destroy());
      onward.on('error', () => socket.destroy());
      socket.pipe(onward).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(wire, 'listening');
    const port = await freePort();
    url = `http://127.0.0.1:${String(port)}`;
    const { args, env } = start(folder, port, (wire.address() as AddressInfo).port);
    proxy = spawn(path, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    proxy.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
    proxy.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    await eventually(`${program} answers`, async () => {
      if (proxy?.exitCode !== null) throw new Error(`${program} ended: ${said}`);
      return (await fetch(url).catch(() => undefined)) !== undefined;
    });
  });
  afterEach(() => {
    seen = '';
  });
  const stopProxy = async (): Promise<void> => {
    if (!proxy || proxy.exitCode !== null || proxy.signalCode !== null) return;
    // By then all that it said was read.
    const ended = once(proxy, 'close');
    proxy.kill('SIGTERM');
    await ended;
  };
  afterAll(async () => {
    await stopProxy();
    if (path === undefined) return;
    wire.close();
    await server.end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });

  tried('health and the address of who asks reach the server', async () => {
    const answer = await fetch(`${url}/healthz`);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
    expect(seen).toMatch(/^GET \/healthz HTTP\/1\.1\r$/m);
    expect(seen).toMatch(/^X-Forwarded-For: 127\.0\.0\.1\r$/im);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  tried('links are upgraded', async () => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/link`);
    await once(socket, 'open');
    socket.close();
    await once(socket, 'close');
    const upgrade = seen.slice(seen.indexOf('GET /link '));
    expect(upgrade).toMatch(/^X-Forwarded-For: 127\.0\.0\.1\r$/im);
    expect(upgrade).toMatch(/^Upgrade: websocket\r$/im);
  });

  tried('so are those that the server passes on', async () => {
    const ends = [1, 2].map(() => new WebSocket(`${url.replace('http', 'ws')}/link/0a`));
    await Promise.all(ends.map((end) => once(end, 'open')));
    for (const end of ends) end.send(new Uint8Array(16).fill(10));
    const came = once(ends[1] as WebSocket, 'message') as Promise<[MessageEvent<Blob>]>;
    ends[0]?.send(new Uint8Array(SEALED_CELL_LENGTH).fill(7));
    const [{ data }] = await came;
    expect([...new Uint8Array(await data.arrayBuffer())]).toEqual(Array<number>(SEALED_CELL_LENGTH).fill(7));
    for (const end of ends) end.close();
  });

  tried('the doctor finds nothing wrong', async () => {
    const checks = webChecks(readConfig({ HG_PUBLIC_URL: url }), systemClock.now, '/link');
    for (const { name, run } of checks) expect([name, (await run()).state]).toEqual([name, 'ok']);
  });

  tried('nobody’s address is logged', async () => {
    const request = get(`${url}/healthz`, { localAddress: '127.0.0.3' });
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    expect(answer.statusCode).toBe(200);
    expect(seen).toMatch(/^X-Forwarded-For: 127\.0\.0\.3\r$/im);
    await stopProxy();
    const logs = join(folder, 'access.log');
    if (existsSync(logs)) said += readFileSync(logs, 'utf8');
    expect(said).not.toContain('127.0.0.3');
  });
});
