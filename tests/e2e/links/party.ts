import { decode, encode } from '#shared/bytes/codec.ts';
import { type Session, sessionCodec } from '#shared/signal/session.ts';
import type { LinkId } from '#shared/units.ts';
import { collectingEnd } from '#tests/contract/links.ts';
import { carrierOfChannel } from '#web/transport/channel.ts';
import { Peers, type Wrtc } from '#web/transport/peers.ts';

/** One side of one link, in a page or in Node, spoken to with nothing but plain values. */
export type Party = {
  start(initiator: boolean): void;
  /** This side's description, as it would be sealed. */
  session(): number[] | undefined;
  signal(session: number[]): void;
  send(message: number[]): void;
  received(): number[][];
  state(): { open: boolean; channelClosed: boolean; peerClosed: boolean };
  close(): void;
};

const LINK = 1 as LinkId;

export const party = (wrtc?: Wrtc): Party => {
  const end = collectingEnd();
  let session: Session | undefined;
  let peerClosed = false;
  const peers = new Peers({
    ...(wrtc && { wrtc }),
    iceServers: [],
    keepCandidate: (address) => address === '127.0.0.1',
    carry: (_link, channel) => (end.carrier = carrierOfChannel(channel, end.events)),
    events: {
      session: (_link, own) => void (session = own),
      closed: () => void (peerClosed = true),
    },
  });
  return {
    start: (initiator) => peers.create(LINK, initiator),
    session: () => session && [...encode(sessionCodec, session)],
    signal: (bytes) => peers.signal(LINK, decode(sessionCodec, Uint8Array.from(bytes))),
    send: (message) => end.carrier.send(Uint8Array.from(message)),
    received: () => end.received.map((message) => [...message]),
    state: () => ({ open: end.opened > 0, channelClosed: end.closed > 0, peerClosed }),
    close: () => peers.closeAll(),
  };
};
