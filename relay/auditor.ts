import { decode, encode } from '#shared/bytes/codec.ts';
import { epochPlan } from '#shared/contribution/epochs.ts';
import type { Outcome } from '#shared/contribution/outcomes.ts';
import { signAudit, MOST_OUTCOMES, type LoopTask } from '#shared/directory/audit.ts';
import type { Consensus } from '#shared/directory/consensus.ts';
import { requestCodec, responseCodec, type DirectoryResponse } from '#shared/directory/messages.ts';
import type { SignKeypair } from '#shared/crypto/sign.ts';
import type { Code } from '#shared/errors.ts';
import { MAX_LOOPS } from '#shared/node/loops.ts';
import type { Command, Handle } from '#shared/node/input.ts';
import type { NodeEvent } from '#shared/node/output.ts';
import type { Millis } from '#shared/units.ts';
import { GuardWatch } from './guard-watch.ts';

type Done = Pick<LoopTask, 'epoch' | 'slot' | 'loop'> & { outcome: Outcome };

/** Loops are asked for so often, or in short slots so many times a slot. */
const POLL_MS: Millis = 1_000;
const POLLS_A_SLOT = 20;

/** Outcomes that wait while the directory is away; what is older it would not take any more. */
const MOST_KEPT = 16 * MOST_OUTCOMES;

export type AuditorParts = {
  /** Signs what it asks; the directory knows the public key. */
  keys: SignKeypair;
  /** Of its own node, which relays nothing. */
  command(command: Command): void;
  timer(delayMs: Millis, run: () => void): () => void;
  /** The directory refused what it asked; once until it takes it again. */
  refused(code: Code): void;
};

/** Takes loops from the directory, has its node run them, and tells what they came to. */
export class Auditor {
  readonly #parts: AuditorParts;
  readonly #running = new Map<Handle, LoopTask>();
  readonly #guards: GuardWatch<Done>;
  /** Not told yet, or told and not known to have come. */
  #done: Done[] = [];
  /** The question under way, and how many of `#done` it tells. */
  #asked: { handle: Handle; telling: number } | undefined;
  #consensus: Consensus | undefined;
  #handle = 0;
  #told: Code | undefined;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(parts: AuditorParts) {
    this.#parts = parts;
    this.#guards = new GuardWatch((nodes) => parts.command({ type: 'avoid', nodes }));
  }

  /** Begins with the first consensus that wants audits. */
  event(event: NodeEvent): void {
    if (this.#stopped) return;
    if (event.type === 'consensus') this.#onConsensus(event.consensus);
    else if (event.type === 'looped') this.#onLooped(event);
    else if (event.type === 'answered' && event.handle === this.#asked?.handle) this.#onAnswer(event.result);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #onConsensus(consensus: Consensus): void {
    this.#consensus = consensus;
    if (!this.#asked && !this.#cancel) this.#ask();
  }

  #ask(): void {
    this.#cancel = undefined;
    if (!this.#consensus || this.#consensus.params.policy === 'off') return;
    const { keys, command } = this.#parts;
    const done = this.#done.slice(0, MOST_OUTCOMES);
    const parts = { room: MAX_LOOPS - this.#running.size, done };
    this.#asked = { handle: this.#next(), telling: done.length };
    command({
      type: 'ask',
      handle: this.#asked.handle,
      purpose: 'audit',
      body: (binding) => encode(requestCodec, signAudit(keys, binding, parts)),
    });
  }

  #onAnswer(result: { body: Uint8Array } | { code: Code }): void {
    const { telling = 0 } = this.#asked ?? {};
    this.#asked = undefined;
    const slotMs = epochPlan(this.#consensus?.params.epochMs ?? POLLS_A_SLOT * POLL_MS).slotMs;
    this.#cancel = this.#parts.timer(Math.min(POLL_MS, slotMs / POLLS_A_SLOT), () => this.#ask());
    const answer = read(result);
    if (!answer) return;
    if (answer.type !== 'loops') return this.#onRefusal('code' in answer ? answer.code : 'unexpected');
    this.#told = undefined;
    this.#done.splice(0, telling);
    for (const task of answer.loops) this.#run(task);
  }

  #onRefusal(code: Code): void {
    if (code !== this.#told) this.#parts.refused(code);
    this.#told = code;
  }

  #run(task: LoopTask): void {
    const handle = this.#next();
    this.#running.set(handle, task);
    const { targets, spanMs, lingerMs } = task;
    this.#parts.command({ type: 'loop', handle, targets, spanMs, lingerMs });
  }

  #onLooped({ handle, outcome, guard }: Extract<NodeEvent, { type: 'looped' }>): void {
    const task = this.#running.get(handle);
    if (!task) return;
    this.#running.delete(handle);
    const { epoch, slot, loop } = task;
    this.#done.push(...this.#guards.take(guard, { epoch, slot, loop, outcome }));
    const { telling = 0 } = this.#asked ?? {};
    if (this.#done.length > MOST_KEPT) this.#done.splice(telling, this.#done.length - MOST_KEPT);
  }

  #next(): Handle {
    this.#handle += 1;
    return this.#handle;
  }
}

/** Undefined where none came, or not whole: it is asked again. */
const read = (result: { body: Uint8Array } | { code: Code }): DirectoryResponse | undefined => {
  if ('code' in result) return undefined;
  try {
    return decode(responseCodec, result.body);
  } catch {
    return undefined;
  }
};
