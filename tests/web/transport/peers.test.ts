import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LinkId } from '#shared/units.ts';
import { Peers, type Wrtc } from '#web/transport/peers.ts';

const link = (id: number): LinkId => id as LinkId;

/** A connection from which nothing is ever heard. */
class SilentConnection {
  static closed = 0;
  createDataChannel(label: string): object {
    return { label, close: () => undefined };
  }
  createOffer(): Promise<never> {
    return new Promise<never>(() => undefined);
  }
  close(): void {
    SilentConnection.closed += 1;
  }
}

const silent = { RTCPeerConnection: SilentConnection } as unknown as Wrtc;

const silentPeers = () => {
  const closed: LinkId[] = [];
  const carried: string[] = [];
  const peers = new Peers({
    wrtc: silent,
    iceServers: [],
    carry: (_link, { label }) => void carried.push(label),
    events: { session: () => undefined, closed: (id) => void closed.push(id) },
  });
  return { peers, closed, carried };
};

describe('peers', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    SilentConnection.closed = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('hand the channel over in the task that made it', () => {
    const { peers, carried } = silentPeers();
    peers.create(link(1), true);
    expect(carried).toEqual(['cells']);
    peers.closeAll();
  });

  it('give up on a connection that is not open after 15 s, and release it', async () => {
    const { peers, closed } = silentPeers();
    peers.create(link(1), true);
    peers.create(link(2), false);
    await vi.advanceTimersByTimeAsync(14_900);
    expect(closed).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(closed).toEqual([1, 2]);
    expect(SilentConnection.closed).toBe(2);
  });

  it('say nothing of what was closed here', async () => {
    const { peers, closed } = silentPeers();
    peers.create(link(1), true);
    peers.close(link(1));
    peers.close(link(1));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(closed).toEqual([]);
    expect(SilentConnection.closed).toBe(1);
  });

  it('end a link that is given the wrong kind of description, and pass over unknown links', async () => {
    const { peers, closed } = silentPeers();
    const session = {
      kind: 'offer',
      ufrag: '',
      pwd: '',
      fingerprint: new Uint8Array(32),
      setup: 'active',
    } as const;
    peers.signal(link(9), { ...session, candidates: [] });
    peers.create(link(1), true);
    peers.signal(link(1), { ...session, candidates: [] });
    await vi.advanceTimersByTimeAsync(1);
    expect(closed).toEqual([1]);
  });
});
