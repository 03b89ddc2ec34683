import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createLinks } from '#server/links.ts';
import { Passages } from '#server/passages.ts';
import { SEALED_CELL_LENGTH } from '#shared/cell/geometry.ts';
import { VirtualClock } from '#tests/support/virtual-clock.ts';

const MOST = 2;
const cell = (n: number): Uint8Array => new Uint8Array(SEALED_CELL_LENGTH).fill(n);

/** A client's WebSocket, what came over it, and the code that closed it. */
type Client = { socket: WebSocket; received: Buffer[]; closed: number | undefined };

describe('links that the server passes on', () => {
  let server: Server;
  let links: ReturnType<typeof createLinks>;
  let passages: Passages;
  let clock: VirtualClock;
  let refused: string[];
  let clients: Client[];

  beforeEach(async () => {
    [clock, refused, clients] = [new VirtualClock(), [], []];
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    passages = new Passages({ most: MOST, clock, refused: (code) => void refused.push(code) });
    const accept = (): never => {
      throw new Error('nobody links to the directory');
    };
    links = createLinks({ server, path: '/link', maxLinks: 1, accept, passages });
  });
  afterEach(() => {
    for (const { socket } of clients) socket.terminate();
    links.close();
    passages.close();
    server.close();
  });

  const open = async (path = '/link/a1'): Promise<Client> => {
    const { port } = server.address() as AddressInfo;
    const client: Client = {
      socket: new WebSocket(`ws://127.0.0.1:${String(port)}${path}`),
      received: [],
      closed: undefined,
    };
    clients.push(client);
    client.socket.on('message', (data: Buffer) => client.received.push(data));
    client.socket.on('close', (code) => (client.closed = code));
    await once(client.socket, 'open');
    return client;
  };
  const come = async (meeting: number): Promise<Client> => {
    const client = await open();
    client.socket.send(new Uint8Array(16).fill(meeting));
    return client;
  };
  const joined = async (meeting: number): Promise<[Client, Client]> => {
    const pair: [Client, Client] = [await come(meeting), await come(meeting)];
    for (const { socket } of pair) socket.send(cell(0));
    await vi.waitFor(() => {
      for (const { received } of pair) expect(received).toHaveLength(1);
    });
    return pair;
  };
  const closedBy = (client: Client, code: number): Promise<void> =>
    vi.waitFor(() => {
      expect(client.closed).toBe(code);
    });

  it('bring each end what the other sends, as it is, and nobody else', async () => {
    const [[a, b], [c]] = [await joined(1), await joined(2)];
    expect(passages.count).toBe(2);
    for (let n = 1; n <= 50; n++) a.socket.send(cell(n));
    await vi.waitFor(() => {
      expect(b.received.map((data) => data[0])).toEqual(Array.from({ length: 51 }, (_, n) => n));
    });
    expect(b.received.every((data) => data.length === SEALED_CELL_LENGTH)).toBe(true);
    expect([a.received.length, c.received.length]).toEqual([1, 1]);
  });

  it('keep what comes before the other end is there', async () => {
    const a = await come(3);
    for (let n = 0; n < 30; n++) a.socket.send(cell(n));
    const b = await come(3);
    await vi.waitFor(() => {
      expect(b.received).toHaveLength(30);
    });
  });

  it('end for both when one end goes', async () => {
    const [a, b] = await joined(4);
    a.socket.close();
    await closedBy(b, 4018);
    expect([passages.count, refused]).toEqual([0, []]);
  });

  it.each([
    ['another size', new Uint8Array(SEALED_CELL_LENGTH - 1)],
    ['text', 'hello'],
  ])('take nothing of %s', async (_, message) => {
    const [a, b] = await joined(5);
    a.socket.send(message);
    await closedBy(a, 4001);
    await closedBy(b, 4018);
    expect([b.received.length, refused]).toEqual([1, ['malformed']]);
  });

  it('begin by the name of a meeting', async () => {
    const a = await open();
    a.socket.send(cell(1));
    await closedBy(a, 4001);
  });

  it('wait for the other end for 15 seconds, and for a name no longer', async () => {
    const [a, b] = [await come(6), await open()];
    await clock.pass(15_000);
    expect([a.closed, b.closed]).toEqual([undefined, undefined]);
    await clock.pass(5_001);
    for (const each of [a, b]) await closedBy(each, 4016);
    const late = await come(6);
    expect(late.received).toEqual([]);
  });

  it('end when one end says nothing for 30 seconds', async () => {
    const [a, b] = await joined(7);
    for (let i = 0; i < 8; i++) {
      await clock.pass(5_000);
      const before = b.received.length;
      a.socket.send(cell(i));
      if (b.closed === undefined && i < 5)
        await vi.waitFor(() => {
          expect(b.received.length).toBe(before + 1);
        });
    }
    await closedBy(b, 4016);
    await closedBy(a, 4018);
  });

  it('are no more than the setting says', async () => {
    for (let i = 0; i < MOST; i++) await joined(10 + i);
    await expect(open()).rejects.toThrow('503');
    await expect(open('/link/abc')).rejects.toThrow('404');
    await expect(open('/link/zz')).rejects.toThrow('404');
    clients[0]?.socket.close();
    await closedBy(clients[1] as Client, 4018);
    await joined(20);
  });

  it('hold one end back while the other takes nothing, and lose nothing of it', async () => {
    const [a, b] = await joined(8);
    b.socket.pause();
    const count = 8_000;
    for (let n = 1; n <= count; n++) a.socket.send(cell(n));
    await vi.waitFor(() => {
      expect(passages.held).toBeGreaterThan(0);
    });
    expect(passages.held).toBeLessThan(512 * 1024);
    b.socket.resume();
    await vi.waitFor(
      () => {
        expect(b.received).toHaveLength(count + 1);
      },
      { timeout: 20_000 },
    );
    expect(b.received.every((data, n) => data[0] === n % 256)).toBe(true);
    expect(a.closed).toBeUndefined();
  });
});
