import { equal, hex } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import type { EpochPlan } from '#shared/contribution/epochs.ts';
import type { Outcome } from '#shared/contribution/outcomes.ts';
import { closeTime, type PlannedLoop } from '#shared/contribution/plan.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { MOST_LOOPS, type LoopTask } from '#shared/directory/audit.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Archive, Live } from '../stores/ports.ts';
import { openUntil, outcomesCodec, outcomesPrefix } from './audit-documents.ts';
import type { PlanKeeper, SlotLoops } from './plan-keeper.ts';

export type LoopsOptions = {
  live: Live;
  archive: Archive;
  epochs: EpochPlan;
  rng: Rng;
  plans: PlanKeeper;
  /** A loop could not be claimed, since the store is away. */
  failed(error: unknown): void;
};

type LoopRef = Pick<LoopTask, 'epoch' | 'slot' | 'loop'>;
type Done = LoopRef & { outcome: Outcome };

/** Of a process, and of a document: what two may not draw alike. */
const NAME_LENGTH = 16;

const placeOf = ({ slot, loop }: LoopRef): number => slot * 2 ** 16 + loop;

/**
 * Hands the loops that are due to auditors, each to one of all processes', and keeps what came of them. Which auditor
 * has a loop only the process knows that gave it: with the process or the auditor the loop is lost, and counts nothing.
 */
export class Loops {
  readonly #options: LoopsOptions;
  /** What this process claims loops for. */
  readonly #name: Uint8Array;
  #slot: SlotLoops | undefined;
  /** Numbers of the slot's loops that this process has not tried to claim, in the order in which they become due. */
  #waiting: number[] = [];
  /** Who has which loop of an epoch. */
  readonly #handed = new Map<number, Map<number, string>>();

  constructor(options: LoopsOptions) {
    this.#options = options;
    this.#name = options.rng(NAME_LENGTH);
  }

  /** At most `room` loops that are due now. */
  async hand(auditor: string, room: number, now: Millis): Promise<LoopTask[]> {
    const slot = this.#options.plans.slot(now);
    if (!slot) return [];
    if (slot !== this.#slot) {
      this.#slot = slot;
      this.#waiting = [...slot.loops.keys()];
    }
    const most = Math.min(room, MOST_LOOPS);
    const tasks: LoopTask[] = [];
    let goesOn = true;
    while (goesOn && tasks.length < most) {
      const due = this.#takeDue(slot, most - tasks.length, now);
      const { won, lost } = await this.#claim(slot, due);
      tasks.push(...won.map((loop) => taskOf(slot, loop)));
      goesOn = due.length > 0 && !lost;
    }
    for (const task of tasks) this.#of(task.epoch).set(placeOf(task), auditor);
    return tasks;
  }

  /** Keeps the outcomes of loops that this auditor has, each once. Throws `storage`: then they are still the auditor's to tell. */
  async keep(auditor: string, done: readonly Done[], now: Millis): Promise<void> {
    this.#forget(now);
    const bySlot = new Map<string, Done[]>();
    for (const each of done) {
      const handed = this.#handed.get(each.epoch);
      if (handed?.get(placeOf(each)) !== auditor) continue;
      handed.delete(placeOf(each));
      const prefix = outcomesPrefix(each.epoch, each.slot);
      bySlot.set(prefix, [...(bySlot.get(prefix) ?? []), each]);
    }
    const stored = await Promise.allSettled(
      [...bySlot].map(([prefix, outcomes]) => this.#store(auditor, prefix, outcomes)),
    );
    for (const each of stored) if (each.status === 'rejected') throw each.reason;
  }

  #of(epoch: number): Map<number, string> {
    const handed = this.#handed.get(epoch) ?? new Map<number, string>();
    this.#handed.set(epoch, handed);
    return handed;
  }

  #takeDue({ loops, begins }: SlotLoops, most: number, now: Millis): number[] {
    const due = this.#waiting.findIndex((loop) => begins + (loops[loop] as PlannedLoop<NodeId>).dueMs > now);
    return this.#waiting.splice(0, Math.min(most, due < 0 ? this.#waiting.length : due));
  }

  /** What the store didn't answer for waits again. */
  async #claim(slot: SlotLoops, loops: number[]): Promise<{ won: number[]; lost: boolean }> {
    const { live, epochs, failed } = this.#options;
    const prefix = `loop/${String(slot.epoch)}/${String(slot.slot)}/`;
    const claims = await Promise.allSettled(
      loops.map((loop) => live.claim(prefix + String(loop), this.#name, epochs.epochMs)),
    );
    const won: number[] = [];
    const again: number[] = [];
    for (const [at, claim] of claims.entries()) {
      if (claim.status === 'rejected') again.push(loops[at] as number);
      else if (equal(claim.value, this.#name)) won.push(loops[at] as number);
    }
    if (again.length > 0 && this.#slot === slot) this.#waiting = [...again, ...this.#waiting];
    const refusal = claims.find((claim) => claim.status === 'rejected');
    if (refusal) failed(refusal.reason);
    return { won, lost: refusal !== undefined };
  }

  async #store(auditor: string, prefix: string, outcomes: Done[]): Promise<void> {
    const { archive, epochs, rng } = this.#options;
    const { epoch } = outcomes[0] as Done;
    try {
      await archive.putDocument({
        id: prefix + hex(rng(NAME_LENGTH)),
        bytes: encode(outcomesCodec, outcomes),
        expires: openUntil(epoch, epochs),
      });
    } catch (error) {
      for (const each of outcomes) this.#of(epoch).set(placeOf(each), auditor);
      throw error;
    }
  }

  /** Of a closed epoch nothing is taken any more. */
  #forget(now: Millis): void {
    for (const epoch of this.#handed.keys())
      if (now >= closeTime(epoch, this.#options.epochs)) this.#handed.delete(epoch);
  }
}

const taskOf = ({ epoch, slot, loops }: SlotLoops, loop: number): LoopTask => {
  const { targets, spanMs, lingerMs } = loops[loop] as PlannedLoop<NodeId>;
  return { epoch, slot, loop, targets, spanMs, lingerMs };
};
