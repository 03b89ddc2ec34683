import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { cleanup } from 'node-datachannel';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Session } from '#shared/signal/session.ts';
import type { LinkId } from '#shared/units.ts';
import { nodeWrtc } from '#relay/peers.ts';
import { Peers } from '#web/transport/peers.ts';

afterAll(() => {
  cleanup();
});

const silent = async (): Promise<{ socket: Socket; port: number; asked: Promise<unknown> }> => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  onTestFinished(() => void socket.close());
  await once(socket, 'listening');
  return { socket, port: socket.address().port, asked: once(socket, 'message') };
};

describe('WebRTC of a relay in Node', () => {
  it('asks STUN servers, and no TURN server', async () => {
    const stun = await silent();
    const turn = await silent();
    let turned = 0;
    turn.socket.on('message', () => turned++);
    const sessions: Session[] = [];
    const peers = new Peers({
      wrtc: nodeWrtc({ bindAddress: '127.0.0.1' }),
      iceServers: [
        { urls: `stun:127.0.0.1:${String(stun.port)}` },
        { urls: `turn:127.0.0.1:${String(turn.port)}`, username: 'a', credential: 'b' },
      ],
      carry: () => undefined,
      events: { session: (_, session) => void sessions.push(session), closed: () => undefined },
    });
    peers.create(1 as LinkId, true);
    await stun.asked;
    // It is told once the time for gathering is over, in which either server is asked again and again.
    await vi.waitUntil(() => sessions.length > 0, { timeout: 10_000 });
    expect(turned).toBe(0);
    peers.closeAll();
  });
});
