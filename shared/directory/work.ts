import { text } from '../bytes/bytes.ts';
import { encode, u64 } from '../bytes/codec.ts';
import { sha256 } from '../crypto/kdf.ts';
import { nodeIdBytes, type NodeId } from '../units.ts';

const LABEL = text('hourglass admission work 1');

/** More work than a tab can do while the directory waits for it: none asks for more, and none begins it. */
export const MOST_WORK_BITS = 28;

/** What the work is for: one node's registration on one circuit. It can't be done ahead, nor for another. */
export type WorkPlace = { binding: Uint8Array; node: NodeId };

/** Leading zero bits of SHA-256( label ‖ binding (32) ‖ node id (32) ‖ work (8) ). */
export const workBits = ({ binding, node }: WorkPlace, work: number): number => {
  const hash = sha256(LABEL, binding, nodeIdBytes(node), encode(u64, work));
  const whole = hash.findIndex((byte) => byte !== 0);
  return whole < 0 ? hash.length * 8 : whole * 8 + Math.clz32(hash[whole] ?? 0) - 24;
};

/** Tries `count` numbers from `from` on: the first that shows `bits`, or where to go on. */
export const searchWork = (
  place: WorkPlace,
  bits: number,
  from: number,
  count: number,
): { work: number } | { next: number } => {
  for (let work = from; work < from + count; work++) {
    if (workBits(place, work) >= bits) return { work };
  }
  return { next: from + count };
};
