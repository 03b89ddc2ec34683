import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttp, type Readiness } from '#server/http.ts';
import type { ConsensusRecord } from '#server/stores/ports.ts';
import { turnCredential } from '#server/turn.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const recordOf = (sequence: number): ConsensusRecord => ({
  sequence,
  fence: 1,
  time: 1,
  hash: new Uint8Array(32).fill(sequence),
  bytes: new Uint8Array(100).fill(sequence),
});

describe('the directory over HTTP', () => {
  let folder: string;
  let server: Server;
  let port: number;
  let consensus: ConsensusRecord | undefined;
  let readiness: Readiness;
  const clock = new VirtualClock();
  const turn = { urls: ['turn:turn.example.org', 'turns:turn.example.org'], secret: 'a secret', ttlS: 600 };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'hourglass-http-'));
    const webDir = join(folder, 'web');
    mkdirSync(join(webDir, 'assets'), { recursive: true });
    writeFileSync(join(webDir, 'index.html'), '<!doctype html>');
    writeFileSync(join(webDir, 'sw.js'), '//');
    for (const copy of ['', '.br', '.gz']) writeFileSync(join(webDir, `assets/core-a1b2c3.js${copy}`), '//');
    for (const kind of ['wasm', 'zkey']) writeFileSync(join(webDir, `assets/proof-a1b2c3.${kind}`), '');
    writeFileSync(join(folder, 'secret.txt'), 'secret');
    const iceServers = [{ urls: 'stun:stun.example.org' }];
    server = createHttp({
      webDir,
      ...{ iceServers, turn, clock },
      candidates: 'all',
      linkPath: '/link',
      consensus: () => consensus,
      readiness: () => readiness,
      releaseSignature: new Uint8Array(64).fill(9),
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    consensus = recordOf(1);
    readiness = { draining: false, away: [] };
  });

  const get = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${String(port)}${path}`, init);

  /** The whole answer to bytes that no client library would send. */
  const raw = async (request: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.end(request, 'latin1');
    await once(socket, 'close');
    return answer;
  };

  it.each([
    '/',
    '/assets/core-a1b2c3.js',
    '/sw.js',
    '/consensus',
    '/client.json',
    '/healthz',
    '/readyz',
    '/nothing',
  ])('says with %s what the app may do', async (path) => {
    const { headers } = await get(path);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; " +
        "font-src 'self'; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; " +
        'trusted-types hourglass svelte-trusted-html',
    );
    expect(Object.fromEntries(headers)).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'permissions-policy':
        'camera=(self), microphone=(self), geolocation=(), browsing-topics=(), usb=(), local-network=(self)',
    });
    expect(headers.get('set-cookie')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
  });

  it('gives the signature of the app that it serves', async () => {
    const answer = await get('/release.sig');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array(64).fill(9));
  });

  it('sends the compressed copy of a file to whoever takes it', async () => {
    const ask = async (path: string, encoding: string): Promise<[string | null, string | null]> => {
      const { headers } = await get(path, { method: 'HEAD', headers: { 'Accept-Encoding': encoding } });
      return [headers.get('content-encoding'), headers.get('content-type')];
    };
    expect(await ask('/assets/core-a1b2c3.js', 'gzip, br')).toEqual(['br', 'text/javascript']);
    expect(await ask('/assets/core-a1b2c3.js', 'gzip')).toEqual(['gzip', 'text/javascript']);
    expect((await ask('/assets/core-a1b2c3.js', 'identity'))[0]).toBeNull();
    expect((await ask('/sw.js', 'gzip, br'))[0]).toBeNull();
  });

  it('says what the files of a prover are', async () => {
    const typeOf = async (path: string): Promise<string | null> =>
      (await get(path)).headers.get('content-type');
    expect(await typeOf('/assets/proof-a1b2c3.wasm')).toBe('application/wasm');
    expect(await typeOf('/assets/proof-a1b2c3.zkey')).toBe('application/octet-stream');
  });

  it('lets nobody but hashed files be kept', async () => {
    const cacheControl = async (path: string): Promise<string | null> =>
      (await get(path)).headers.get('cache-control');
    expect(await cacheControl('/assets/core-a1b2c3.js')).toBe('public, max-age=31536000, immutable');
    expect(await cacheControl('/')).toBe('no-cache');
    expect(await cacheControl('/index.html')).toBe('no-cache');
    expect(await cacheControl('/sw.js')).toBe('no-cache');
    for (const path of ['/consensus', '/client.json', '/healthz', '/readyz', '/nothing']) {
      expect(await cacheControl(path)).toBe('no-store');
    }
  });

  it('serves the app with its types', async () => {
    const page = await get('/?profile=two');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect((await get('/assets/core-a1b2c3.js')).headers.get('content-type')).toMatch(/^text\/javascript/);
  });

  it('serves the latest consensus, and none twice to who names its tag', async () => {
    const first = await get('/consensus');
    expect(first.headers.get('content-type')).toBe('application/octet-stream');
    expect(new Uint8Array(await first.arrayBuffer())).toEqual(recordOf(1).bytes);
    const tag = first.headers.get('etag') ?? '';
    const again = await get('/consensus', { headers: { 'If-None-Match': `"other", W/${tag}` } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    consensus = recordOf(2);
    const next = await get('/consensus', { headers: { 'If-None-Match': tag } });
    expect(next.status).toBe(200);
    expect(next.headers.get('etag')).not.toBe(tag);
  });

  it('says when there is no consensus yet', async () => {
    consensus = undefined;
    const answer = await get('/consensus');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('tells a client what it must know', async () => {
    expect(await (await get('/client.json')).json()).toEqual({
      candidates: 'all',
      iceServers: [{ urls: 'stun:stun.example.org' }, expect.objectContaining({ urls: turn.urls })],
      link: '/link',
    });
  });

  it('gives each client credentials for TURN that are its own and expire', async () => {
    type ClientSettings = { iceServers: { username: string; credential: string }[] };
    const ask = async (): Promise<ClientSettings['iceServers'][0] | undefined> =>
      ((await (await get('/client.json')).json()) as ClientSettings).iceServers[1];
    const [first, second] = [await ask(), await ask()];
    expect(first?.username).toMatch(/^1800000600:/);
    expect(first?.credential).toBe(turnCredential(turn.secret, first?.username ?? ''));
    expect(second?.username).not.toBe(first?.username);
  });

  it('says whether it is ready, and why not', async () => {
    const ask = async (): Promise<[number, unknown]> => {
      const answer = await get('/readyz');
      return [answer.status, await answer.json()];
    };
    expect(await ask()).toEqual([200, { status: 'ready' }]);
    readiness = { draining: false, away: ['archive', 'live'] };
    expect(await ask()).toEqual([503, { status: 'away', stores: ['archive', 'live'] }]);
    readiness = { draining: true, away: ['live'] };
    expect(await ask()).toEqual([503, { status: 'draining' }]);
    expect(await (await get('/healthz')).json()).toEqual({ status: 'ok' });
  });

  it('answers HEAD like GET without a body', async () => {
    const answer = await get('/consensus', { method: 'HEAD' });
    expect(answer.headers.get('content-length')).toBe('100');
    expect(await answer.text()).toBe('');
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('does not take %s', async (method) => {
    const answer = await get('/consensus', { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
  });

  it.each([
    '/nothing',
    '/assets/',
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/link',
    '/%',
    '//',
  ])('does not find %s', async (path) => {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(path === '//' ? /^HTTP\/1\.1 (200|404)/ : /^HTTP\/1\.1 404/);
    expect(answer).not.toContain('secret');
  });

  it('reads no body', async () => {
    const head = 'GET / HTTP/1.1\r\nHost: x\r\n';
    expect(await raw(`${head}Content-Length: 5\r\n\r\nhello`)).toMatch(/^HTTP\/1\.1 413/);
    expect(await raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 413/,
    );
  });

  it('bounds the head of a request and what is no request', async () => {
    expect(await raw(`GET / HTTP/1.1\r\nX: ${'a'.repeat(10_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d/);
    expect(await raw('\x16\x03\x01\x02\x00\x01\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
    expect((await get('/healthz')).status).toBe(200);
  });
});
