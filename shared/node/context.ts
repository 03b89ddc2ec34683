import type { Rng } from '../crypto/rng.ts';
import { codeOf, type Code } from '../errors.ts';
import type { Millis, NodeId } from '../units.ts';
import { CoverMeter } from './cover-meter.ts';
import type { Handle } from './input.ts';
import { Jobs } from './jobs.ts';
import type { NodeEvent, Output, RespondJob } from './output.ts';
import { Timers } from './timers.ts';

/** The keys of one node, or of the directory. Seeds come from the driver. */
export type NodeKeys = {
  id: NodeId;
  idBytes: Uint8Array;
  secret: Uint8Array;
  onion: { secret: Uint8Array; public: Uint8Array };
  signalling: { secret: Uint8Array; public: Uint8Array };
};

export type Responded = {
  keys: { forward: Uint8Array; backward: Uint8Array; binding: Uint8Array };
  reply: Uint8Array;
  extensions: Uint8Array;
};

/** Handshake answers that may be under way at once; a further one is refused. */
const MAX_JOBS = 128;

/** What every part of one node shares: time, entropy, outputs, deadlines, handles and slow jobs. */
export class Context {
  readonly rng: Rng;
  readonly timers = new Timers();
  /** Answers to the outputs `work`, `ticket` and `verify`. */
  readonly works = new Jobs<number>(this);
  readonly tickets = new Jobs<Uint8Array | undefined>(this);
  readonly checks = new Jobs<boolean>(this);
  /** What cover costs. */
  readonly cover = new CoverMeter();
  readonly trace: boolean;
  now: Millis;
  #outputs: Output[] = [];
  #changed = false;
  #handle = 0;
  readonly #jobs = new Map<number, (result: Responded | { code: Code }) => void>();

  constructor(rng: Rng, now: Millis, trace: boolean) {
    this.rng = rng;
    this.now = now;
    this.trace = trace;
  }

  /** Handshake answers under way. */
  get jobs(): number {
    return this.#jobs.size;
  }

  handle(): Handle {
    this.#handle += 1;
    return this.#handle;
  }

  out(output: Output): void {
    this.#outputs.push(output);
  }

  event(event: NodeEvent): void {
    this.out({ type: 'event', event });
  }

  /** Views are read anew once per input, however much changed. */
  changed(): void {
    this.#changed = true;
  }

  drain(): Output[] {
    if (this.#changed) this.event({ type: 'changed' });
    this.#changed = false;
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  after(name: string, delayMs: Millis, run: () => void): void {
    this.timers.set(name, this.now + delayMs, run);
  }

  /** False when too many are under way. */
  respond(task: RespondJob, done: (result: Responded | { code: Code }) => void): boolean {
    if (this.#jobs.size >= MAX_JOBS) return false;
    const job = this.handle();
    this.#jobs.set(job, done);
    this.out({ type: 'respond', job, task });
    return true;
  }

  responded(job: number, result: Responded | { code: Code }): void {
    const done = this.#jobs.get(job);
    this.#jobs.delete(job);
    done?.(result);
  }

  /** Runs what nothing may be thrown out of: an exception that gets here is a fault of this program. */
  contain(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.event({ type: 'fault', error });
    }
  }

  /** Runs what a stranger's bytes lead to; whatever it throws becomes a code. */
  guard(run: () => void, failed: (code: Code) => void): void {
    try {
      run();
    } catch (error) {
      const code = codeOf(error);
      if (code === 'internal') this.event({ type: 'fault', error });
      failed(code);
    }
  }
}
