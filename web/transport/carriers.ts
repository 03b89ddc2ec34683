import type { Carrier } from '#shared/link/carrier.ts';
import type { Pass } from '#shared/signal/pass.ts';
import type { Session } from '#shared/signal/session.ts';
import type { LinkId } from '#shared/units.ts';
import { carrierOfPort } from './bridge.ts';
import { carrierOfChannel, type OpeningEvents } from './channel.ts';
import { carrierOfPass } from './pass.ts';
import { carrierOfWebSocket, type WebSocketLike } from './websocket.ts';

/** What links tell of themselves, each by its handle. */
export type LinkEvents = {
  open(link: LinkId): void;
  data(link: LinkId, data: Uint8Array): void;
  closed(link: LinkId): void;
  session(link: LinkId, session: Session): void;
};

/** The carriers of a node's links, whatever each is made of. */
export class Carriers {
  readonly #events: LinkEvents;
  readonly #carriers = new Map<LinkId, Carrier>();

  constructor(events: LinkEvents) {
    this.#events = events;
  }

  webSocket(link: LinkId, socket: WebSocketLike): void {
    this.#carriers.set(link, carrierOfWebSocket(socket, this.#eventsOf(link)));
  }

  pass(link: LinkId, socket: WebSocketLike, pass: Pass): void {
    this.#carriers.set(link, carrierOfPass(socket, pass, this.#eventsOf(link)));
  }

  channel(link: LinkId, channel: RTCDataChannel): void {
    this.#carriers.set(link, carrierOfChannel(channel, this.#eventsOf(link)));
  }

  port(link: LinkId, port: MessagePort): void {
    this.#carriers.set(link, carrierOfPort(port, this.#eventsOf(link)));
  }

  send(link: LinkId, data: Uint8Array): void {
    this.#carriers.get(link)?.send(data);
  }

  /** From this side; nothing is told of it. */
  close(link: LinkId): void {
    const carrier = this.#carriers.get(link);
    this.#carriers.delete(link);
    carrier?.close();
  }

  /** The connection below is known to be gone, before its carrier noticed. */
  lost(link: LinkId): void {
    const known = this.#carriers.has(link);
    this.close(link);
    if (known) this.#events.closed(link);
  }

  closeAll(): void {
    for (const link of [...this.#carriers.keys()]) this.close(link);
  }

  #eventsOf(link: LinkId): OpeningEvents {
    let opened = false;
    // A message may overtake the word that its channel is open, and a link that is not open would drop it.
    const open = (): void => {
      if (opened) return;
      opened = true;
      this.#events.open(link);
    };
    return {
      open,
      message: (data) => {
        open();
        this.#events.data(link, data);
      },
      closed: () => {
        this.#carriers.delete(link);
        this.#events.closed(link);
      },
    };
  }
}
