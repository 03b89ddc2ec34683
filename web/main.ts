import { mount, unmount } from 'svelte';
import workerUrl from './core/worker.ts?worker&url';
import { connectClient } from './rpc.ts';
import type { FromWorker, Locked, Setup, ToWorker } from './transport/crossing.ts';
import { hasTurn, keepFresh } from './transport/ice-servers.ts';
import { servePeers } from './transport/page-peers.ts';
import { registerServiceWorker, startWorker } from './transport/scripts.ts';
import { clockAhead, tryIce, tryLoopback } from './transport/trials.ts';
import App from './ui/App.svelte';
import LockScreen from './ui/Lock.svelte';
import { startLanguage } from './ui/state/language.svelte.ts';
import Stopped from './ui/Stopped.svelte';
import { watchReleases } from './ui/state/update.svelte.ts';

/** The page's composition root: starts the worker, makes its peer connections, and mounts the app. */

type ServerConfig = { iceServers: RTCIceServer[]; link: string; candidates: 'all' | 'loopback' };

const target = document.querySelector('#app') ?? document.body;

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

/** Starts the core and the app on it; what is returned ends both. */
const run = async (profile: string, failed: (code: string) => void): Promise<() => void> => {
  const query = new URLSearchParams(location.search);
  const { iceServers, link, candidates } = await serverConfig();
  const linkUrl = new URL(link, location.href);
  linkUrl.protocol = linkUrl.protocol === 'https:' ? 'wss:' : 'ws:';
  const setup: Setup = {
    profile,
    origin: location.origin,
    linkUrl: linkUrl.href,
    consensusUrl: new URL('/consensus', location.href).href,
    webrtc: typeof RTCPeerConnection === 'function',
    turn: hasTurn(iceServers),
    trace: query.has('trace'),
  };
  const worker = startWorker(workerUrl, 'hourglass');
  const keepCandidate = (address: string): boolean => candidates === 'all' || address.startsWith('127.');
  const peers = servePeers(worker, { iceServers, keepCandidate });
  const fetchFresh = async (): Promise<RTCIceServer[]> => (await serverConfig()).iceServers;
  const stopRefreshing = keepFresh(iceServers, fetchFresh, (fresh) => peers.useIceServers(fresh));
  const post = (message: ToWorker): void => worker.postMessage(message);
  const { port1, port2 } = new MessageChannel();
  const { client, events } = connectClient(port1);
  const probe = {
    clockAhead: () => clockAhead(new URL('/healthz', location.href).href),
    loopback: () => tryLoopback(keepCandidate),
    // Credentials for TURN end after a while.
    ice: async () => tryIce((await serverConfig()).iceServers),
  };
  const showApp = (): Screen => mount(App, { target, props: { client, events, probe } });
  const lock = lockOf(post);
  let screen = showApp();
  const show = (next: () => Screen): void => {
    void unmount(screen);
    screen = next();
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === 'locked' || data.type === 'opened') holdOffline();
    if (data.type === 'failed') failed(data.code);
    else if (data.type === 'erased') void forget();
    else if (data.type === 'locked') lock.told(data, show);
    else if (data.type === 'opened') lock.opened(() => show(showApp));
    else peers.perform(data);
  };
  const start: ToWorker = { type: 'setup', setup, port: port2 };
  worker.postMessage(start, [port2]);
  if (setup.trace) Object.assign(globalThis, { hourglass: { client, port: port1 } });
  return () => {
    stopRefreshing();
    peers.closeAll();
    worker.terminate();
    void unmount(screen);
  };
};

/** What the build makes holds the app for when the server is away; it comes after the app itself. */
const holdOffline = (): void => {
  if (import.meta.env.PROD) void watchReleases(() => registerServiceWorker('/sw.js'));
};

type Screen = ReturnType<typeof mount>;

/** The screen of a profile that is locked, in place of the app until its passphrase was given. */
const lockOf = (post: (message: ToWorker) => void) => {
  let shown = false;
  let answer: (locked: Locked) => void = () => undefined;
  const props = (retryAfterMs: number) => ({
    retryAfterMs,
    unlock: (passphrase: string) =>
      new Promise<Locked>((done) => {
        answer = done;
        post({ type: 'unlock', passphrase });
      }),
    erase: () => post({ type: 'erase' }),
  });
  return {
    told(locked: Locked, show: (next: () => Screen) => void): void {
      if (shown) return answer(locked);
      shown = true;
      show(() => mount(LockScreen, { target, props: props(locked.retryAfterMs) }));
    },
    opened(show: () => void): void {
      if (shown) show();
      shown = false;
    },
  };
};

/** What the browser keeps beside the profile's database; then this page begins anew. */
const forget = async (): Promise<void> => {
  localStorage.clear();
  sessionStorage.clear();
  const { caches } = globalThis as { caches?: CacheStorage };
  for (const name of (await caches?.keys()) ?? []) await caches?.delete(name);
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  for (const each of (await serviceWorker?.getRegistrations()) ?? []) await each.unregister();
  history.replaceState(null, '', `${location.pathname}${location.search}#/welcome`);
  location.reload();
};

const stopped = (why: 'elsewhere' | 'failed', act: () => void, code = ''): (() => void) => {
  const screen = mount(Stopped, { target, props: { why, code, act } });
  return () => void unmount(screen);
};

/** Runs the app until `ended`, however far it had come. */
const hold = async (profile: string, ended: AbortSignal): Promise<void> => {
  let stop = await run(profile, (code) => {
    stop();
    stop = stopped('failed', () => location.reload(), code);
  });
  if (ended.aborted) stop();
  else
    await new Promise<void>((done) =>
      ended.addEventListener('abort', () => {
        stop();
        done();
      }),
    );
};

/** The app runs in one tab of a profile: two on one store would undo each other's work. */
const main = async (options: LockOptions): Promise<void> => {
  const profile = new URLSearchParams(location.search).get('profile') ?? '';
  const end = new AbortController();
  // Without a secure context there are no locks.
  const { locks } = navigator as { locks?: LockManager };
  if (!locks) return hold(profile, end.signal);
  const held = (lock: Lock | null): Promise<void> => {
    if (lock) return hold(profile, end.signal);
    throw new DOMException('held by another tab', 'AbortError');
  };
  try {
    await locks.request(`hourglass/${profile}`, options, held);
  } catch {
    end.abort();
    const clear = stopped('elsewhere', () => {
      clear();
      void main({ steal: true });
    });
  }
};

// What comes back from the browser's cache of pages had taken leave of the network.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});

void startLanguage().then(() => main({ ifAvailable: true }));
