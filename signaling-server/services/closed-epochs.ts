import { decode } from '#shared/bytes/codec.ts';
import { CLOSED_ROOT_LENGTH, closedEpochCodec } from '#shared/contribution/closed.ts';
import { epochAt, type EpochPlan } from '#shared/contribution/epochs.ts';
import { closeTime } from '#shared/contribution/plan.ts';
import { epochReportCodec, recomputing } from '#shared/contribution/report.ts';
import type { NodeScore } from '#shared/contribution/scores.ts';
import type { AuditResult } from '#shared/directory/audit.ts';
import { RemoteError } from '#shared/errors.ts';
import type { DirectoryResponse } from '#shared/directory/messages.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Archive } from '../stores/ports.ts';
import { CLOSED_EPOCHS, closedId, reportId } from './audit-documents.ts';
import type { RequestOf, Service } from './context.ts';
import type { Slices } from './slices.ts';

export type ClosedEpochsOptions = { archive: Archive; epochs: EpochPlan; slices: Slices };

export type LastClosed = { readonly epoch: number; readonly root: Uint8Array };

/** An epoch that was not closed while the one after it ran may still be, as long as the next one does. */
export const CLOSED_LATE = 2;

const NONE_YET: LastClosed = { epoch: 0, root: new Uint8Array(CLOSED_ROOT_LENGTH) };

/** Knows the last epoch that is closed, and what came of it for each node. */
export class ClosedEpochs {
  readonly #options: ClosedEpochsOptions;
  #last = NONE_YET;
  #loaded = false;
  #scored = NONE_YET.epoch;
  #scores: ReadonlyMap<NodeId, NodeScore> = new Map();

  constructor(options: ClosedEpochsOptions) {
    this.#options = options;
  }

  /** Epoch 0 before there is one. */
  async last(now: Millis): Promise<LastClosed> {
    if (!this.#loaded) await this.#look(CLOSED_EPOCHS, now);
    this.#loaded = true;
    return this.#last;
  }

  /** What a node's heartbeat is answered with. */
  result(node: NodeId): AuditResult {
    const { tested = 0, passed = 0, fault } = this.#scores.get(node) ?? {};
    return { epoch: this.#scored, tested, passed, fault };
  }

  async turn(now: Millis): Promise<void> {
    await this.last(now);
    await this.#look(CLOSED_LATE, now);
    if (this.#scored !== this.#last.epoch) await this.#score(this.#last.epoch, now);
  }

  /** The latest one of so many epochs back that comes after the one that is known. */
  async #look(back: number, now: Millis): Promise<void> {
    const { archive, epochs } = this.#options;
    const current = epochAt(now, epochs);
    for (let epoch = current - 1; epoch >= current - back && epoch > this.#last.epoch; epoch--) {
      if (now < closeTime(epoch, epochs)) continue;
      const document = await archive.document(closedId(epoch), now);
      if (!document) continue;
      this.#last = { epoch, root: document.bytes.slice(0, CLOSED_ROOT_LENGTH) };
      return;
    }
  }

  async #score(epoch: number, now: Millis): Promise<void> {
    const { archive, slices } = this.#options;
    const document = await archive.document(reportId(epoch), now);
    const report = document && decode(epochReportCodec, document.bytes);
    const scores = report ? await slices.run(recomputing(report)) : [];
    this.#scores = new Map(report?.nodes.map((node, at) => [node, scores[at] as NodeScore]));
    this.#scored = epoch;
  }
}

/** The entries of an epoch's tree. Most ask for the same ones, the latest: those are kept. */
export class Leaves implements Service<'leaves'> {
  readonly #archive: Archive;
  #latest: { epoch: number; answer: DirectoryResponse } | undefined;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Throws `not-found`. */
  async handle({ epoch }: RequestOf<'leaves'>, _circuit: unknown, now: Millis): Promise<DirectoryResponse> {
    if (this.#latest?.epoch === epoch) return this.#latest.answer;
    const document = await this.#archive.document(closedId(epoch), now);
    if (!document) throw new RemoteError('not-found');
    const answer = { type: 'leaves' as const, entries: decode(closedEpochCodec, document.bytes).entries };
    if (epoch > (this.#latest?.epoch ?? 0)) this.#latest = { epoch, answer };
    return answer;
  }
}

/** How the scores of an epoch came about. */
export class Report implements Service<'report'> {
  readonly #archive: Archive;

  constructor(archive: Archive) {
    this.#archive = archive;
  }

  /** Throws `not-found`. */
  async handle({ epoch }: RequestOf<'report'>, _circuit: unknown, now: Millis): Promise<DirectoryResponse> {
    const document = await this.#archive.document(reportId(epoch), now);
    if (!document) throw new RemoteError('not-found');
    return { type: 'report', bytes: document.bytes };
  }
}
