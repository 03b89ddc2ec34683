import { type OpeningEvents, watchBuffer } from '#tests/contract/links.ts';
import type { Carrier } from '#shared/link/carrier.ts';
import { carrierOfPort } from '#web/transport/bridge.ts';
import { carrierOfChannel } from '#web/transport/channel.ts';

/** Holds the carriers of a page, whose ends there are steered through messages. */
export type ToWorker =
  | { end: number; type: 'channel'; channel: RTCDataChannel }
  | { end: number; type: 'port'; port: MessagePort }
  | { end: number; type: 'send'; message: Uint8Array }
  | { end: number; type: 'close' };

export type FromWorker =
  | { end: number; type: 'open' | 'closed' }
  | { end: number; type: 'message'; message: Uint8Array }
  | { end: number; type: 'buffered'; bytes: number };

const carriers = new Map<number, Carrier>();

const tell = (message: FromWorker): void => self.postMessage(message);

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  const { end } = data;
  const events: OpeningEvents = {
    open: () => tell({ end, type: 'open' }),
    message: (message) => tell({ end, type: 'message', message }),
    closed: () => tell({ end, type: 'closed' }),
  };
  if (data.type === 'channel') {
    watchBuffer(data.channel, (bytes) => tell({ end, type: 'buffered', bytes }));
    carriers.set(end, carrierOfChannel(data.channel, events));
  }
  if (data.type === 'port') carriers.set(end, carrierOfPort(data.port, events));
  if (data.type === 'send') carriers.get(end)?.send(data.message);
  if (data.type === 'close') carriers.get(end)?.close();
};
