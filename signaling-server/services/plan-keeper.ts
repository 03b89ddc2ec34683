import { decode, encode } from '#shared/bytes/codec.ts';
import { epochAt, epochStart, slotAt, type EpochPlan } from '#shared/contribution/epochs.ts';
import { auditCommitment, SEED_LENGTH, slotPlan, type PlannedLoop } from '#shared/contribution/plan.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Archive, Live } from '../stores/ports.ts';
import { openUntil, planId, slotId, slotNodesCodec } from './audit-documents.ts';
import { isLively } from './compose.ts';

export type PlanKeeperOptions = { live: Live; archive: Archive; epochs: EpochPlan; rng: Rng };

/** The loops of a slot, in the order in which they become due. */
export type SlotLoops = {
  readonly epoch: number;
  readonly slot: number;
  readonly begins: Millis;
  readonly ends: Millis;
  readonly loops: readonly PlannedLoop<NodeId>[];
};

/** A list of nodes that comes later than this part of its slot would have all loops begin at once. */
const LATEST_PART = 0.5;

/**
 * Knows the plan of the running slot. The leader makes what it hangs on: the next epoch's seed, and who is audited in a slot.
 * An epoch whose seed nobody made in the epoch before has no audits, for nothing committed the directory to them.
 */
export class PlanKeeper {
  readonly #options: PlanKeeperOptions;
  /** Of this epoch and the next one. */
  readonly #seeds = new Map<number, Uint8Array>();
  #slot: SlotLoops | undefined;

  constructor(options: PlanKeeperOptions) {
    this.#options = options;
  }

  /** The slot that runs at `now`. */
  slot(now: Millis): SlotLoops | undefined {
    return this.#slot && now >= this.#slot.begins && now < this.#slot.ends ? this.#slot : undefined;
  }

  /** Commits the directory to the seed of the epoch after this one, which is made here unless it stands. */
  async commitment(now: Millis): Promise<Uint8Array> {
    const next = epochAt(now, this.#options.epochs) + 1;
    return auditCommitment(next, await this.#makeSeed(next, now));
  }

  async turn(now: Millis, leads: boolean): Promise<void> {
    const epoch = epochAt(now, this.#options.epochs);
    for (const known of this.#seeds.keys()) if (known < epoch) this.#seeds.delete(known);
    if (leads) await this.#makeSeed(epoch + 1, now);
    const seed = await this.#seed(epoch, now);
    if (seed && !this.slot(now)) await this.#plan(seed, now, leads);
  }

  async #seed(epoch: number, now: Millis): Promise<Uint8Array | undefined> {
    const known = this.#seeds.get(epoch);
    if (known) return known;
    const document = await this.#options.archive.document(planId(epoch), now);
    if (document) this.#seeds.set(epoch, document.bytes);
    return document?.bytes;
  }

  async #makeSeed(epoch: number, now: Millis): Promise<Uint8Array> {
    const standing = await this.#seed(epoch, now);
    if (standing) return standing;
    const { archive, epochs, rng } = this.#options;
    const made = rng(SEED_LENGTH);
    await archive.putDocument({ id: planId(epoch), bytes: made, expires: openUntil(epoch, epochs) });
    return (await this.#seed(epoch, now)) ?? made;
  }

  async #plan(seed: Uint8Array, now: Millis, leads: boolean): Promise<void> {
    const { epochs } = this.#options;
    const [epoch, slot] = [epochAt(now, epochs), slotAt(now, epochs)];
    const begins = epochStart(epoch, epochs) + slot * epochs.slotMs;
    const isEarly = now - begins < LATEST_PART * epochs.slotMs;
    const nodes = await this.#nodes({ epoch, slot }, now, leads && isEarly);
    if (!nodes) return;
    const loops = slotPlan({ seed, epoch, slot }, nodes, epochs);
    this.#slot = { epoch, slot, begins, ends: begins + epochs.slotMs, loops };
  }

  async #nodes(
    { epoch, slot }: { epoch: number; slot: number },
    now: Millis,
    makes: boolean,
  ): Promise<NodeId[] | undefined> {
    const { live, archive, epochs } = this.#options;
    const id = slotId(epoch, slot);
    const standing = await archive.document(id, now);
    if (standing) return decode(slotNodesCodec, standing.bytes);
    if (!makes) return undefined;
    const presences = await live.presences();
    const nodes = presences
      .filter((each) => isLively(each, now))
      .map(({ node }) => node)
      .sort();
    const document = { id, bytes: encode(slotNodesCodec, nodes), expires: openUntil(epoch, epochs) };
    if (await archive.putDocument(document)) return nodes;
    const first = await archive.document(id, now);
    return first && decode(slotNodesCodec, first.bytes);
  }
}
