import { pooledRng } from '#shared/crypto/rng.ts';
import { codeOf, LocalError } from '#shared/errors.ts';
import type { Input } from '#shared/node/input.ts';
import type { TraceEvent } from '#shared/node/output.ts';
import type { LinkId } from '#shared/units.ts';
import { proofChecks } from '#web/core/checker.ts';
import { Client } from '#web/core/client.ts';
import type { Host } from '#web/core/host.ts';
import type { ProverWorker } from '#web/core/prover.ts';
import proverUrl from '#web/core/prover.worker.ts?worker&url';
import { isErasing } from '#web/core/keeping/records.ts';
import { Vault } from '#web/core/store/idb.ts';
import type { Store } from '#web/core/store/ports.ts';
import { serveClient } from '#web/rpc.ts';
import { Carriers } from '#web/transport/carriers.ts';
import type { FromWorker, Setup, ToWorker } from '#web/transport/crossing.ts';
import { passUrl } from '#web/transport/pass.ts';
import { startWorker } from '#web/transport/scripts.ts';

/** The worker's side: the client core, with WebSockets of its own and the page's peer connections. */

type Scope = {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};
const scope = globalThis as unknown as Scope;

/** Of a test, the last so many cells. */
const MAX_TRACES = 200_000;

/** No entropy source takes more in one call. */
const ENTROPY_STEP = 65_536;

const rng = pooledRng((length) => {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += ENTROPY_STEP)
    crypto.getRandomValues(bytes.subarray(at, at + ENTROPY_STEP));
  return bytes;
});

const fetchConsensus = async (url: string): Promise<Uint8Array> => {
  const response = await fetch(url, { cache: 'no-store' });
  if (!response.ok) throw new LocalError('no-consensus');
  return new Uint8Array(await response.arrayBuffer());
};

let carriers: Carriers | undefined;

const createHost = (setup: Setup, input: (input: Input) => void): Host => {
  const made = new Carriers({
    open: (link) => input({ type: 'link-open', link }),
    data: (link, data) => input({ type: 'link-data', link, data }),
    closed: (link) => {
      scope.postMessage({ type: 'close-peer', link });
      input({ type: 'link-closed', link });
    },
    session: (link, session) => input({ type: 'peer-session', link, session }),
  });
  carriers = made;
  const soon = new MessageChannel();
  const later: (() => void)[] = [];
  soon.port1.onmessage = () => later.shift()?.();
  const closeLink = (link: LinkId): void => {
    made.close(link);
    scope.postMessage({ type: 'close-peer', link });
  };
  const soonAfter = (run: () => void): void => {
    later.push(run);
    soon.port2.postMessage(null);
  };
  const ports: Host['ports'] = {
    now: () => Date.now(),
    rng,
    timer: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    later: soonAfter,
    openWebSocket: (link) => made.webSocket(link, new WebSocket(setup.linkUrl)),
    openPass: (link, pass) => made.pass(link, new WebSocket(passUrl(setup.linkUrl, pass)), pass),
    createPeer: (link, initiator) => scope.postMessage({ type: 'create-peer', link, initiator }),
    signalPeer: (link, session) => scope.postMessage({ type: 'signal-peer', link, session }),
    send: (link, data) => made.send(link, data),
    closeLink,
    fetchConsensus: () => {
      fetchConsensus(setup.consensusUrl).then(
        (body) => input({ type: 'consensus', body }),
        () => input({ type: 'consensus-failed' }),
      );
    },
    verify: proofChecks(soonAfter, input),
  };
  const { webrtc: works, turn } = setup;
  const hideAddress = (on: boolean): void => scope.postMessage({ type: 'hide-address', on });
  return { ports, stop: () => made.closeAll(), rtc: { works, turn, hideAddress } };
};

let give: (input: Input) => void = () => undefined;
let leave: () => void = () => undefined;

type Place = { setup: Setup; port: MessagePort };

/** The profile that waits for its passphrase. */
let waiting: (Place & { vault: Vault }) | undefined;

const begin = async ({ setup, port }: Place): Promise<void> => {
  const vault = await Vault.open(setup.profile);
  if (!vault.locked) return run({ setup, port }, await vault.unlock());
  waiting = { setup, port, vault };
  tellLocked(vault, false);
};

const tellLocked = ({ retryAfterMs }: Vault, wrong: boolean): void =>
  scope.postMessage({ type: 'locked', wrong, retryAfterMs });

const unlock = async (passphrase: string): Promise<void> => {
  if (!waiting) return;
  const place = waiting;
  // One try at a time.
  waiting = undefined;
  let store: Store;
  try {
    store = await place.vault.unlock(passphrase);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'bad-passphrase' && code !== 'try-later') throw error;
    waiting = place;
    return tellLocked(place.vault, code === 'bad-passphrase');
  }
  await run(place, store);
};

const erase = async (): Promise<void> => {
  await waiting?.vault.erase();
  scope.postMessage({ type: 'erased' });
};

const run = async ({ setup, port }: Place, store: Store): Promise<void> => {
  // The tab ended in the middle of it.
  if (await isErasing(store)) {
    await store.erase();
    return scope.postMessage({ type: 'erased' });
  }
  const traces: TraceEvent[] = [];
  const trace = (event: TraceEvent): void => {
    traces.push(event);
    if (traces.length > MAX_TRACES) traces.splice(0, MAX_TRACES / 2);
  };
  const client = await Client.open({
    store,
    host: (input) => {
      give = input;
      return createHost(setup, input);
    },
    origin: setup.origin,
    prover: () => startWorker(proverUrl, 'prover') as unknown as ProverWorker,
    erased: () => scope.postMessage({ type: 'erased' }),
    ...(setup.trace && { trace }),
  });
  leave = () => void client.stop();
  serveClient(port, client, (listener) => client.subscribe(listener));
  if (setup.trace) {
    port.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (data === 'traces') port.postMessage({ traces });
    });
  }
  scope.postMessage({ type: 'opened' });
};

const failing = (work: Promise<void>): void =>
  void work.catch((error: unknown) => {
    console.error(error);
    scope.postMessage({ type: 'failed', code: codeOf(error) });
  });

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case 'setup':
      return failing(begin(data));
    case 'unlock':
      return failing(unlock(data.passphrase));
    case 'erase':
      return failing(erase());
    case 'session':
      return give({ type: 'peer-session', link: data.link, session: data.session });
    case 'channel':
      return carriers?.channel(data.link, data.channel);
    case 'channel-port':
      return carriers?.port(data.link, data.port);
    case 'peer-closed':
      carriers?.close(data.link);
      return give({ type: 'link-closed', link: data.link });
    case 'peer-relayed':
      return give({ type: 'link-relayed', link: data.link, on: data.on });
    case 'connectivity':
      return give({ type: 'command', command: { type: 'connectivity', ...data.connectivity } });
    case 'page-gone':
      return leave();
  }
};
