import { epochAt, type EpochPlan } from '#shared/contribution/epochs.ts';
import { fieldBytes } from '#shared/contribution/field.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Archive } from '../stores/ports.ts';
import { commitmentId, openUntil } from './audit-documents.ts';

export type CommitmentsOptions = { archive: Archive; epochs: EpochPlan; failed(error: unknown): void };

/** Keeps the first commitment of a node and epoch. */
export class Commitments {
  readonly #options: CommitmentsOptions;
  /** Of whom this process knows that it stands, by epoch. */
  readonly #known = new Map<number, Set<NodeId>>();

  constructor(options: CommitmentsOptions) {
    this.#options = options;
  }

  /** A commitment for another epoch than the clock's, give or take the grace, is passed over. Failing is no fault of the node's. */
  async keep(node: NodeId, epoch: number, commitment: bigint, now: Millis): Promise<void> {
    const { archive, epochs, failed } = this.#options;
    const [first, last] = [epochAt(now - epochs.graceMs, epochs), epochAt(now + epochs.graceMs, epochs)];
    for (const known of this.#known.keys()) if (known < first) this.#known.delete(known);
    if (epoch < first || epoch > last) return;
    const known = this.#known.get(epoch) ?? new Set<NodeId>();
    this.#known.set(epoch, known);
    if (known.has(node)) return;
    const document = {
      id: commitmentId(epoch, node),
      bytes: fieldBytes(commitment),
      expires: openUntil(epoch, epochs),
    };
    try {
      await archive.putDocument(document);
      known.add(node);
    } catch (error) {
      failed(error);
    }
  }
}
