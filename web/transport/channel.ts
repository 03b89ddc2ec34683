import { BUFFER_CEILING, type Carrier, type CarrierEvents } from '#shared/link/carrier.ts';
import { bytesOf, Ending, quietly } from './ending.ts';
import { Outbox } from './outbox.ts';

export type OpeningEvents = CarrierEvents & { open(): void };

/**
 * A carrier on a WebRTC data channel, in a page, in a worker that it was transferred to, or in Node. The handlers
 * are attached before this returns: in a worker, call it in the very task that received the channel, for what comes
 * before a handler stands is lost. A message may come before `open`.
 */
export const carrierOfChannel = (channel: RTCDataChannel, events: OpeningEvents): Carrier => {
  const outbox = new Outbox({
    ready: () => channel.readyState === 'open',
    buffered: () => channel.bufferedAmount,
    send: (message) => channel.send(message as Uint8Array<ArrayBuffer>),
  });
  const ending = new Ending(
    () => {
      outbox.clear();
      quietly(() => channel.close());
    },
    () => events.closed(),
  );
  const attempt = (action: () => void): void => {
    if (!ending.ended && !quietly(action)) ending.lost();
  };

  const opened = (): void => {
    if (ending.ended) return;
    attempt(() => outbox.pump());
    events.open();
  };
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = BUFFER_CEILING / 2;
  channel.onopen = opened;
  channel.onbufferedamountlow = () => attempt(() => outbox.pump());
  channel.onmessage = ({ data }: MessageEvent) => {
    if (ending.ended) return;
    const message = bytesOf(data);
    if (message) events.message(message);
    else ending.lost();
  };
  channel.onclose = () => ending.lost();
  channel.onerror = () => ending.lost();
  if (channel.readyState === 'open') queueMicrotask(opened);
  if (channel.readyState === 'closing' || channel.readyState === 'closed') ending.lost();

  return {
    send: (message) =>
      attempt(() => {
        if (!outbox.push(message)) ending.lost();
      }),
    close: () => ending.close(),
  };
};
