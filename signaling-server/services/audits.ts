import { epochAt, type EpochPlan } from '#shared/contribution/epochs.ts';
import { closeTime } from '#shared/contribution/plan.ts';
import { hex } from '#shared/bytes/bytes.ts';
import { verifyAudit, type AuditResult } from '#shared/directory/audit.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import { RemoteError } from '#shared/errors.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { Archive, Live } from '../stores/ports.ts';
import { CLOSED_LATE, ClosedEpochs } from './closed-epochs.ts';
import { Commitments } from './commitments.ts';
import { Complaint } from './complaint.ts';
import type { Standing } from './compose.ts';
import type { Circuit, RequestOf, Service } from './context.ts';
import { EpochCloser } from './epoch-closer.ts';
import { Loops } from './loops.ts';
import { PlanKeeper } from './plan-keeper.ts';
import { Slices } from './slices.ts';

export type AuditsOptions = {
  live: Live;
  archive: Archive;
  clock: Clock;
  log: Logger;
  epochs: EpochPlan;
  /** Nothing is audited otherwise. */
  isOn: boolean;
  /** Public keys of this process's auditors, in hex. */
  rng: Rng;
  auditorKeys: readonly string[];
  /** Whether this process makes what all processes share. */
  leads(): boolean;
};

const MOST_TICK_MS: Millis = 1_000;
const TICKS_A_SLOT = 20;
const NOTHING = new Uint8Array(32);

/**
 * Has the nodes audited: plans the loops, hands them to auditors, keeps the outcomes, closes the epochs. Processes share it
 * all through documents, that each looks for at its own tick; what fails in a tick is tried again in the next one.
 */
export class Audits implements Service<'audit'> {
  readonly #options: AuditsOptions;
  readonly #keys: ReadonlySet<string>;
  readonly #slices: Slices;
  readonly #plans: PlanKeeper;
  readonly #loops: Loops;
  readonly #commitments: Commitments;
  readonly #closed: ClosedEpochs;
  readonly #closer: EpochCloser;
  readonly #complaint: Complaint;
  #closing: Promise<void> | undefined;
  /** Up to this epoch there is none that could still be closed. */
  #settled = 0;
  #attempt: Promise<void> = Promise.resolve();
  #cancel: (() => void) | undefined;
  #running = false;

  constructor(options: AuditsOptions) {
    const { live, archive, clock, log, epochs, rng } = options;
    this.#options = options;
    this.#keys = new Set(options.auditorKeys);
    this.#complaint = new Complaint(clock, log, 'audits are held up');
    const failed = this.#complaint.say;
    this.#slices = new Slices(clock);
    this.#plans = new PlanKeeper({ live, archive, epochs, rng });
    this.#loops = new Loops({ live, archive, epochs, rng, plans: this.#plans, failed });
    this.#commitments = new Commitments({ archive, epochs, failed });
    this.#closed = new ClosedEpochs({ archive, epochs, slices: this.#slices });
    this.#closer = new EpochCloser({ archive, epochs, slices: this.#slices, log });
  }

  /** The first turn is done when it resolves. */
  async start(): Promise<void> {
    this.#running = this.#options.isOn;
    if (this.#running) await this.#tick();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#cancel?.();
    this.#slices.stop();
    await this.#attempt;
    await this.#closing;
  }

  /** What the next consensus states of audits. Throws `storage`. */
  async standing(now: Millis): Promise<Omit<Standing, 'tokenKey'>> {
    if (!this.#options.isOn) return { contributionEpoch: 0, contributionRoot: NOTHING, auditPlan: NOTHING };
    const { epoch, root } = await this.#closed.last(now);
    return {
      contributionEpoch: epoch,
      contributionRoot: root,
      auditPlan: await this.#plans.commitment(now),
    };
  }

  /** Keeps what a node's heartbeat commits it to, and answers with what its own last audited epoch came to. */
  async beat(
    node: NodeId,
    { epoch, commitment }: Pick<RequestOf<'heartbeat'>, 'epoch' | 'commitment'>,
    now: Millis,
  ): Promise<AuditResult> {
    if (this.#options.isOn && commitment !== undefined)
      await this.#commitments.keep(node, epoch, commitment, now);
    return this.#closed.result(node);
  }

  /** Throws `refused` or `bad-signature`. */
  async handle(request: RequestOf<'audit'>, circuit: Circuit, now: Millis): Promise<DirectoryResponse> {
    const auditor = hex(request.key);
    if (!this.#keys.has(auditor)) throw new RemoteError('refused');
    if (!verifyAudit(circuit.binding, request)) throw new RemoteError('bad-signature');
    await this.#loops.keep(auditor, request.done, now);
    return { type: 'loops', loops: await this.#loops.hand(auditor, request.room, now) };
  }

  #tick(): Promise<void> {
    const tickMs = Math.min(MOST_TICK_MS, this.#options.epochs.slotMs / TICKS_A_SLOT);
    this.#attempt = this.#turn()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        if (this.#running) this.#cancel = this.#options.clock.after(tickMs, () => void this.#tick());
      });
    return this.#attempt;
  }

  #failed(error: unknown): void {
    if (this.#running) this.#complaint.say(error);
  }

  async #turn(): Promise<void> {
    const now = this.#options.clock.now();
    const leads = this.#options.leads();
    await this.#plans.turn(now, leads);
    await this.#closed.turn(now);
    if (!leads || this.#closing) return;
    const epoch = await this.#due(now);
    if (epoch !== undefined) this.#closing = this.#close(epoch, now);
  }

  /** The first epoch that is over and not closed, and could be. */
  async #due(now: Millis): Promise<number | undefined> {
    const { epochs } = this.#options;
    const current = epochAt(now, epochs);
    const { epoch: last } = await this.#closed.last(now);
    const first = Math.max(last, this.#settled, current - CLOSED_LATE - 1) + 1;
    return first < current && now >= closeTime(first, epochs) ? first : undefined;
  }

  /** Goes on beside the ticks, so that a slot begins in time while a tree is built. */
  async #close(epoch: number, now: Millis): Promise<void> {
    try {
      if (!(await this.#closer.close(epoch, now))) this.#settled = epoch;
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#closing = undefined;
    }
  }
}
