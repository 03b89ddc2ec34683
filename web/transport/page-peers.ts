import type { LinkId } from '#shared/units.ts';
import { bridgeChannel } from './bridge.ts';
import type { FromWorker, ToWorker } from './crossing.ts';
import { Peers } from './peers.ts';

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
