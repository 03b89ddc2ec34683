import { LocalError, RemoteError } from '../errors.ts';
import type { StreamId } from '../units.ts';
import { type RelayCommand, isRelayCommand } from './commands.ts';
import { RELAY_HEADER, capacity } from './geometry.ts';

/**
 * What one layer delivers:
 *
 *     stream id (2) ‖ command (1) ‖ length (2) ‖ data ‖ zeros up to the capacity of the hop
 */
export type RelayMessage = {
  readonly stream: StreamId;
  readonly command: RelayCommand;
  readonly data: Uint8Array;
};

/** Padded to `length` bytes. */
export const encodeRelay = (message: RelayMessage, length: number): Uint8Array => {
  const { stream, command, data } = message;
  if (data.length > length - RELAY_HEADER)
    throw new LocalError('internal', 'more data than its hop has room for');
  const out = new Uint8Array(length);
  out[0] = stream >>> 8;
  out[1] = stream;
  out[2] = command;
  out[3] = data.length >>> 8;
  out[4] = data.length;
  out.set(data, RELAY_HEADER);
  return out;
};

/** `data` is a view on `bytes`. Throws `malformed`, also for padding that is not zero. */
export const decodeRelay = (bytes: Uint8Array): RelayMessage => {
  if (bytes.length < RELAY_HEADER) throw new RemoteError('malformed', 'a relay message without a header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const command = view.getUint8(2);
  const end = RELAY_HEADER + view.getUint16(3);
  if (!isRelayCommand(command)) throw new RemoteError('malformed', 'an unknown relay command');
  if (end > bytes.length) throw new RemoteError('malformed', 'data longer than its message');
  for (let i = end; i < bytes.length; i++) {
    if (bytes[i] !== 0) throw new RemoteError('malformed', 'padding that is not zero');
  }
  return { stream: view.getUint16(0) as StreamId, command, data: bytes.subarray(RELAY_HEADER, end) };
};

/** Whether what hop `hop` delivers, or passes on, has the one length that it has there whatever it carries. */
export const isWhole = (bytes: Uint8Array, hop: number): boolean => bytes.length === capacity(hop);
