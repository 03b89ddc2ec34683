import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type RawData } from 'ws';

/** One thing that passed: a request's line and headers, its answer's body, or a message of a WebSocket. */
export type Passed = { what: 'request' | 'answer' | 'frame'; path: string; bytes: Buffer };

/**
 * A browser's HTTP proxy, which keeps all that the browser sends to the one server of a test, and all that comes back. Whatever the
 * browser asks of anybody else is refused, and kept as `foreign`.
 */
export class RecordingProxy {
  readonly passed: Passed[] = [];
  /** Host and port of others that were asked for. */
  readonly foreign: string[] = [];
  readonly #target: URL;
  readonly #outer: Server;
  /** What comes through a tunnel, as if it came to the server itself. */
  readonly #inner: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #open = new Set<Duplex>();

  private constructor(target: URL) {
    this.#target = target;
    const answer = (asked: IncomingMessage, response: ServerResponse): void => this.#answer(asked, response);
    this.#inner = createServer(answer);
    this.#inner.on('upgrade', (asked: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#sockets.handleUpgrade(asked, socket, head, (opened) => this.#join(opened, asked));
    });
    this.#outer = createServer(answer);
    this.#outer.on('connect', (asked: IncomingMessage, socket: Duplex) => {
      socket.on('error', () => socket.destroy());
      if (!this.#isTarget(asked.url)) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      this.#inner.emit('connection', socket);
    });
  }

  static async start(target: string): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(new URL(target));
    proxy.#outer.listen(0, '127.0.0.1');
    await once(proxy.#outer, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#outer.address() as AddressInfo).port)}`;
  }

  stop(): void {
    for (const socket of [...this.#open, ...this.#sockets.clients])
      if (socket instanceof WebSocket) socket.terminate();
      else socket.destroy();
    this.#outer.close();
    this.#outer.closeAllConnections();
  }

  #isTarget(hostAndPort = ''): boolean {
    if (hostAndPort === this.#target.host) return true;
    this.foreign.push(hostAndPort);
    return false;
  }

  #keep(what: Passed['what'], path: string, bytes: Buffer): void {
    this.passed.push({ what, path, bytes: Buffer.from(bytes) });
  }

  #answer(asked: IncomingMessage, response: ServerResponse): void {
    const { pathname, search, host } = new URL(asked.url ?? '/', this.#target);
    if (!this.#isTarget(host)) return void response.writeHead(403).end();
    const { headers, method = 'GET' } = asked;
    const path = pathname + search;
    this.#keep('request', pathname, Buffer.from([method, path, ...asked.rawHeaders].join('\n')));
    asked.on('data', (body: Buffer) => this.#keep('request', pathname, body));
    const onward = request(new URL(path, this.#direct()), { method, headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.on('data', (body: Buffer) => this.#keep('answer', pathname, body));
      answered.pipe(response);
    });
    onward.on('error', () => response.destroy());
    asked.pipe(onward);
  }

  #join(near: WebSocket, asked: IncomingMessage): void {
    const path = asked.url ?? '/';
    this.#keep('request', path, Buffer.from([path, ...asked.rawHeaders].join('\n')));
    const far = new WebSocket(new URL(path, this.#direct().replace('http', 'ws')), {
      perMessageDeflate: false,
    });
    const early: [RawData, boolean][] = [];
    const pass = (to: WebSocket, data: RawData, binary: boolean): void => {
      this.#keep('frame', path, data as Buffer);
      if (to === far && far.readyState === WebSocket.CONNECTING) early.push([data, binary]);
      else if (to.readyState === WebSocket.OPEN) to.send(data, { binary });
    };
    near.on('message', (data, binary) => pass(far, data, binary));
    far.on('message', (data, binary) => pass(near, data, binary));
    far.on('open', () => early.forEach(([data, binary]) => far.send(data, { binary })));
    near.on('close', () => far.close());
    far.on('close', () => near.close());
    for (const socket of [near, far]) socket.on('error', () => socket.terminate());
  }

  /** As this machine reaches the server, whatever the browser calls it. */
  #direct(): string {
    return `http://127.0.0.1:${this.#target.port}`;
  }
}
