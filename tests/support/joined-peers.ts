import type { Session } from '#shared/signal/session.ts';
import type { LinkId } from '#shared/units.ts';
import { Peers, type PeersOptions } from '#web/transport/peers.ts';

type Side = 'a' | 'b';

const LINK = 1 as LinkId;

/** Two `Peers` with one link, whose descriptions are handed straight over; everything stays on 127.0.0.1. */
export const joinedPeers = (
  stack: Pick<PeersOptions, 'wrtc'>,
  carry: (side: Side, channel: RTCDataChannel) => void,
  { tamper = (session) => session }: { tamper?: (session: Session) => Session } = {},
): { a: Peers; b: Peers; closed: Side[]; sessions: Session[]; close(): void } => {
  const closed: Side[] = [];
  const sessions: Session[] = [];
  const make = (side: Side, other: () => Peers): Peers =>
    new Peers({
      ...stack,
      iceServers: [],
      keepCandidate: (address) => address === '127.0.0.1',
      carry: (_link, channel) => carry(side, channel),
      events: {
        session(link, session) {
          sessions.push(session);
          setTimeout(() => other().signal(link, tamper(session)), 0);
        },
        closed: () => void closed.push(side),
      },
    });
  const a: Peers = make('a', () => b);
  const b: Peers = make('b', () => a);
  b.create(LINK, false);
  a.create(LINK, true);
  return {
    a,
    b,
    closed,
    sessions,
    close() {
      a.closeAll();
      b.closeAll();
    },
  };
};
