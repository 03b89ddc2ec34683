import { describe, expect, it, vi } from 'vitest';
import { CELL_LENGTH, SEALED_CELL_LENGTH } from '#shared/cell/geometry.ts';
import { collectingEnd } from '#tests/contract/links.ts';
import { carrierOfPass, passUrl } from '#web/transport/pass.ts';
import type { WebSocketLike } from '#web/transport/websocket.ts';

const meeting = new Uint8Array(16).fill(0xa7);
const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

/** An open WebSocket whose messages a test brings over, or not. */
class Socket implements WebSocketLike {
  binaryType = '';
  readyState = 1;
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: Uint8Array[] = [];
  closed = 0;
  send(data: Uint8Array): void {
    this.sent.push(data);
  }
  close(): void {
    this.closed += 1;
  }
  bring(data: Uint8Array): void {
    this.onmessage?.({ data } as never);
  }
}

const end = (send: Uint8Array, receive: Uint8Array) => {
  const socket = new Socket();
  const events = collectingEnd();
  events.carrier = carrierOfPass(socket, { meeting, send, receive }, events.events);
  return { socket, events };
};
const pair = () => ({ a: end(one, two), b: end(two, one) });
const message = (byte: number): Uint8Array => new Uint8Array(2 * CELL_LENGTH).fill(byte);

describe('a carrier by way of the server', () => {
  it('names the meeting, then sends sealed cells of one size alone', () => {
    const { a } = pair();
    a.events.carrier.send(message(1));
    a.events.carrier.send(new Uint8Array(CELL_LENGTH));
    expect(a.socket.sent.map(({ length }) => length)).toEqual([
      16,
      ...Array<number>(4).fill(SEALED_CELL_LENGTH),
    ]);
    expect(a.socket.sent[0]).toEqual(meeting);
    expect(passUrl('wss://chat.example.org/link', { meeting, send: one, receive: two })).toBe(
      'wss://chat.example.org/link/a7',
    );
  });

  it('is open once the other end has shown that it has the keys, and not before', () => {
    const { a, b } = pair();
    expect(a.events.opened).toBe(0);
    a.socket.bring(b.socket.sent[1] as Uint8Array);
    expect(a.events.opened).toBe(1);
  });

  const tricks: Record<string, (cells: Uint8Array[]) => Uint8Array[]> = {
    changed: ([hello, first, ...rest]) =>
      [hello, first?.map((byte, i) => (i === 600 ? byte ^ 1 : byte)), ...rest] as Uint8Array[],
    'that come again': ([hello, first, ...rest]) => [hello, first, first, ...rest] as Uint8Array[],
    'with one left out': ([hello, , ...rest]) => [hello, ...rest] as Uint8Array[],
    'in another order': ([hello, first, second]) => [hello, second, first] as Uint8Array[],
    'of another size': ([hello, first]) => [hello, first?.subarray(1)] as Uint8Array[],
    'that come back': () => [],
  };

  it.each(Object.entries(tricks))('ends by cells %s', async (name, trick) => {
    const { a, b } = pair();
    a.events.carrier.send(message(1));
    const sent = a.socket.sent.slice(1);
    for (const cell of name === 'that come back' ? b.socket.sent.slice(1) : trick(sent)) b.socket.bring(cell);
    await vi.waitFor(() => {
      expect(b.events.closed).toBe(1);
    });
    expect(b.socket.closed).toBe(1);
    expect(b.events.received).toEqual([]);
    for (const cell of sent) b.socket.bring(cell);
    expect(b.events.received).toEqual([]);
  });
});
