import { randomFillSync } from 'node:crypto';
import type { Ports } from '#shared/driver/driver.ts';
import type { Input } from '#shared/node/input.ts';
import { pooledRng, type Rng } from '#shared/crypto/rng.ts';
import { Carriers } from '#web/transport/carriers.ts';
import { keepFresh } from '#web/transport/ice-servers.ts';
import { passUrl } from '#web/transport/pass.ts';
import { Peers } from '#web/transport/peers.ts';
import { nodeWrtc, type WrtcOptions } from './peers.ts';
import { proofChecks } from './proofs.ts';

export type HostOptions = WrtcOptions & {
  /** The server's base URL, as people open it. */
  directory: string;
};

/** The world as a node in Node meets it: node-datachannel, WebSockets, timers and the system's entropy. */
export type Host = { ports: Omit<Ports, 'event'>; stop(): void };

export const systemRng: Rng = pooledRng((length) => randomFillSync(new Uint8Array(length)));

export type ClientConfig = { iceServers: RTCIceServer[]; link: string; candidates: 'all' | 'loopback' };

const FETCH_MS = 10_000;
const RETRY_MS = 2_000;
/** A consensus of 10,000 nodes. */
const MAX_CONSENSUS_BYTES = 16 * 1024 * 1024;

/** What the server tells its clients: where links go, and which ICE servers to use. */
export const fetchConfig = async (directory: string): Promise<ClientConfig> => {
  const response = await fetch(new URL('/client.json', directory), { signal: AbortSignal.timeout(FETCH_MS) });
  if (!response.ok) throw new Error(`the server answered ${String(response.status)}`);
  return (await response.json()) as ClientConfig;
};

/** The server may start later than those who need it; `waiting` is called once, if it does. */
export const fetchConfigSoon = async (directory: string, waiting: () => void): Promise<ClientConfig> => {
  for (let told = false; ; told = true) {
    try {
      return await fetchConfig(directory);
    } catch {
      if (!told) waiting();
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
};

const fetchConsensus = async (directory: string): Promise<Uint8Array> => {
  const options = { signal: AbortSignal.timeout(FETCH_MS), cache: 'no-store' } as const;
  const response = await fetch(new URL('/consensus', directory), options);
  const body = new Uint8Array(await response.arrayBuffer());
  if (!response.ok || body.length > MAX_CONSENSUS_BYTES) throw new Error('no consensus');
  return body;
};

export const createHost = (
  options: HostOptions,
  config: ClientConfig,
  input: (input: Input) => void,
): Host => {
  const { directory } = options;
  const loopback = config.candidates === 'loopback';
  const carriers = new Carriers({
    open: (link) => input({ type: 'link-open', link }),
    data: (link, data) => input({ type: 'link-data', link, data }),
    closed: (link) => {
      peers.close(link);
      input({ type: 'link-closed', link });
    },
    session: (link, session) => input({ type: 'peer-session', link, session }),
  });
  const peers = new Peers({
    wrtc: nodeWrtc(loopback ? { bindAddress: '127.0.0.1', ...options } : options),
    iceServers: config.iceServers,
    keepCandidate: (address) => !loopback || address.startsWith('127.'),
    carry: (link, channel) => carriers.channel(link, channel),
    events: {
      session: (link, session) => input({ type: 'peer-session', link, session }),
      closed: (link) => {
        carriers.close(link);
        input({ type: 'link-closed', link });
      },
    },
  });
  const fetchFresh = async (): Promise<RTCIceServer[]> => (await fetchConfig(directory)).iceServers;
  const stopRefreshing = keepFresh(config.iceServers, fetchFresh, (fresh) => {
    peers.useIceServers(fresh, false);
  });
  const linkUrl = new URL(config.link, directory);
  linkUrl.protocol = linkUrl.protocol === 'https:' ? 'wss:' : 'ws:';
  const ports: Host['ports'] = {
    now: () => Date.now(),
    rng: systemRng,
    timer: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    later: (run) => void setImmediate(run),
    openWebSocket: (link) => carriers.webSocket(link, new WebSocket(linkUrl)),
    openPass: (link, pass) => carriers.pass(link, new WebSocket(passUrl(linkUrl.href, pass)), pass),
    createPeer: (link, initiator) => peers.create(link, initiator),
    signalPeer: (link, session) => peers.signal(link, session),
    send: (link, data) => carriers.send(link, data),
    closeLink: (link) => {
      carriers.close(link);
      peers.close(link);
    },
    fetchConsensus: () => {
      fetchConsensus(directory).then(
        (body) => input({ type: 'consensus', body }),
        () => input({ type: 'consensus-failed' }),
      );
    },
    verify: proofChecks(input),
  };
  return {
    ports,
    stop: () => {
      stopRefreshing();
      carriers.closeAll();
      peers.closeAll();
    },
  };
};
