import { uniform, uniformBetween } from '../crypto/rng.ts';
import { MOST_WORK_BITS } from '../crypto/work.ts';
import type { AuditResult } from '../directory/audit.ts';
import type { Consensus } from '../directory/consensus.ts';
import { signDescriptor, type Capabilities } from '../directory/descriptor.ts';
import { signHeartbeat, signLeave, signRegister, type DirectoryResponse } from '../directory/messages.ts';
import { registrationChallenge } from '../directory/work.ts';
import type { Millis } from '../units.ts';
import type { Context } from './context.ts';
import { refusal, type DirectoryCircuit } from './directory-circuit.ts';
import type { KeyRing } from './keys.ts';

/** Heartbeats come at random times in this span. */
const BEAT_LEAST_MS: Millis = 15_000;
const BEAT_MOST_MS: Millis = 45_000;

const RETRY_MS: Millis = 2000;

/** A directory that has no time is asked again after up to this. */
const LATER_MS: Millis = 10_000;

/** A heartbeat that is not answered by then goes once more, over another circuit. */
const ANSWER_MS: Millis = 5000;
/** If there is none so long after that, it was missed. */
const RESEND_MS: Millis = 15_000;

/** What the directory says of the node's last audited epoch, if there is one. */
const resultOf = (answer: DirectoryResponse): AuditResult | undefined => {
  if (answer.type !== 'beat' || answer.epoch === 0) return undefined;
  const { epoch, tested, passed, fault } = answer;
  return { epoch, tested, passed, fault };
};

type Parts = {
  context: Context;
  keys: KeyRing;
  capabilities(): Capabilities;
  family: Uint8Array | undefined;
  consensus(): Consensus | undefined;
  /** Circuits carried over the most, 0 to 255. */
  load(): number;
  /** Asks for a circuit that is the node's own, by `onMain`; or wants it no more. */
  serve(on: boolean): void;
};

/**
 * Lists this node in the consensus while relaying is on, and shows by heartbeats that it is there. The circuit on which it does
 * is built only when the time to register has come: one that stood before would show which connection came up as it did.
 */
export class Registration {
  readonly #parts: Parts;
  #on = false;
  /** The random wait is over. */
  #due = false;
  #ready = false;
  #circuit: DirectoryCircuit | undefined;
  #registered = false;
  #counter = 0;
  /** When the heartbeat under way was first sent, and how often it was. */
  #beating: { at: Millis; tries: number } | undefined;
  readonly #commitments = new Map<number, bigint>();
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
    if (on) this.#wait();
  }

  /** The directory can be reached, and so the wait begins. */
  ready(): void {
    this.#ready = true;
    this.#wait();
  }

  /** Of this epoch or the next; what went before is forgotten. */
  commit(epoch: number, commitment: bigint): void {
    const now = this.#parts.consensus()?.epoch ?? epoch;
    for (const each of [...this.#commitments.keys()])
      if (each < now || each > now + 1) this.#commitments.delete(each);
    if (epoch === now || epoch === now + 1) this.#commitments.set(epoch, commitment);
  }

  onMain(circuit: DirectoryCircuit | undefined): void {
    this.#circuit = circuit;
    this.#work = 0;
    this.#endWork();
    this.#parts.context.timers.clear('heartbeat');
    // A heartbeat that is not answered yet is sent again, and says whether the node is still listed.
    if (this.#beating) return circuit ? this.#beat() : this.#missLater();
    if (!circuit) this.#set(false);
    else if (this.#on) this.#registerIn(0);
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

  #wait(): void {
    const { context, serve } = this.#parts;
    if (!this.#on || !this.#ready || this.#due || context.timers.has('wait')) return;
    context.after('wait', this.#delay(), () => {
      this.#due = true;
      serve(true);
      // It may still be there from before.
      if (this.#circuit) this.#registerIn(0);
    });
  }

  /** Waiting would hide nobody in a network in which nobody is anonymous. */
  #delay(): Millis {
    const consensus = this.#parts.consensus();
    if (!consensus || consensus.nodes.length < consensus.params.minimumNodes) return 0;
    return uniform(this.#parts.context.rng, consensus.params.registrationDelayMs + 1);
  }

  #registerIn(delayMs: Millis): void {
    this.#parts.context.after('register', delayMs, () => this.#register());
  }

  #register(): void {
    const { context, keys, capabilities, family } = this.#parts;
    const circuit = this.#circuit;
    // A search under way registers once it is done.
    if (!circuit || !this.#on || this.#job !== undefined) return;
    const descriptor = signDescriptor(keys.secret, {
      id: keys.id,
      onionKey: keys.onionKey,
      signallingKey: keys.signallingKey,
      capabilities: capabilities(),
      family,
      published: context.now,
    });
    circuit.request(signRegister(keys.secret, circuit.binding, descriptor, this.#work), (answer) => {
      if (circuit !== this.#circuit || !this.#on) return;
      // A hop that passes nothing on would keep the node from being listed for as long as the circuit is used.
      if (!('type' in answer)) return circuit.origin.end('timeout');
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
    const task = { challenge: registrationChallenge(binding, keys.id), bits, from: this.#work + 1 };
    context.out({ type: 'work', job: this.#job, task });
  }

  #endWork(): void {
    if (this.#job !== undefined) this.#parts.context.out({ type: 'end-work', job: this.#job });
    this.#job = undefined;
  }

  #beatLater(): void {
    const wait = uniformBetween(this.#parts.context.rng, BEAT_LEAST_MS, BEAT_MOST_MS);
    this.#parts.context.after('heartbeat', wait, () => this.#beat());
  }

  #beat(): void {
    const circuit = this.#circuit;
    if (!circuit || !this.#registered) return;
    const { context, keys } = this.#parts;
    this.#counter += 1;
    const epoch = this.#parts.consensus()?.epoch ?? 0;
    const commitment = this.#commitments.get(epoch);
    const beat = { node: keys.id, epoch, counter: this.#counter, load: this.#parts.load(), commitment };
    this.#beating = { at: this.#beating?.at ?? context.now, tries: (this.#beating?.tries ?? 0) + 1 };
    context.timers.clear('resend');
    circuit.request(
      signHeartbeat(keys.secret, circuit.binding, beat),
      (answer) => {
        if (circuit !== this.#circuit || !this.#on) return;
        if ('type' in answer) this.#answered(answer);
        else this.#unanswered(circuit);
      },
      ANSWER_MS,
    );
  }

  #answered(answer: DirectoryResponse): void {
    const code = refusal(answer);
    const isTaken = code === undefined;
    this.#beaten(!isTaken ? 'missed' : this.#beating?.tries === 1 ? 'answered' : 'late', resultOf(answer));
    if (isTaken || code === 'try-later') return this.#beatLater();
    // The directory has forgotten the node.
    this.#set(false);
    this.#registerIn(RETRY_MS);
  }

  /** The circuit is of no use: what was sent on it goes once more on the next, while the directory still lists the node. */
  #unanswered({ origin }: DirectoryCircuit): void {
    if (this.#beating?.tries === 1) this.#missLater();
    else this.#miss();
    origin.end('timeout');
  }

  #missLater(): void {
    const { context } = this.#parts;
    if (!context.timers.has('resend')) context.after('resend', RESEND_MS, () => this.#miss());
  }

  #miss(): void {
    this.#beaten('missed', undefined);
    this.#set(false);
    if (this.#circuit) this.#registerIn(RETRY_MS);
  }

  #beaten(outcome: 'answered' | 'late' | 'missed', result: AuditResult | undefined): void {
    const { context } = this.#parts;
    context.timers.clear('resend');
    const at = this.#beating?.at ?? context.now;
    this.#beating = undefined;
    context.event({ type: 'heartbeat', at, outcome, result });
  }

  #leave(): void {
    const { context, keys, serve } = this.#parts;
    for (const name of ['wait', 'register', 'heartbeat', 'resend']) context.timers.clear(name);
    this.#beating = undefined;
    this.#due = false;
    this.#endWork();
    const circuit = this.#circuit;
    const end = (): void => (this.#due ? undefined : serve(false));
    if (circuit && this.#registered) {
      this.#counter += 1;
      const leave = { node: keys.id, counter: this.#counter };
      circuit.request(signLeave(keys.secret, circuit.binding, leave), end);
    } else end();
    this.#set(false);
  }

  #set(registered: boolean): void {
    if (registered === this.#registered) return;
    this.#registered = registered;
    this.#parts.context.event({ type: 'registered', on: registered });
  }
}
