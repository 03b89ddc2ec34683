import { type Codec, choice, decode, encode, struct, u32, u64 } from '../bytes/codec.ts';

/**
 * The body of a KEEPALIVE cell, 17 bytes:
 *
 *     kind (1: 0 ack | 1 ping | 2 pong) ‖ received (8) ‖ held (4, µs) ‖ token (4)
 *
 * Every kind acknowledges: `received` counts all cells but KEEPALIVE ones that came over the link so far, and `held`
 * is how long ago the last of them came, so that the other side can take that time out of its measurement.
 * A pong carries the token of a ping, and then `held` is the time since that ping; in an ack the token is 0.
 */
export type Keepalive = { kind: 'ack' | 'ping' | 'pong'; received: number; heldUs: number; token: number };

const MOST_HELD_US = 0xffffffff;

const codec: Codec<Keepalive> = struct({
  kind: choice(['ack', 'ping', 'pong']),
  received: u64,
  heldUs: u32,
  token: u32,
});

export const encodeKeepalive = (keepalive: Keepalive): Uint8Array => encode(codec, keepalive);

/** Throws `malformed`. */
export const decodeKeepalive = (body: Uint8Array): Keepalive => decode(codec, body);

export const heldUs = (heldMs: number): number =>
  Math.min(MOST_HELD_US, Math.max(0, Math.round(heldMs * 1000)));
