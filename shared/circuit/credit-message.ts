import { decode, encode, u16 } from '../bytes/codec.ts';
import { relayCommand } from '../cell/commands.ts';
import type { RelayMessage } from '../cell/relay.ts';
import type { StreamId } from '../units.ts';

/** CREDIT: data = cells granted (2). Stream 0 is the circuit's own credit. */
export const creditMessage = (stream: StreamId, cells: number): RelayMessage => ({
  stream,
  command: relayCommand.CREDIT,
  data: encode(u16, cells),
});

/** Throws `malformed`. */
export const creditCells = (data: Uint8Array): number => decode(u16, data);
