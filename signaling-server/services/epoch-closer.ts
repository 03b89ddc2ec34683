import { decode, encode } from '#shared/bytes/codec.ts';
import { closedEpochCodec } from '#shared/contribution/closed.ts';
import { sortEntries } from '#shared/contribution/entries.ts';
import { SLOTS, type EpochPlan } from '#shared/contribution/epochs.ts';
import { field } from '#shared/contribution/field.ts';
import type { Outcome } from '#shared/contribution/outcomes.ts';
import { loopCount } from '#shared/contribution/plan.ts';
import {
  epochReportCodec,
  recomputing,
  type EpochReport,
  type SlotReport,
} from '#shared/contribution/report.ts';
import type { NodeScore } from '#shared/contribution/scores.ts';
import { TreeBuilder, type Entry } from '#shared/contribution/tree.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Logger } from '../log.ts';
import type { Archive } from '../stores/ports.ts';
import {
  closedId,
  closedUntil,
  commitmentsPrefix,
  outcomesCodec,
  outcomesPrefix,
  planId,
  reportId,
  slotId,
  slotNodesCodec,
} from './audit-documents.ts';
import type { Slices } from './slices.ts';

export type EpochCloserOptions = { archive: Archive; epochs: EpochPlan; slices: Slices; log: Logger };

/** Hashes between two looks at the time, some 0.3 ms each. */
const HASHES = 8;

type SlotRecord = { nodes: NodeId[]; outcomes: Map<number, Outcome> };

/**
 * Closes epochs that are over: fixes the report first, which says how the loops ended, then the entries, which follow from
 * the report and the commitments. What is stored first stands, so two that close one epoch end with one report and one root.
 */
export class EpochCloser {
  readonly #options: EpochCloserOptions;

  constructor(options: EpochCloserOptions) {
    this.#options = options;
  }

  /** False, and nothing is stored, when nobody was to be audited in the epoch. */
  async close(epoch: number, now: Millis): Promise<boolean> {
    const { archive, epochs, slices, log } = this.#options;
    const report = await this.#report(epoch, now);
    if (!report) return false;
    const scores = await slices.run(recomputing(report));
    const entries = sortEntries(await this.#entries(report, scores, now));
    const root = await slices.run(buildRoot(entries));
    const bytes = encode(closedEpochCodec, { root, entries });
    await archive.putDocument({ id: closedId(epoch), bytes, expires: closedUntil(epoch, epochs) });
    log.info({ epoch, audited: report.nodes.length, entries: entries.length }, 'the epoch is closed');
    return true;
  }

  async #report(epoch: number, now: Millis): Promise<EpochReport | undefined> {
    const { archive, epochs } = this.#options;
    const id = reportId(epoch);
    const standing = await archive.document(id, now);
    if (standing) return decode(epochReportCodec, standing.bytes);
    const plan = await archive.document(planId(epoch), now);
    if (!plan) return undefined;
    const slots: SlotRecord[] = [];
    for (let slot = 0; slot < SLOTS; slot++) slots.push(await this.#slot(epoch, slot, now));
    if (slots.every(({ nodes }) => nodes.length === 0)) return undefined;
    const report = reportOf(epoch, plan.bytes, slots);
    const bytes = encode(epochReportCodec, report);
    if (await archive.putDocument({ id, bytes, expires: closedUntil(epoch, epochs) })) return report;
    const first = await archive.document(id, now);
    return first && decode(epochReportCodec, first.bytes);
  }

  /** Of a loop that was told of twice, what was stored under the lower id counts. */
  async #slot(epoch: number, slot: number, now: Millis): Promise<SlotRecord> {
    const { archive } = this.#options;
    const document = await archive.document(slotId(epoch, slot), now);
    const outcomes = new Map<number, Outcome>();
    for (const { bytes } of await archive.documents(outcomesPrefix(epoch, slot), now))
      for (const { loop, outcome } of decode(outcomesCodec, bytes))
        if (!outcomes.has(loop)) outcomes.set(loop, outcome);
    return { nodes: document ? decode(slotNodesCodec, document.bytes) : [], outcomes };
  }

  /**
   * A commitment that several nodes told stands once, with the best of their scores: only its owner can prove with it, so
   * whoever copied it has gained nothing, and taken nothing from the owner.
   */
  async #entries(report: EpochReport, scores: NodeScore[], now: Millis): Promise<Entry[]> {
    const prefix = commitmentsPrefix(report.epoch);
    const tiers = new Map(report.nodes.map((node, at) => [node as string, scores[at]?.tier]));
    const best = new Map<bigint, number>();
    for (const { id, bytes } of await this.#options.archive.documents(prefix, now)) {
      const commitment = decode(field, bytes);
      const tier = tiers.get(id.slice(prefix.length));
      if (tier !== undefined) best.set(commitment, Math.max(tier, best.get(commitment) ?? 0));
    }
    return [...best].map(([commitment, score]) => ({ commitment, score }));
  }
}

const UNRUN: Outcome = { kind: 'unrun' };

const reportOf = (epoch: number, seed: Uint8Array, slots: SlotRecord[]): EpochReport => {
  const nodes = [...new Set(slots.flatMap((slot) => slot.nodes))].sort();
  const places = new Map(nodes.map((node, place) => [node, place]));
  const slotOf = (slot: SlotRecord): SlotReport => ({
    nodes: slot.nodes.map((node) => places.get(node) as number),
    outcomes: Array.from(
      { length: loopCount(slot.nodes.length) },
      (_, loop) => slot.outcomes.get(loop) ?? UNRUN,
    ),
  });
  return { epoch, seed, nodes, slots: slots.map(slotOf) };
};

function* buildRoot(entries: readonly Entry[]): Generator<void, bigint> {
  const builder = new TreeBuilder(entries);
  while (!builder.step(HASHES)) yield;
  return builder.finish().root;
}
