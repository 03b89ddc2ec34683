import type { Carrier } from '#shared/link/carrier.ts';
import type { OpeningEvents } from './channel.ts';
import { bytesOf, Ending, quietly } from './ending.ts';
import { Outbox } from './outbox.ts';

/** What a browser's WebSocket, Node's own and the server's have in common. */
export type WebSocketLike = {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
};

/** RFC 6455 as the WHATWG's WebSockets Standard numbers its states. */
const OPEN = 1;
const CLOSING = 2;

/** A WebSocket does not say when its buffer has emptied, so that is asked for at this interval, but only while something waits. */
const DRAIN_MS = 4;

/** A carrier on a WebSocket, whichever side opened it; an open one may be given too. */
export const carrierOfWebSocket = (socket: WebSocketLike, events: OpeningEvents): Carrier => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const outbox = new Outbox({
    ready: () => socket.readyState === OPEN,
    buffered: () => socket.bufferedAmount,
    send: (message) => socket.send(message as Uint8Array<ArrayBuffer>),
  });
  const ending = new Ending(
    () => {
      clearTimeout(timer);
      outbox.clear();
      quietly(() => socket.close());
    },
    () => events.closed(),
  );
  const pump = (): void => {
    timer = undefined;
    if (ending.ended) return;
    if (!quietly(() => outbox.pump())) ending.lost();
    else if (!outbox.empty && socket.readyState === OPEN) timer = setTimeout(pump, DRAIN_MS);
  };

  const opened = (): void => {
    if (ending.ended) return;
    pump();
    events.open();
  };
  socket.binaryType = 'arraybuffer';
  socket.onopen = opened;
  socket.onmessage = ({ data }: MessageEvent) => {
    if (ending.ended) return;
    const message = bytesOf(data);
    if (message) events.message(message);
    else ending.lost();
  };
  socket.onclose = () => ending.lost();
  socket.onerror = () => ending.lost();
  if (socket.readyState === OPEN) queueMicrotask(opened);
  if (socket.readyState >= CLOSING) ending.lost();

  return {
    send(message) {
      if (ending.ended) return;
      if (!quietly(() => void (outbox.push(message) || ending.lost()))) ending.lost();
      else if (!outbox.empty && timer === undefined && socket.readyState === OPEN)
        timer = setTimeout(pump, DRAIN_MS);
    },
    close: () => ending.close(),
  };
};
