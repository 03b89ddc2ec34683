import type { LinkId } from '#shared/units.ts';
import { bridgeChannel } from './bridge.ts';
import type { FromWorker, ToWorker } from './crossing.ts';
import { Peers } from './peers.ts';
import { probe } from './probe.ts';

type Options = { iceServers: RTCIceServer[]; keepCandidate: (address: string) => boolean };

export type PagePeers = {
  perform(message: FromWorker): void;
  /** For connections that are made from now on. */
  useIceServers(iceServers: RTCIceServer[]): void;
  closeAll(): void;
};

/** A browser whose network was away at first is tried again. */
const PROBE_AGAIN_MS = 30_000;

/** Makes the worker's peer connections on the page, which alone can, and hands it their channels. */
export const servePeers = (worker: Worker, { iceServers, keepCandidate }: Options): PagePeers => {
  const post = (message: ToWorker, transfer: Transferable[] = []): void =>
    worker.postMessage(message, transfer);
  const carry = (link: LinkId, channel: RTCDataChannel): void => {
    try {
      post({ type: 'channel', link, channel }, [channel as unknown as Transferable]);
    } catch {
      const { port1, port2 } = new MessageChannel();
      bridgeChannel(channel, port1);
      post({ type: 'channel-port', link, port: port2 }, [port2]);
    }
  };
  const peers = new Peers({
    ...{ iceServers, keepCandidate, carry },
    events: {
      session: (link, session) => post({ type: 'session', link, session }),
      relayed: (link, on) => post({ type: 'peer-relayed', link, on }),
      closed: (link) => post({ type: 'peer-closed', link }),
    },
  });
  const use = { iceServers, relayOnly: false };
  const tryOut = trying((again) => {
    void probe({ ...use, keepCandidate }).then((connectivity) => {
      post({ type: 'connectivity', connectivity });
      if (!connectivity.webrtc && typeof RTCPeerConnection === 'function') again();
    });
  });
  const change = (changes: Partial<typeof use>): void => {
    Object.assign(use, changes);
    peers.useIceServers(use.iceServers, use.relayOnly);
    tryOut();
  };
  globalThis.addEventListener('online', tryOut);
  // A terminated worker would leave its channels open and silent, and a node that is gone in the consensus.
  globalThis.addEventListener('pagehide', () => {
    post({ type: 'page-gone' });
    peers.closeAll();
  });
  return {
    perform(message) {
      if (message.type === 'create-peer') peers.create(message.link, message.initiator);
      else if (message.type === 'signal-peer') peers.signal(message.link, message.session);
      else if (message.type === 'close-peer') peers.close(message.link);
      else if (message.type === 'hide-address') change({ relayOnly: message.on });
    },
    useIceServers: (fresh) => change({ iceServers: fresh }),
    closeAll: () => peers.closeAll(),
  };
};

/** Runs now, and later if it asks for that; each call from outside begins anew. */
const trying = (run: (again: () => void) => void): (() => void) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = (): void => {
    clearTimeout(timer);
    run(() => {
      clearTimeout(timer);
      timer = setTimeout(begin, PROBE_AGAIN_MS);
    });
  };
  return begin;
};
