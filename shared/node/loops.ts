import type { Outcome } from '../contribution/outcomes.ts';
import type { Consensus } from '../directory/consensus.ts';
import type { Millis, NodeId } from '../units.ts';
import type { Context } from './context.ts';
import type { Handle } from './input.ts';
import { Loop, type LoopTask } from './loop.ts';
import type { Origins } from './origins.ts';
import type { Paths } from './paths.ts';

/** Loops that run at once. */
export const MAX_LOOPS = 64;
/** Loops that are over, and whose circuits still stand: the oldest ends before its time when there are more. */
const MAX_LINGERING = 384;

/** The first hops take few handshakes at once. */
const APART_MS: Millis = 200;

const TICK_MS: Millis = 500;
/** A tick that comes so much later shows that this machine was busy or asleep. */
const STALL_MS: Millis = 1_000;

type Parts = {
  context: Context;
  origins: Origins;
  paths: Paths;
  consensus(): Consensus | undefined;
};

/** The loops of an auditor. */
export class Loops {
  readonly #parts: Parts;
  readonly #running = new Map<Loop, Handle>();
  readonly #lingering = new Set<Loop>();
  #nextAt: Millis = 0;
  #tickDue: Millis = Infinity;
  #stalledAt: Millis = -Infinity;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Answered by `looped`, once. */
  run(handle: Handle, task: LoopTask): void {
    const { context } = this.#parts;
    if (this.#running.size >= MAX_LOOPS) return this.#tell(handle, { kind: 'unrun' }, undefined);
    const loop = new Loop(
      {
        ...this.#parts,
        ran: (each, outcome) => this.#ran(each, outcome),
        over: (each) => void this.#lingering.delete(each),
      },
      task,
    );
    this.#running.set(loop, handle);
    this.#nextAt = Math.max(context.now, this.#nextAt + APART_MS);
    context.after(`loops:${String(handle)}`, this.#nextAt - context.now, () => loop.start());
    if (this.#tickDue === Infinity) this.#tickLater();
  }

  stop(): void {
    for (const [loop, handle] of [...this.#running]) {
      this.#parts.context.timers.clear(`loops:${String(handle)}`);
      loop.cancel();
    }
    for (const loop of [...this.#lingering]) loop.stop();
  }

  #ran(loop: Loop, outcome: Outcome): void {
    const handle = this.#running.get(loop);
    if (handle === undefined) return;
    this.#running.delete(loop);
    this.#lingering.add(loop);
    const [oldest] = this.#lingering;
    if (oldest && this.#lingering.size > MAX_LINGERING) oldest.stop();
    // What this machine slept through says nothing of others.
    const slept = this.#stalledAt >= loop.startedAt || this.#parts.context.now > this.#tickDue + STALL_MS;
    this.#tell(handle, slept && outcome.kind === 'failed' ? { kind: 'unrun' } : outcome, loop.guard);
  }

  #tell(handle: Handle, outcome: Outcome, guard: NodeId | undefined): void {
    this.#parts.context.event({ type: 'looped', handle, outcome, guard });
  }

  #tickLater(): void {
    const { context } = this.#parts;
    this.#tickDue = this.#running.size > 0 ? context.now + TICK_MS : Infinity;
    if (this.#tickDue === Infinity) return;
    context.after('loops', TICK_MS, () => {
      if (context.now > this.#tickDue + STALL_MS) this.#stalledAt = context.now;
      this.#tickLater();
    });
  }
}
