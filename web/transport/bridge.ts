import type { Carrier } from '#shared/link/carrier.ts';
import { carrierOfChannel, type OpeningEvents } from './channel.ts';
import { Ending } from './ending.ts';

/**
 * For a browser that cannot transfer a data channel to a worker: the channel stays in the page, and its messages
 * cross a MessagePort, as many in one post as have gathered in a task.
 */
type Crossing = { type: 'open' } | { type: 'messages'; messages: ArrayBuffer[] } | { type: 'closed' };

/** Gathers messages and posts them, with their buffers, in the next task. */
class Batch {
  readonly #port: MessagePort;
  /** A port to itself: unlike a timer, its task is not put off in a hidden page. */
  readonly #tick = new MessageChannel();
  #messages: ArrayBuffer[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
    this.#tick.port1.onmessage = () => this.flush();
  }

  push(message: Uint8Array): void {
    if (this.#messages.length === 0) this.#tick.port2.postMessage(null);
    const whole = message.byteLength === message.buffer.byteLength ? message : message.slice();
    this.#messages.push(whole.buffer as ArrayBuffer);
  }

  flush(): void {
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    post(this.#port, { type: 'messages', messages }, messages);
  }

  /** Posts what is left, then the end. */
  end(): void {
    this.flush();
    post(this.#port, { type: 'closed' });
    this.#tick.port1.close();
  }
}

const post = (port: MessagePort, crossing: Crossing, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(crossing, transfer);

/** The page's end: pumps `channel` over `port` until either ends. */
export const bridgeChannel = (channel: RTCDataChannel, port: MessagePort): void => {
  const batch = new Batch(port);
  const carrier = carrierOfChannel(channel, {
    open: () => post(port, { type: 'open' }),
    message: (message) => batch.push(message),
    closed: () => batch.end(),
  });
  port.onmessage = ({ data }: MessageEvent<Crossing>) => {
    if (data.type === 'messages') for (const message of data.messages) carrier.send(new Uint8Array(message));
    if (data.type === 'closed') {
      carrier.close();
      batch.end();
      port.close();
    }
  };
};

/** The worker's end: a carrier on the channel that the page holds. Nothing arrives before this attached its handler. */
export const carrierOfPort = (port: MessagePort, events: OpeningEvents): Carrier => {
  const batch = new Batch(port);
  const ending = new Ending(
    () => batch.end(),
    () => {
      port.close();
      events.closed();
    },
  );
  port.onmessage = ({ data }: MessageEvent<Crossing>) => {
    if (ending.ended) return;
    if (data.type === 'open') events.open();
    if (data.type === 'messages') {
      for (const message of data.messages) if (!ending.ended) events.message(new Uint8Array(message));
    }
    if (data.type === 'closed') ending.lost();
  };
  return {
    send(message) {
      if (!ending.ended) batch.push(message);
    },
    close: () => ending.close(),
  };
};
