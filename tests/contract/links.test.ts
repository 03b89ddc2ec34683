import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { cleanup } from 'node-datachannel';
import { afterAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createServer } from 'node:http';
import { nodeWrtc } from '#relay/peers.ts';
import { systemClock } from '#server/clock.ts';
import { createLinks } from '#server/links.ts';
import { Passages } from '#server/passages.ts';
import type { LinkId } from '#shared/units.ts';
import { collectingEnd, type LinkMaker, linkScenarios, watchBuffer } from '#tests/contract/links.ts';
import { memoryPair } from '#tests/support/memory-carrier.ts';
import { joinedPeers } from '#tests/support/joined-peers.ts';
import { bridgeChannel, carrierOfPort } from '#web/transport/bridge.ts';
import { carrierOfChannel } from '#web/transport/channel.ts';
import { carrierOfPass, passUrl } from '#web/transport/pass.ts';
import { carrierOfWebSocket, type WebSocketLike } from '#web/transport/websocket.ts';

const inMemory: LinkMaker = () => {
  const a = collectingEnd();
  const b = collectingEnd();
  [a.carrier, b.carrier] = memoryPair(a.events, b.events);
  a.opened = b.opened = 1;
  return Promise.resolve({ a, b, mostBuffered: () => 0, dispose: () => undefined });
};

/** A real server on the loopback; `connect` is the client's socket. */
const overWebSocket =
  (connect: (url: string) => WebSocketLike): LinkMaker =>
  async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const a = collectingEnd();
    const b = collectingEnd();
    let most = 0;
    const note = (bytes: number): void => void (most = Math.max(most, bytes));
    const joined = once(server, 'connection') as Promise<[WebSocketLike]>;
    const socket = connect(`ws://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
    watchBuffer(socket, note);
    a.carrier = carrierOfWebSocket(socket, a.events);
    const [accepted] = await joined;
    watchBuffer(accepted, note);
    b.carrier = carrierOfWebSocket(accepted, b.events);
    return {
      a,
      b,
      mostBuffered: () => most,
      dispose() {
        a.carrier.close();
        b.carrier.close();
        server.close();
      },
    };
  };

/** node-datachannel under simple-peer on the loopback; `bridged` puts a MessagePort between, as a page may have to. */
const overWebRtc =
  (bridged: boolean): LinkMaker =>
  () => {
    const a = collectingEnd();
    const b = collectingEnd();
    let most = 0;
    const peers = joinedPeers({ wrtc: nodeWrtc({ bindAddress: '127.0.0.1' }) }, (side, channel) => {
      const end = side === 'a' ? a : b;
      watchBuffer(channel, (bytes) => void (most = Math.max(most, bytes)));
      if (!bridged) {
        end.carrier = carrierOfChannel(channel, end.events);
        return;
      }
      const { port1, port2 } = new MessageChannel();
      bridgeChannel(channel, port1);
      end.carrier = carrierOfPort(port2, end.events);
    });
    return Promise.resolve({ a, b, mostBuffered: () => most, dispose: () => peers.close() });
  };

/** Both ends' WebSockets lead to a real server, which passes what is sealed between them. */
const byServer: LinkMaker = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const passages = new Passages({ most: 4, clock: systemClock, refused: () => undefined });
  const accept = (): never => {
    throw new Error('nobody links to the directory');
  };
  const links = createLinks({ server, path: '/link', maxLinks: 1, accept, passages });
  const meeting = crypto.getRandomValues(new Uint8Array(16));
  const keys = [1, 2].map(() => crypto.getRandomValues(new Uint8Array(32)));
  let most = 0;
  const end = ([send, receive]: Uint8Array[]): ReturnType<typeof collectingEnd> => {
    const pass = { meeting, send: send as Uint8Array, receive: receive as Uint8Array };
    const { port } = server.address() as AddressInfo;
    const socket = new WebSocket(passUrl(`ws://127.0.0.1:${String(port)}/link`, pass));
    watchBuffer(socket, (bytes) => void (most = Math.max(most, bytes)));
    const one = collectingEnd();
    one.carrier = carrierOfPass(socket, pass, one.events);
    return one;
  };
  const [a, b] = [end(keys), end(keys.toReversed())];
  return {
    ...{ a, b },
    mostBuffered: () => most,
    dispose() {
      for (const { carrier } of [a, b]) carrier.close();
      links.close();
      passages.close();
      server.close();
    },
  };
};

const makers: Record<string, LinkMaker> = {
  'in memory': inMemory,
  'over a WebSocket': overWebSocket((url) => new WebSocket(url)),
  'by way of the server': byServer,
  'over WebRTC in Node': overWebRtc(false),
  'over WebRTC in Node behind a bridge': overWebRtc(true),
};

for (const [name, make] of Object.entries(makers)) {
  describe(`a link ${name}`, () => {
    it.each(linkScenarios)('$name', async ({ run }) => {
      const pair = await make();
      try {
        await run(pair);
      } finally {
        pair.dispose();
      }
    });
  });
}

describe('peers', () => {
  afterAll(() => cleanup());

  it('tell both sides when a connection is closed', async () => {
    const peers = joinedPeers({ wrtc: nodeWrtc({ bindAddress: '127.0.0.1' }) }, (_side, channel) => {
      channel.onopen = () => peers.a.close(1 as LinkId);
    });
    await expect.poll(() => peers.closed, { timeout: 10_000 }).toEqual(['b']);
    peers.close();
  });

  it.each(['offer', 'answer'] as const)(
    'both refuse %s whose fingerprint is not the other side’s',
    async (kind) => {
      const opened: string[] = [];
      const peers = joinedPeers(
        { wrtc: nodeWrtc({ bindAddress: '127.0.0.1' }) },
        (side, channel) => (channel.onopen = () => void opened.push(side)),
        {
          tamper: (session) =>
            session.kind === kind
              ? { ...session, fingerprint: session.fingerprint.map((byte) => byte ^ 1) }
              : session,
        },
      );
      await expect.poll(() => [...peers.closed].sort(), { timeout: 5_000 }).toEqual(['a', 'b']);
      expect(opened).toEqual([]);
      peers.close();
    },
  );

  it('report a link whose stack refuses, and throw nothing', async () => {
    const wrtc = nodeWrtc();
    const refusing = {
      ...wrtc,
      RTCPeerConnection: class {
        constructor() {
          throw new Error('no more connections');
        }
      } as unknown as typeof wrtc.RTCPeerConnection,
    };
    const peers = joinedPeers({ wrtc: refusing }, () => undefined);
    await expect.poll(() => [...peers.closed].sort()).toEqual(['a', 'b']);
    peers.close();
  });

  it('report a link whose other side sends what is no answer', async () => {
    const peers = joinedPeers({ wrtc: nodeWrtc({ bindAddress: '127.0.0.1' }) }, () => undefined, {
      tamper: (session) => ({ ...session, kind: 'offer', ufrag: 'a\r\nb' }),
    });
    await expect.poll(() => [...peers.closed].sort(), { timeout: 5_000 }).toEqual(['b']);
    peers.close();
  });
});
