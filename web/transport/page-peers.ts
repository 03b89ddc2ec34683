import type { Session } from '#shared/signal/session.ts';
import type { LinkId } from '#shared/units.ts';
import { bridgeChannel } from './bridge.ts';
import { Peers } from './peers.ts';

/** What the worker is told at its start. */
export type Setup = {
  profile: string;
  /** Where invite links lead. */
  origin: string;
  linkUrl: string;
  consensusUrl: string;
  /** Keep what passes on each link, for a test to read. */
  trace: boolean;
};

export type ToWorker =
  | { type: 'setup'; setup: Setup; port: MessagePort }
  | { type: 'session'; link: LinkId; session: Session }
  | { type: 'channel'; link: LinkId; channel: RTCDataChannel }
  /** Where a channel can't be transferred: the end of a bridge to it. */
  | { type: 'channel-port'; link: LinkId; port: MessagePort }
  | { type: 'peer-closed'; link: LinkId }
  /** The page is about to go, and the worker with it. */
  | { type: 'page-gone' };

export type FromWorker =
  | { type: 'create-peer'; link: LinkId; initiator: boolean }
  | { type: 'signal-peer'; link: LinkId; session: Session }
  | { type: 'close-peer'; link: LinkId }
  | { type: 'failed'; message: string };

type Options = { iceServers: RTCIceServer[]; keepCandidate?: (address: string) => boolean };

/** Makes the worker's peer connections on the page, which alone can, and hands it their channels. */
export const servePeers = (
  worker: Worker,
  options: Options,
): { perform(message: FromWorker): void; closeAll(): void } => {
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
    ...options,
    carry,
    events: {
      session: (link, session) => post({ type: 'session', link, session }),
      closed: (link) => post({ type: 'peer-closed', link }),
    },
  });
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
    },
    closeAll: () => peers.closeAll(),
  };
};
