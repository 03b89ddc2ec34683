import type { AuditResult } from '#shared/directory/audit.ts';
import type { Millis } from '#shared/units.ts';
import type { HeartbeatView } from '#web/api-helping.ts';

/** As many as the ring of the helping view has ticks. */
const KEPT = 60;

/** What the directory said to this node's heartbeats. */
export class Heartbeats {
  #last: HeartbeatView[] = [];
  #result: AuditResult | undefined;

  /** The oldest first. */
  get last(): HeartbeatView[] {
    return this.#last;
  }

  /** Of the last audited epoch. */
  get result(): AuditResult | undefined {
    return this.#result;
  }

  add(at: Millis, outcome: HeartbeatView['outcome'], result: AuditResult | undefined): void {
    this.#last = [...this.#last, { at, outcome }].slice(-KEPT);
    // Epoch 0 stands for none.
    if (result && result.epoch > 0) this.#result = result;
  }
}
