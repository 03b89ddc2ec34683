import { equal } from '#shared/bytes/bytes.ts';
import { ONIONSKIN_LENGTH, REPLY_LENGTH } from '#shared/cell/geometry.ts';
import { encodeExtensions } from '#shared/handshake/extensions.ts';
import type { Keys, respond } from '#shared/handshake/ntor.ts';

/**
 * A sham handshake costs nothing: `SHAM ‖ hop ‖ zeros`, of an onionskin's length, leads to keys that are known
 * beforehand.
 */
const SHAM = 0xfa;
export const shamKeys: Keys = {
  forward: new Uint8Array(32).fill(1),
  backward: new Uint8Array(32).fill(2),
  binding: new Uint8Array(32).fill(3),
};

export const shamOnionskin = (hop: number): Uint8Array => {
  const onionskin = new Uint8Array(ONIONSKIN_LENGTH);
  onionskin.set([SHAM, hop]);
  return onionskin;
};

/** What a node answers to a sham onionskin; undefined for a real one. */
export const sham = (onionskin: Uint8Array): ReturnType<typeof respond> | undefined => {
  const hop = onionskin[1] ?? 0;
  if (!equal(onionskin, shamOnionskin(hop))) return undefined;
  return { keys: shamKeys, reply: new Uint8Array(REPLY_LENGTH), extensions: encodeExtensions({ hop }) };
};
