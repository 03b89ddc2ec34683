import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { readConsensus } from '#shared/directory/consensus.ts';
import type { Millis } from '#shared/units.ts';
import type { Config } from './config.ts';
import { failed, ok, reason, skipped, type Check, type Outcome } from './doctor-check.ts';
import { loadKeys } from './keys.ts';

const ANSWER_MS = 5_000;
const SKEW_MS: Millis = 30_000;

/** Where the server is tried: as people reach it, or on this machine when nobody said where that is. */
type Place = { url: string; isPublic: boolean };

const place = ({ publicUrl, host, port }: Config): Place => {
  if (publicUrl !== undefined) return { url: publicUrl, isPublic: true };
  const any = host === '0.0.0.0' || host === '::';
  const name = any ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return { url: `http://${name}:${String(port)}`, isPublic: false };
};

/** HTTP, the WebSocket upgrade and the clocks. `now` is this machine's. */
export const webChecks = (config: Config, now: () => Millis, linkPath: string): Check[] => {
  const at = place(config);
  const tried = (name: string, run: () => Promise<Outcome>): Check => ({ name, run: () => reached(at, run) });
  return [
    { name: 'https', run: async () => secureOutcome(at) },
    tried('/healthz', () => healthOutcome(at)),
    tried('/consensus', () => consensusOutcome(at, config)),
    tried('WebSocket', () => upgradeOutcome(at, linkPath)),
    tried('clock by HTTP', () => dateOutcome(at, now)),
    tried('clock by consensus', () => consensusTimeOutcome(at, now, config.consensusMs)),
  ];
};

const reached = async ({ url, isPublic }: Place, run: () => Promise<Outcome>): Promise<Outcome> => {
  try {
    return await run();
  } catch (error) {
    if (isPublic) return failed(`${url} cannot be reached (${reason(error)}): see its name, port and proxy`);
    return skipped(`no server runs at ${url}, and HG_PUBLIC_URL is not set`);
  }
};

const secureOutcome = ({ url, isPublic }: Place): Outcome => {
  if (!isPublic) return skipped('HG_PUBLIC_URL is not set');
  const { protocol, hostname } = new URL(url);
  if (protocol === 'https:') return ok('browsers give the app what it needs');
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
    ? ok('not needed on this machine')
    : failed('browsers refuse WebRTC to pages of http: put a proxy with TLS before the server');
};

const get = (url: string): Promise<Response> =>
  fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });

const healthOutcome = async ({ url }: Place): Promise<Outcome> => {
  const { status } = await get(`${url}/healthz`);
  return status === 200 ? ok(`${url} answers`) : failed(`answers ${String(status)}: is it Hourglass there?`);
};

const consensusBytes = async ({ url }: Place): Promise<Uint8Array | undefined> => {
  const answer = await get(`${url}/consensus`);
  return answer.status === 200 ? new Uint8Array(await answer.arrayBuffer()) : undefined;
};

const consensusOutcome = async (at: Place, { keysFile }: Config): Promise<Outcome> => {
  const bytes = await consensusBytes(at);
  if (!bytes) return failed('there is none: see what the server logs');
  try {
    const { sequence, nodes } = readConsensus(bytes).verify({});
    const said = `number ${String(sequence)}, with ${String(nodes.length)} nodes`;
    if (!existsSync(keysFile)) return ok(said);
    readConsensus(bytes).verify({ directoryKey: loadKeys(keysFile).signing.public });
    return ok(`${said}, signed by this directory's key`);
  } catch (error) {
    return failed(`${reason(error)}: do all processes have the same HG_KEYS_FILE?`);
  }
};

/** RFC 6455 section 1.3: the answer proves that it is one of a WebSocket server. */
const PROOF = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const upgradeOutcome = ({ url }: Place, path: string): Promise<Outcome> => {
  const key = randomBytes(16).toString('base64');
  const expected = createHash('sha1')
    .update(key + PROOF)
    .digest('base64');
  const headers = {
    ...{ Connection: 'Upgrade', Upgrade: 'websocket' },
    ...{ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key },
  };
  const target = new URL(path, url);
  const send = target.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((done, fail) => {
    const request = send(target, { headers, timeout: ANSWER_MS, agent: false });
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      const proven = response.headers['sec-websocket-accept'] === expected;
      done(proven ? ok(`${path} takes links`) : failed(`${path} is no WebSocket: is it Hourglass there?`));
    });
    request.on('response', (response) => {
      response.resume();
      const status = String(response.statusCode);
      done(failed(`${path} answers ${status}: the proxy has to pass on the headers Upgrade and Connection`));
      request.destroy();
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', fail);
    request.end();
  });
};

const seconds = (ms: Millis): string => `${(ms / 1_000).toFixed(1)} s`;

const dateOutcome = async (at: Place, now: () => Millis): Promise<Outcome> => {
  const sentAt = now();
  const { headers } = await get(`${at.url}/healthz`);
  const theirs = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(theirs)) return skipped('the answer has no Date');
  // The header has whole seconds.
  const skew = theirs + 500 - (sentAt + now()) / 2;
  if (Math.abs(skew) <= SKEW_MS) return ok(`within ${seconds(Math.abs(skew))} of ${at.url}`);
  return failed(
    `${seconds(Math.abs(skew))} ${skew < 0 ? 'ahead of' : 'behind'} ${at.url}: run an NTP client`,
  );
};

const consensusTimeOutcome = async (at: Place, now: () => Millis, everyMs: Millis): Promise<Outcome> => {
  const bytes = await consensusBytes(at);
  if (!bytes) return skipped('there is no consensus');
  const age = now() - readConsensus(bytes).verify({}).time;
  if (age < -SKEW_MS) return failed(`behind the consensus by ${seconds(-age)}: run an NTP client`);
  if (age <= everyMs + SKEW_MS) return ok(`the consensus was made ${seconds(Math.max(0, age))} ago`);
  return failed(
    `the consensus is ${seconds(age)} old: the clock is ahead, or no process makes a consensus; see their logs`,
  );
};
