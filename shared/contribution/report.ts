import { fixed, list, mapped, struct, u32, type Codec } from '../bytes/codec.ts';
import { nodeIdCodec, versioned } from '../bytes/fields.ts';
import type { Reader } from '../bytes/reader.ts';
import { LocalError, RemoteError } from '../errors.ts';
import type { NodeId } from '../units.ts';
import { SLOTS } from './epochs.ts';
import { outcomeCodec, type Outcome } from './outcomes.ts';
import { loopCount, MOST_AUDITED, MOST_REPORTED, SEED_LENGTH, slotTargets } from './plan.ts';
import { atOnce, scoring, type NodeScore, type RanLoop } from './scores.ts';

/** Who was audited in a slot, as ascending places in the report's list of nodes, and how each loop of its plan ended. */
export type SlotReport = { readonly nodes: readonly number[]; readonly outcomes: readonly Outcome[] };

/** How the scores of an epoch came about. */
export type EpochReport = {
  readonly epoch: number;
  readonly seed: Uint8Array;
  readonly nodes: readonly NodeId[];
  readonly slots: readonly SlotReport[];
};

const ascending: Codec<readonly NodeId[]> = mapped(
  list(nodeIdCodec, MOST_REPORTED),
  (nodes) => {
    if (!nodes.every((node, at) => at === 0 || (nodes[at - 1] as NodeId) < node))
      throw new RemoteError('malformed', 'nodes out of order');
    return nodes;
  },
  (nodes) => [...nodes],
);

const readPlaces = (reader: Reader, count: number): number[] => {
  const bits = reader.take(Math.ceil(count / 8));
  const places: number[] = [];
  for (let place = 0; place < 8 * bits.length; place++)
    if ((((bits[place >>> 3] as number) >>> (place & 7)) & 1) === 1) places.push(place);
  if ((places.at(-1) ?? -1) >= count) throw new RemoteError('malformed', 'a place that no node has');
  if (places.length > MOST_AUDITED) throw new RemoteError('oversized', 'too many nodes in one slot');
  return places;
};

const placeBits = (places: readonly number[], count: number): Uint8Array => {
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (const place of places) bits[place >>> 3] = (bits[place >>> 3] as number) | (1 << (place & 7));
  return bits;
};

/** A slot of a report with `count` nodes. */
const slotCodec = (count: number): Codec<SlotReport> => ({
  write(w, { nodes, outcomes }) {
    if (outcomes.length !== loopCount(nodes.length))
      throw new LocalError('internal', 'an outcome of each loop was due');
    w.bytes(placeBits(nodes, count));
    for (const outcome of outcomes) outcomeCodec.write(w, outcome);
  },
  read(r) {
    const nodes = readPlaces(r, count);
    return {
      nodes,
      outcomes: Array.from({ length: loopCount(nodes.length) }, () => outcomeCodec.read(r)),
    };
  },
});

const headCodec = struct({ epoch: u32, seed: fixed(SEED_LENGTH), nodes: ascending });

/**
 * version (1) ‖ epoch (4) ‖ seed of its plan (32) ‖ count (4) ‖ node ids (32 each), ascending ‖ for each of the 12 slots:
 * who was audited, a bit a node, the first node lowest in the first byte (count / 8, rounded up) ‖ outcomes of the loops
 * of that slot's plan (1 each)
 */
export const epochReportCodec: Codec<EpochReport> = versioned(1, {
  write(w, report) {
    headCodec.write(w, report);
    const slot = slotCodec(report.nodes.length);
    for (const each of report.slots) slot.write(w, each);
  },
  read(r) {
    const head = headCodec.read(r);
    const slot = slotCodec(head.nodes.length);
    return { ...head, slots: Array.from({ length: SLOTS }, () => slot.read(r)) };
  },
});

const ranLoops = ({ epoch, seed, slots }: EpochReport, slot: number): RanLoop[] => {
  const { nodes, outcomes } = slots[slot] as SlotReport;
  return slotTargets({ seed, epoch, slot }, nodes).map((targets, at) => ({
    targets,
    outcome: outcomes[at] as Outcome,
  }));
};

/** The scores of a report's nodes, in their order; pauses between pieces of the work. */
export function* recomputing(report: EpochReport): Generator<void, NodeScore[]> {
  const slots: RanLoop[][] = [];
  for (const slot of report.slots.keys()) {
    slots.push(ranLoops(report, slot));
    yield;
  }
  return yield* scoring(report.nodes.length, slots);
}

/** What anybody can work out from a report whose seed is the one that a consensus of the epoch before is committed to. */
export const recompute = (report: EpochReport): NodeScore[] => atOnce(recomputing(report));
