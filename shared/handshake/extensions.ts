import { Reader } from '../bytes/reader.ts';
import { Writer } from '../bytes/writer.ts';
import { EXTENSIONS_LENGTH, MAX_HOPS } from '../cell/geometry.ts';
import { RemoteError } from '../errors.ts';

/**
 * What the initiator tells a hop within the handshake (8):
 *
 *     version (1) ‖ hop (1: the responder's place on the circuit, from 1, which gives its capacity) ‖ zeros (6)
 */
export type Extensions = { readonly hop: number };

const VERSION = 1;
const RESERVED_LENGTH = EXTENSIONS_LENGTH - 2;

export const encodeExtensions = ({ hop }: Extensions): Uint8Array =>
  new Writer().u8(VERSION).u8(hop).bytes(new Uint8Array(RESERVED_LENGTH)).finish();

/** Throws `bad-version` or `malformed`. */
export const decodeExtensions = (bytes: Uint8Array): Extensions => {
  const reader = new Reader(bytes);
  if (reader.u8() !== VERSION) throw new RemoteError('bad-version');
  const hop = reader.u8();
  if (hop < 1 || hop > MAX_HOPS) throw new RemoteError('malformed', 'a hop that no circuit has');
  if (reader.take(RESERVED_LENGTH).some((byte) => byte !== 0)) throw new RemoteError('malformed', 'not zero');
  reader.end();
  return { hop };
};
