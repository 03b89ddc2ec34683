import { describe, expect, it } from 'vitest';
import { BACKLOG_CEILING, BUFFER_CEILING } from '#shared/link/carrier.ts';
import { collectingEnd } from '#tests/contract/links.ts';
import { carrierOfChannel } from '#web/transport/channel.ts';
import { carrierOfWebSocket, type WebSocketLike } from '#web/transport/websocket.ts';

const KIB = new Uint8Array(1024);

/** A data channel that takes everything into its buffer and lets nothing out but by `drain`. */
class StuckChannel {
  readyState = 'connecting';
  bufferedAmount = 0;
  binaryType = '';
  bufferedAmountLowThreshold = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onbufferedamountlow: (() => void) | null = null;
  send(data: Uint8Array): void {
    if (this.readyState !== 'open') throw new Error('not open');
    this.bufferedAmount += data.length;
  }
  close(): void {
    this.readyState = 'closed';
  }
  open(): void {
    this.readyState = 'open';
    this.onopen?.();
  }
  drain(): void {
    this.bufferedAmount = 0;
    this.onbufferedamountlow?.();
  }
}

const onStuckChannel = () => {
  const channel = new StuckChannel();
  const end = collectingEnd();
  end.carrier = carrierOfChannel(channel as unknown as RTCDataChannel, end.events);
  return { channel, end };
};

describe('a carrier on a channel that takes nothing', () => {
  it('waits for it to open, then fills it to the bound, and again when it has drained', () => {
    const { channel, end } = onStuckChannel();
    for (let n = 0; n < 100; n++) end.carrier.send(KIB);
    expect(channel.bufferedAmount).toBe(0);
    channel.open();
    expect(channel.bufferedAmount).toBe(BUFFER_CEILING);
    channel.drain();
    expect(channel.bufferedAmount).toBe(BUFFER_CEILING);
  });

  it('ends, with its channel, when too much waits', async () => {
    const { channel, end } = onStuckChannel();
    for (let bytes = 0; bytes <= BACKLOG_CEILING; bytes += KIB.length) end.carrier.send(KIB);
    expect(end.closed).toBe(0);
    await Promise.resolve();
    expect([end.closed, channel.readyState]).toEqual([1, 'closed']);
  });

  it('lets a message through that comes before it is open', () => {
    const { channel, end } = onStuckChannel();
    channel.onmessage?.({ data: new ArrayBuffer(3) });
    expect(end.received).toEqual([new Uint8Array(3)]);
  });

  it('ends on a message that is not binary', async () => {
    const { channel, end } = onStuckChannel();
    channel.onmessage?.({ data: 'text' });
    await Promise.resolve();
    expect([end.closed, end.received]).toEqual([1, []]);
  });

  it('ends when its channel throws', async () => {
    const { channel, end } = onStuckChannel();
    channel.open();
    channel.send = () => {
      throw new Error('the stack is gone');
    };
    end.carrier.send(KIB);
    await Promise.resolve();
    expect(end.closed).toBe(1);
  });
});

describe('a carrier on a WebSocket', () => {
  it('ends at once on one that is closing', async () => {
    const end = collectingEnd();
    const socket = { readyState: 2, bufferedAmount: 0, close: () => undefined } as unknown as WebSocketLike;
    carrierOfWebSocket(socket, end.events);
    await Promise.resolve();
    expect(end.closed).toBe(1);
  });
});
