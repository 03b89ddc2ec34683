import type { Rng } from '../crypto/rng.ts';
import { LocalError, RemoteError } from '../errors.ts';
import type { CircuitId } from '../units.ts';
import { type CellCommand, cellCommand, isCellCommand } from './commands.ts';
import { BODY_LENGTH, CELL_HEADER, CELL_LENGTH, CELLS_PER_MESSAGE } from './geometry.ts';

/**
 * One cell (1,152):
 *
 *     circuit id (4) ‖ command (1) ‖ used length (2) ‖ body (1,145; random after the used part)
 *
 * The circuit id is 0 in PADDING, KEEPALIVE and GOSSIP, which are the link's own, and in no other.
 */
export type Cell = {
  readonly circuit: CircuitId;
  readonly command: CellCommand;
  /** The used part only. */
  readonly body: Uint8Array;
};

export const encodeCell = (cell: Cell, rng: Rng): Uint8Array => {
  const used = cell.body.length;
  if (used > BODY_LENGTH || (cell.circuit === 0) !== isOfLink(cell.command)) {
    throw new LocalError('internal', 'a cell that cannot be sent');
  }
  const out = new Uint8Array(CELL_LENGTH);
  const circuit: number = cell.circuit;
  out[0] = circuit >>> 24;
  out[1] = circuit >>> 16;
  out[2] = circuit >>> 8;
  out[3] = circuit;
  out[4] = cell.command;
  out[5] = used >>> 8;
  out[6] = used;
  out.set(cell.body, CELL_HEADER);
  if (used < BODY_LENGTH) out.set(rng(BODY_LENGTH - used), CELL_HEADER + used);
  return out;
};

/**
 * The cells of one message of a link: 1 to 14 whole ones. Their bodies are views on `message`, which must not be
 * written to afterwards. Throws `malformed`.
 */
export const decodeCells = (message: Uint8Array): Cell[] => {
  const count = message.length / CELL_LENGTH;
  if (!Number.isInteger(count) || count < 1 || count > CELLS_PER_MESSAGE) {
    throw new RemoteError('malformed', 'a message is 1 to 14 whole cells');
  }
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const cells: Cell[] = [];
  for (let at = 0; at < message.length; at += CELL_LENGTH) cells.push(decodeCell(message, view, at));
  return cells;
};

const decodeCell = (message: Uint8Array, view: DataView, at: number): Cell => {
  const circuit = view.getUint32(at);
  const command = view.getUint8(at + 4);
  const used = view.getUint16(at + 5);
  if (used > BODY_LENGTH) throw new RemoteError('malformed', 'a body longer than its cell');
  if (!isCellCommand(command)) throw new RemoteError('malformed', 'an unknown cell command');
  if ((circuit === 0) !== isOfLink(command))
    throw new RemoteError('malformed', 'a circuit id where none belongs');
  const body = message.subarray(at + CELL_HEADER, at + CELL_HEADER + used);
  return { circuit: circuit as CircuitId, command, body };
};

/** The id of cells that are the link's own. */
export const LINK = 0 as CircuitId;

const { PADDING, KEEPALIVE, GOSSIP } = cellCommand;
const isOfLink = (command: CellCommand): boolean =>
  command === PADDING || command === KEEPALIVE || command === GOSSIP;
