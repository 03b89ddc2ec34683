import { list, struct, u16 } from '#shared/bytes/codec.ts';
import { nodeIdCodec } from '#shared/bytes/fields.ts';
import { epochStart, type EpochPlan } from '#shared/contribution/epochs.ts';
import { outcomeCodec } from '#shared/contribution/outcomes.ts';
import { MOST_AUDITED } from '#shared/contribution/plan.ts';
import { MOST_OUTCOMES } from '#shared/directory/audit.ts';
import type { Millis, NodeId } from '#shared/units.ts';

/** Documents of an audit, each fixed once it is stored. Seed of an epoch's plan: 32 bytes. */
export const planId = (epoch: number): string => `plan/${String(epoch)}`;

/** Who is audited in a slot. */
export const slotId = (epoch: number, slot: number): string => `slot/${String(epoch)}/${String(slot)}`;
/** count (2) ‖ node ids (32 each), ascending. */
export const slotNodesCodec = list(nodeIdCodec, MOST_AUDITED);

/** What auditors said of an epoch's loops. */
export const outcomesPrefix = (epoch: number, slot: number): string =>
  `outcomes/${String(epoch)}/${String(slot)}/`;
/** count (2) ‖ loops: number (2) ‖ outcome (1). */
export const outcomesCodec = list(struct({ loop: u16, outcome: outcomeCodec }), MOST_OUTCOMES);

/** What a node told of its contribution secret: 32 bytes. */
export const commitmentsPrefix = (epoch: number): string => `commitment/${String(epoch)}/`;
export const commitmentId = (epoch: number, node: NodeId): string => commitmentsPrefix(epoch) + node;

/** `closedEpochCodec`. */
export const closedId = (epoch: number): string => `epoch/${String(epoch)}`;
/** `epochReportCodec`. */
export const reportId = (epoch: number): string => `report/${String(epoch)}`;

/** Epochs after its end for which there is what an epoch is closed with, and what came of it. */
const OPEN_EPOCHS = 3;
export const CLOSED_EPOCHS = 25;

export const openUntil = (epoch: number, epochs: EpochPlan): Millis =>
  epochStart(epoch + 1 + OPEN_EPOCHS, epochs);

export const closedUntil = (epoch: number, epochs: EpochPlan): Millis =>
  epochStart(epoch + 1 + CLOSED_EPOCHS, epochs);
