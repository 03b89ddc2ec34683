import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import sirv from 'sirv';
import { hex } from '#shared/bytes/bytes.ts';
import type { Clock } from './clock.ts';
import type { Candidates, Turn } from './config.ts';
import { securityHeaders } from './headers.ts';
import type { ConsensusRecord } from './stores/ports.ts';
import { turnServer } from './turn.ts';
import type { IceServer } from './values.ts';

/** Why a balancer should send nobody here: the process is about to end, or stores do not answer. */
export type Readiness = { draining: boolean; away: string[] };

export type HttpOptions = {
  /** Folder of the built app. */
  webDir: string;
  iceServers: IceServer[];
  /** TURN servers for which each client is given credentials of its own. */
  turn: Turn | undefined;
  clock: Clock;
  candidates: Candidates;
  /** Where links are taken, a path. */
  linkPath: string;
  consensus(): ConsensusRecord | undefined;
  readiness(): Readiness;
  /** Of the list of the app's files; undefined where no app is served. */
  releaseSignature: Uint8Array | undefined;
};

type Answer = { status: number; type: string; body: string | Uint8Array; headers?: Record<string, string> };
type Handler = (request: IncomingMessage) => Answer;
type Static = ReturnType<typeof sirv>;

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
const METHODS = 'GET, HEAD';
/** Vite puts a hash of its content into the name of all that stands here. */
const HASHED = '/assets/';
const YEAR_S = 365 * 24 * 3_600;

/**
 * The directory over HTTP: the app, the latest consensus (for bootstrap), what a client must know to begin, health.
 * It reads no body, keeps no cookie, and looks at no address.
 */
export const createHttp = (options: HttpOptions): Server => {
  const files = staticFiles(options.webDir);
  const routes = new Map<string, Handler>([
    ['/consensus', (request) => consensusAnswer(request, options.consensus())],
    ['/client.json', () => json(clientSettings(options))],
    ['/healthz', () => json({ status: 'ok' })],
    ['/readyz', () => readinessAnswer(options.readiness())],
    ['/release.sig', () => signatureAnswer(options.releaseSignature)],
  ]);
  const server = createServer(
    { maxHeaderSize: 8 * 1024, headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 5_000 },
    (request, response) => {
      serve(request, response, routes, files);
    },
  );
  server.setTimeout(30_000);
  server.maxRequestsPerSocket = 1_000;
  server.on('clientError', (_error, socket) => {
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  return server;
};

const serve = (
  request: IncomingMessage,
  response: ServerResponse,
  routes: Map<string, Handler>,
  files: Static,
): void => {
  for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  const refused = refusal(request);
  if (refused) {
    send(request, response, refused);
    return;
  }
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const handler = routes.get(path);
  if (handler) send(request, response, handler(request));
  else
    files(request, response, () => {
      send(request, response, plain(404, 'Not found'));
    });
};

/** A body is never read: the connection ends with the answer. */
const refusal = ({ method, headers }: IncomingMessage): Answer | undefined => {
  if (method !== 'GET' && method !== 'HEAD') {
    return { ...plain(405, 'Method not allowed'), headers: { Allow: METHODS, Connection: 'close' } };
  }
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return hasBody ? { ...plain(413, 'No body is taken'), headers: { Connection: 'close' } } : undefined;
};

/** `no-store`: a copy in a cache would show what its owner asked. A client that holds one may still name its tag. */
const consensusAnswer = (request: IncomingMessage, record: ConsensusRecord | undefined): Answer => {
  if (!record) return { ...plain(503, 'No consensus yet'), headers: { 'Retry-After': '1' } };
  const tag = `"${String(record.sequence)}-${hex(record.hash.subarray(0, 16))}"`;
  const known = (request.headers['if-none-match'] ?? '')
    .split(',')
    .some((each) => each.trim().replace(/^W\//, '') === tag);
  const headers = { ETag: tag };
  if (known) return { status: 304, type: '', body: '', headers };
  return { status: 200, type: 'application/octet-stream', body: record.bytes, headers };
};

const clientSettings = ({ iceServers, turn, clock, linkPath, candidates }: HttpOptions): object => ({
  iceServers: turn ? [...iceServers, turnServer(turn, clock.now())] : iceServers,
  link: linkPath,
  candidates,
});

const readinessAnswer = ({ draining, away }: Readiness): Answer => {
  if (draining) return json({ status: 'draining' }, 503);
  return away.length > 0 ? json({ status: 'away', stores: away }, 503) : json({ status: 'ready' });
};

const signatureAnswer = (signature: Uint8Array | undefined): Answer =>
  signature ? { status: 200, type: 'application/octet-stream', body: signature } : plain(404, 'Not found');

const plain = (status: number, text: string): Answer => ({ status, type: TEXT, body: `${text}\n` });

const json = (value: unknown, status = 200): Answer => ({
  status,
  type: JSON_TYPE,
  body: JSON.stringify(value),
});

const send = (
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body, headers }: Answer,
): void => {
  response.statusCode = status;
  response.setHeader('Cache-Control', 'no-store');
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  if (status !== 304) {
    response.setHeader('Content-Type', type);
    response.setHeader('Content-Length', Buffer.byteLength(body));
  }
  response.end(request.method === 'HEAD' || status === 304 ? undefined : body);
};

const staticFiles = (folder: string): Static => {
  if (!existsSync(folder)) {
    return (_request, _response, next) => {
      void next?.();
    };
  }
  return sirv(folder, {
    etag: true,
    // Copies that the build has made, for whoever takes them.
    brotli: true,
    gzip: true,
    setHeaders(response, path) {
      // Of the proving key, which no list of types knows.
      if (path.endsWith('.zkey')) response.setHeader('Content-Type', 'application/octet-stream');
      const hashed = path.startsWith(HASHED);
      response.setHeader(
        'Cache-Control',
        hashed ? `public, max-age=${String(YEAR_S)}, immutable` : 'no-cache',
      );
    },
  });
};
