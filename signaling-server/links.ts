import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Passages } from './passages.ts';
import { BACKLOG_CEILING, BUFFER_CEILING, type Carrier, type CarrierEvents } from '#shared/link/carrier.ts';

/** A link's message is at most 14 cells; the rest is room for none. */
const MAX_MESSAGE_BYTES = 16 * 1024;

export type LinksOptions = {
  server: Server;
  /** The path of links to the directory; below it, by one byte in hex, are the passages. */
  path: string;
  maxLinks: number;
  /** A stranger's carrier came in; the events that come back are told of all that it brings. */
  accept(carrier: Carrier): CarrierEvents;
  passages: Pick<Passages, 'full' | 'take'>;
  /** A link was turned away. */
  refused?(code: 'not-found' | 'too-many'): void;
};

const PASSAGE = /^[/][0-9a-f]{2}$/;

/** Takes WebSocket links, and hands those for passages on. `close` ends its own. */
export const createLinks = ({
  server,
  path,
  maxLinks,
  accept,
  passages,
  refused,
}: LinksOptions): { close(): void; count(): number } => {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  const links = new Set<WebSocket>();
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy());
    const [asked = ''] = (request.url ?? '').split('?', 1);
    const passed = asked.startsWith(path) && PASSAGE.test(asked.slice(path.length));
    if (!passed && asked !== path) {
      refuse(socket, '404 Not Found');
      refused?.('not-found');
    } else if (passed ? passages.full : links.size >= maxLinks) {
      refuse(socket, '503 Service Unavailable');
      refused?.('too-many');
    } else {
      sockets.handleUpgrade(request, socket, head, (opened) => {
        if (passed) return passages.take(opened);
        links.add(opened);
        opened.on('close', () => links.delete(opened));
        carry(opened, accept);
      });
    }
  };
  server.on('upgrade', upgrade);
  return {
    close() {
      server.off('upgrade', upgrade);
      for (const socket of links) socket.terminate();
      sockets.close();
    },
    count: () => links.size,
  };
};

const refuse = (socket: Duplex, status: string): void => {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};

const carry = (socket: WebSocket, accept: (carrier: Carrier) => CarrierEvents): void => {
  const carrier = new SocketCarrier(socket);
  const events = accept(carrier);
  socket.on('message', (data: RawData, isBinary) => {
    if (carrier.ended) return;
    if (isBinary && Buffer.isBuffer(data)) events.message(new Uint8Array(data));
    else socket.terminate();
  });
  // An error is always followed by 'close'.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (!carrier.ended) events.closed();
    carrier.close();
  });
};

/** What exceeds the ceiling of the socket's own buffer waits here; a peer that takes nothing is cut off. */
class SocketCarrier implements Carrier {
  readonly #socket: WebSocket;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #ended = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** Closed from this side. */
  get ended(): boolean {
    return this.#ended;
  }

  send(message: Uint8Array): void {
    if (this.#ended || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#queue.push(message);
    this.#queuedBytes += message.length;
    if (this.#queuedBytes > BACKLOG_CEILING) this.#socket.terminate();
    else this.#pump();
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#queue = [];
    this.#socket.close();
  }

  readonly #pump = (): void => {
    while (
      !this.#ended &&
      this.#socket.readyState === this.#socket.OPEN &&
      this.#socket.bufferedAmount < BUFFER_CEILING
    ) {
      const message = this.#queue.shift();
      if (!message) return;
      this.#queuedBytes -= message.length;
      this.#socket.send(message, this.#pump);
    }
  };
}
