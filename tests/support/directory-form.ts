import { decode } from '#shared/bytes/codec.ts';
import { cellCommand, type CellCommand } from '#shared/cell/commands.ts';
import { usedLength } from '#shared/cell/geometry.ts';
import { pushCodec, requestCodec, responseCodec } from '#shared/directory/messages.ts';

const typeOf = {
  request: (body: Uint8Array): string => decode(requestCodec, body).type,
  answer: (body: Uint8Array): string => decode(responseCodec, body).type,
  push: (body: Uint8Array): string => decode(pushCodec, body).type,
};
const names = new Map<number, string>(Object.entries(cellCommand).map(([name, command]) => [command, name]));

const cellKind = (sent: boolean, command: number, used: number): string =>
  `${sent ? 'sent' : 'received'} ${names.get(command) ?? String(command)} of ${String(used)} bytes`;

/** What a directory sees, by kind: cells by direction, command and length in use; what its services are asked, answer and push. */
export class DirectoryForm {
  readonly cells = new Set<string>();
  readonly services = new Set<string>();

  cell(sent: boolean, command: number, used: number): void {
    this.cells.add(cellKind(sent, command, used));
  }

  service(what: keyof typeof typeOf, body: Uint8Array): void {
    this.services.add(`${what} ${typeOf[what](body)}`);
  }
}

/**
 * Cells on circuits of any length, with the bytes that they use: an onionskin in two fragments, a reply in one, a code; and the link's own,
 * which it keeps out of traces.
 */
const ANY: readonly [boolean, CellCommand, number][] = [
  [false, cellCommand.CREATE, 112],
  [false, cellCommand.CREATE, 1145],
  [true, cellCommand.CREATED, 1140],
  [false, cellCommand.DESTROY, 1],
  [true, cellCommand.KEEPALIVE, 17],
  [false, cellCommand.KEEPALIVE, 17],
];

/** All kinds of cells that a directory sees on circuits that are so many hops long, and on those of one hop. */
export const cellsSeen = (hops: readonly number[]): string[] => [
  ...ANY.map(([sent, command, used]) => cellKind(sent, command, used)),
  ...[1, ...hops].flatMap((each) => [
    cellKind(true, cellCommand.RELAY, usedLength(each)),
    cellKind(false, cellCommand.RELAY, usedLength(each)),
    cellKind(false, cellCommand.RELAY_EARLY, usedLength(each)),
  ]),
];
