import { uniform, uniformBetween } from '../crypto/rng.ts';
import type { Consensus } from '../directory/consensus.ts';
import { signDescriptor } from '../directory/descriptor.ts';
import { signHeartbeat, signLeave, signRegister } from '../directory/messages.ts';
import { MOST_WORK_BITS } from '../directory/work.ts';
import type { Millis } from '../units.ts';
import type { Context } from './context.ts';
import { refusal, type DirectoryCircuit } from './directory-circuit.ts';
import type { KeyRing } from './keys.ts';

/** Heartbeats come at random times in this span. */
const BEAT_LEAST_MS: Millis = 15_000;
const BEAT_MOST_MS: Millis = 45_000;

/** In a smaller network a node registers at once: waiting would hide it among nobody. */
const DELAY_FROM_NODES = 8;

const RETRY_MS: Millis = 2000;

/** A directory that has no time is asked again after up to this. */
const LATER_MS: Millis = 10_000;

/** A heartbeat that is not acknowledged by then goes over another circuit. */
const ANSWER_MS: Millis = 5000;

type Parts = {
  context: Context;
  keys: KeyRing;
  headless: boolean;
  family: Uint8Array | undefined;
  consensus(): Consensus | undefined;
  /** Circuits carried over the most, 0 to 255. */
  load(): number;
};

/** Lists this node in the consensus while relaying is on, and shows by heartbeats that it is there. */
export class Registration {
  readonly #parts: Parts;
  #on = false;
  #circuit: DirectoryCircuit | undefined;
  #registered = false;
  #counter = 0;
  /** What was last shown on this circuit; no search goes over the same numbers again. */
  #work = 0;
  /** The search under way. */
  #job: number | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get on(): boolean {
    return this.#on;
  }

  get registered(): boolean {
    return this.#registered;
  }

  relay(on: boolean): void {
    if (on === this.#on) return;
    if (!on) this.#leave();
    this.#on = on;
    if (on) this.#registerIn(this.#delay());
  }

  onMain(circuit: DirectoryCircuit | undefined): void {
    this.#circuit = circuit;
    this.#work = 0;
    this.#endWork();
    this.#set(false);
    this.#parts.context.timers.clear('heartbeat');
    // Who was registered before comes back at once: its descriptor is known already.
    if (circuit && this.#on) this.#registerIn(this.#counter > 0 ? 0 : this.#delay());
  }

  /** The work that was asked for is done. */
  worked(job: number, work: number): void {
    if (job !== this.#job) return;
    this.#job = undefined;
    this.#work = work;
    this.#register();
  }

  /** The descriptor is not what it was. */
  renew(): void {
    if (this.#on && this.#circuit) this.#registerIn(0);
  }

  #delay(): Millis {
    const consensus = this.#parts.consensus();
    if (!consensus || consensus.nodes.length < DELAY_FROM_NODES) return 0;
    return uniform(this.#parts.context.rng, consensus.params.registrationDelayMs + 1);
  }

  #registerIn(delayMs: Millis): void {
    this.#parts.context.after('register', delayMs, () => this.#register());
  }

  #register(): void {
    const { context, keys, headless, family } = this.#parts;
    const circuit = this.#circuit;
    // A search under way registers once it is done.
    if (!circuit || !this.#on || this.#job !== undefined) return;
    const descriptor = signDescriptor(keys.secret, {
      id: keys.id,
      onionKey: keys.onionKey,
      signallingKey: keys.signallingKey,
      capabilities: { headless, reachable: true },
      family,
      published: context.now,
    });
    circuit.request(signRegister(keys.secret, circuit.binding, descriptor, this.#work), (answer) => {
      if (circuit !== this.#circuit || !this.#on) return;
      if ('bits' in answer && answer.bits <= MOST_WORK_BITS) return this.#search(circuit, answer.bits);
      const code = refusal(answer);
      if (code === 'try-later') return this.#registerIn(uniformBetween(context.rng, RETRY_MS, LATER_MS));
      if (code !== undefined || 'bits' in answer) return this.#registerIn(RETRY_MS);
      this.#counter += 1;
      this.#set(true);
      this.#beatLater();
    });
  }

  #search({ binding }: DirectoryCircuit, bits: number): void {
    const { context, keys } = this.#parts;
    this.#job = context.handle();
    const task = { place: { binding, node: keys.id }, bits, from: this.#work + 1 };
    context.out({ type: 'work', job: this.#job, task });
  }

  #endWork(): void {
    if (this.#job !== undefined) this.#parts.context.out({ type: 'end-work' });
    this.#job = undefined;
  }

  #beatLater(): void {
    const wait = uniformBetween(this.#parts.context.rng, BEAT_LEAST_MS, BEAT_MOST_MS);
    this.#parts.context.after('heartbeat', wait, () => this.#beat());
  }

  #beat(): void {
    const circuit = this.#circuit;
    if (!circuit || !this.#registered) return;
    const { keys } = this.#parts;
    this.#counter += 1;
    const epoch = this.#parts.consensus()?.epoch ?? 0;
    const beat = { node: keys.id, epoch, counter: this.#counter, load: this.#parts.load() };
    circuit.request(
      signHeartbeat(keys.secret, circuit.binding, beat),
      (answer) => {
        if (circuit !== this.#circuit || !this.#on) return;
        const code = refusal(answer);
        if (code === undefined || code === 'try-later') return this.#beatLater();
        this.#set(false);
        // No answer means that the circuit is of no use; a refusal, that the directory has forgotten the node.
        if (code === 'timeout') circuit.origin.end('timeout');
        else this.#registerIn(RETRY_MS);
      },
      ANSWER_MS,
    );
  }

  #leave(): void {
    const { context, keys } = this.#parts;
    for (const name of ['register', 'heartbeat']) context.timers.clear(name);
    this.#endWork();
    if (this.#circuit && this.#registered) {
      this.#counter += 1;
      const leave = { node: keys.id, counter: this.#counter };
      this.#circuit.request(signLeave(keys.secret, this.#circuit.binding, leave), () => undefined);
    }
    this.#set(false);
  }

  #set(registered: boolean): void {
    if (registered === this.#registered) return;
    this.#registered = registered;
    this.#parts.context.event({ type: 'registered', on: registered });
  }
}
