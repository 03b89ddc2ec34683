import { hex } from '#shared/bytes/bytes.ts';
import type { Carrier } from '#shared/link/carrier.ts';
import { SealedCells } from '#shared/link/sealed-cells.ts';
import type { Pass } from '#shared/signal/pass.ts';
import type { OpeningEvents } from './channel.ts';
import { Ending, quietly } from './ending.ts';
import { carrierOfWebSocket, type WebSocketLike } from './websocket.ts';

/**
 * Where the server passes sealed cells on: under the path of links, by the first byte of the meeting. Of several processes behind one
 * balancer the same one then gets both ends, and a log of paths would tell nothing of who meets whom.
 */
export const passUrl = (linkUrl: string, { meeting }: Pass): string => {
  const url = new URL(linkUrl);
  url.pathname += `/${hex(meeting.subarray(0, 1))}`;
  return url.href;
};

/**
 * A carrier by way of the server, sealed from end to end: the meeting's name first, then sealed cells and nothing else. It is open
 * once the other end has said hello, and ends by the first one that is not as that end sealed it.
 */
export const carrierOfPass = (socket: WebSocketLike, pass: Pass, events: OpeningEvents): Carrier => {
  const cells = new SealedCells(pass);
  const take = (data: Uint8Array): void => {
    if (ending.ended) return;
    let opened: ReturnType<SealedCells['open']> = 'more';
    if (!quietly(() => (opened = cells.open(data)))) return ending.lost();
    tell(opened);
  };
  const tell = (opened: ReturnType<SealedCells['open']>): void => {
    if (opened === 'hello') events.open();
    else if (opened !== 'more') events.message(opened.message);
  };
  const below = carrierOfWebSocket(socket, {
    open: () => undefined,
    message: take,
    closed: () => ending.lost(),
  });
  const ending = new Ending(
    () => below.close(),
    () => events.closed(),
  );
  below.send(pass.meeting.slice());
  below.send(cells.hello());
  return {
    send(message) {
      if (!ending.ended) for (const sealed of cells.seal(message)) below.send(sealed);
    },
    close: () => ending.close(),
  };
};
