import { mount } from 'svelte';
import workerUrl from './core/worker.ts?worker&url';
import { connectClient } from './rpc.ts';
import { servePeers, type FromWorker, type Setup, type ToWorker } from './transport/page-peers.ts';
import App from './ui/App.svelte';

/** The page's composition root: starts the worker, makes its peer connections, and mounts the app. */

type ServerConfig = { iceServers: RTCIceServer[]; link: string; candidates: 'all' | 'loopback' };

/** W3C Trusted Types, which the policy of the server demands for scripts; TypeScript does not know them yet. */
type TrustedTypes = {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
};

const { trustedTypes } = globalThis as unknown as { trustedTypes?: TrustedTypes };

const policy = trustedTypes?.createPolicy('hourglass', {
  createScriptURL(url) {
    if (new URL(url, location.href).origin !== location.origin)
      throw new TypeError('a script of another origin');
    return url;
  },
});

const startWorker = (): Worker => {
  const url = policy?.createScriptURL(workerUrl) ?? workerUrl;
  return new Worker(url, { type: 'module', name: 'hourglass' });
};

/** The page may have come from a cache while the server is away: then links to it are tried where they always are. */
const serverConfig = async (): Promise<ServerConfig> => {
  try {
    const response = await fetch('/client.json', { cache: 'no-store' });
    if (response.ok) return (await response.json()) as ServerConfig;
  } catch {
    // What stands below will do.
  }
  return { iceServers: [], link: '/link', candidates: 'all' };
};

const main = async (): Promise<void> => {
  const query = new URLSearchParams(location.search);
  const { iceServers, link, candidates } = await serverConfig();
  const linkUrl = new URL(link, location.href);
  linkUrl.protocol = linkUrl.protocol === 'https:' ? 'wss:' : 'ws:';
  const setup: Setup = {
    profile: query.get('profile') ?? '',
    origin: location.origin,
    linkUrl: linkUrl.href,
    consensusUrl: new URL('/consensus', location.href).href,
    trace: query.has('trace'),
  };
  const worker = startWorker();
  const keepCandidate = (address: string): boolean => candidates === 'all' || address.startsWith('127.');
  const perform = servePeers(worker, { iceServers, keepCandidate });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => perform(data);
  const { port1, port2 } = new MessageChannel();
  const start: ToWorker = { type: 'setup', setup, port: port2 };
  worker.postMessage(start, [port2]);
  const { client, events } = connectClient(port1);
  if (setup.trace) Object.assign(globalThis, { hourglass: { client, port: port1 } });
  const target = document.querySelector('#app');
  if (target) mount(App, { target, props: { client, events } });
};

void main();
