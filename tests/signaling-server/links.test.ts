import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createLinks } from '#server/links.ts';
import { BACKLOG_CEILING, type Carrier } from '#shared/link/carrier.ts';

type Accepted = { carrier: Carrier; messages: Uint8Array[]; closed: number };

describe('WebSocket links', () => {
  let server: Server;
  let links: ReturnType<typeof createLinks>;
  let accepted: Accepted[];
  let url: string;

  beforeEach(async () => {
    accepted = [];
    server = createServer();
    links = createLinks({
      ...{ server, path: '/link', maxLinks: 2, passages: { full: true, take: () => undefined } },
      accept(carrier) {
        const one: Accepted = { carrier, messages: [], closed: 0 };
        accepted.push(one);
        return {
          message: (data) => void one.messages.push(data),
          closed: () => void (one.closed += 1),
        };
      },
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `ws://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterEach(() => {
    links.close();
    server.close();
  });

  const open = async (path = '/link'): Promise<WebSocket> => {
    const socket = new WebSocket(url + path);
    await once(socket, 'open');
    return socket;
  };
  const first = (): Accepted => accepted[0] as Accepted;

  it('carry whole messages both ways', async () => {
    const socket = await open();
    const received: Buffer[] = [];
    socket.on('message', (data: Buffer) => received.push(data));
    socket.send(new Uint8Array(1_152).fill(1));
    socket.send(new Uint8Array(14 * 1_152).fill(2));
    await vi.waitFor(() => {
      expect(first().messages.map(({ length }) => length)).toEqual([1_152, 16_128]);
    });
    for (let i = 0; i < 100; i++) first().carrier.send(new Uint8Array(14 * 1_152).fill(i));
    await vi.waitFor(() => {
      expect(received).toHaveLength(100);
    });
    expect(received.map((data) => data[0])).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('end once, and tell only the side that did not end them', async () => {
    const socket = await open();
    socket.close();
    await vi.waitFor(() => {
      expect(first().closed).toBe(1);
    });
    first().carrier.send(new Uint8Array(1));
    first().carrier.close();

    const other = await open();
    accepted[1]?.carrier.close();
    await once(other, 'close');
    expect(accepted[1]?.closed).toBe(0);
    expect(first().closed).toBe(1);
  });

  it.each([
    ['an oversized message', new Uint8Array(16 * 1_024 + 1)],
    ['text', 'hello'],
  ])('end on %s', async (_name, message) => {
    const socket = await open();
    socket.send(message);
    await once(socket, 'close');
    await vi.waitFor(() => {
      expect(first().closed).toBe(1);
    });
    expect(first().messages).toEqual([]);
  });

  it('cut off a peer that takes nothing', async () => {
    const socket = await open();
    socket.pause();
    const message = new Uint8Array(16_128);
    for (let sent = 0; sent < BACKLOG_CEILING + 4 * 1_024 * 1_024; sent += message.length)
      first().carrier.send(message);
    await vi.waitFor(() => {
      expect(first().closed).toBe(1);
    });
    expect(links.count()).toBe(0);
    socket.terminate();
  });

  it('are refused over their number and on other paths', async () => {
    const refusal = async (path: string): Promise<string> => {
      const socket = new WebSocket(url + path);
      const [error] = (await once(socket, 'error')) as [Error];
      return error.message;
    };
    await expect(open('/other')).rejects.toThrow('404');
    const [one] = [await open(), await open()];
    expect(await refusal('/link')).toContain('503');
    one.close();
    await vi.waitFor(() => {
      expect(links.count()).toBe(1);
    });
    await open();
    expect(accepted).toHaveLength(3);
  });
});
