import { encodeCell } from '#shared/cell/codec.ts';
import { type CellCommand, type RelayCommand, cellCommand, relayCommand } from '#shared/cell/commands.ts';
import { BODY_LENGTH, capacity, dataRoom } from '#shared/cell/geometry.ts';
import { encodeRelay } from '#shared/cell/relay.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import type { CircuitId, StreamId } from '#shared/units.ts';

export const cellVectors = (): unknown => {
  const rng = seededRng(new Uint8Array(32).fill(3));
  const cells: [circuit: number, command: CellCommand, used: number][] = [
    [0, cellCommand.PADDING, 0],
    [0, cellCommand.KEEPALIVE, 22],
    [0x80000001, cellCommand.RELAY, BODY_LENGTH],
    [2, cellCommand.DESTROY, 1],
  ];
  return cells.map(([circuit, command, used]) => {
    const body = rng(used);
    const cell = { circuit: circuit as CircuitId, command, body };
    return { ...cell, encoded: encodeCell(cell, rng) };
  });
};

export const relayVectors = (): unknown => {
  const rng = seededRng(new Uint8Array(32).fill(4));
  const messages: [hop: number, stream: number, command: RelayCommand, length: number][] = [
    [1, 0, relayCommand.DROP, 0],
    [3, 0x1234, relayCommand.REQUEST, 7],
    [5, 0xffff, relayCommand.DATA, dataRoom(5)],
  ];
  return messages.map(([hop, stream, command, length]) => {
    const message = { stream: stream as StreamId, command, data: rng(length) };
    return { hop, ...message, encoded: encodeRelay(message, capacity(hop)) };
  });
};
