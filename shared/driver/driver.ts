import { respond } from '../handshake/ntor.ts';
import { codeOf } from '../errors.ts';
import type { Rng } from '../crypto/rng.ts';
import type { WorkTask } from '../crypto/work.ts';
import type { Claim } from '../contribution/statement.ts';
import type { Input } from '../node/input.ts';
import type { Node } from '../node/node.ts';
import type { NodeEvent, Output, TraceEvent } from '../node/output.ts';
import type { Pass } from '../signal/pass.ts';
import type { Session } from '../signal/session.ts';
import type { LinkId, Millis, NodeId } from '../units.ts';
import { Searches } from './work.ts';

/** What the world gives to a node. Each port answers by `driver.input`. */
export type Ports = {
  now(): Millis;
  rng: Rng;
  /** Runs once after a delay; the returned function cancels. */
  timer(delayMs: Millis, run: () => void): () => void;
  /** Runs soon, after what is queued already: slow work must not hold up cells. */
  later(run: () => void): void;
  openWebSocket(link: LinkId): void;
  createPeer(link: LinkId, initiator: boolean): void;
  signalPeer(link: LinkId, session: Session): void;
  openPass(link: LinkId, pass: Pass): void;
  send(link: LinkId, data: Uint8Array): void;
  closeLink(link: LinkId): void;
  fetchConsensus(): void;
  event(event: NodeEvent): void;
  trace?(trace: TraceEvent): void;
  /** Answers by `ticketed`. Whoever has no contribution to prove leaves it out. */
  ticket?(job: number, exit: NodeId, tag: Uint8Array): void;
  /** Answers by `verified`. Without it no proof is taken here. */
  verify?(job: number, claim: Claim, proof: Uint8Array): void;
};

/** The one loop around a node: inputs in, outputs to the ports, one timer, and slow work done outside it. */
export class Driver {
  readonly #node: Node;
  readonly #ports: Ports;
  #wake: { at: Millis; cancel: () => void } | undefined;
  #inputs: Input[] = [];
  readonly #searches: Searches;
  /** What cancels each of the node's own. */
  readonly #jobs = new Map<number, () => void>();
  #running = false;
  #stopped = false;

  constructor(node: Node, ports: Ports) {
    this.#node = node;
    this.#ports = ports;
    this.#searches = new Searches((run) => ports.later(run));
  }

  /** A port may call this from within an output; such inputs wait for their turn. */
  input(input: Input): void {
    if (this.#stopped) return;
    this.#inputs.push(input);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        for (const output of this.#node.receive(next, this.#ports.now())) this.#perform(output);
      }
    } finally {
      this.#running = false;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#searches.stop();
    this.#wake?.cancel();
  }

  /** A search of whoever shares this driver, in turn with the node's own; the returned function cancels. */
  search(task: WorkTask, done: (work: number) => void): () => void {
    return this.#searches.begin(task, done);
  }

  #perform(output: Output): void {
    const ports = this.#ports;
    switch (output.type) {
      case 'open-websocket':
        return ports.openWebSocket(output.link);
      case 'create-peer':
        return ports.createPeer(output.link, output.initiator);
      case 'signal-peer':
        return ports.signalPeer(output.link, output.session);
      case 'open-pass':
        return ports.openPass(output.link, output.pass);
      case 'send':
        return ports.send(output.link, output.data);
      case 'close-link':
        return ports.closeLink(output.link);
      case 'fetch-consensus':
        return ports.fetchConsensus();
      case 'respond':
        return ports.later(() => this.#respond(output));
      case 'work':
        return this.#work(output);
      case 'end-work':
        this.#jobs.get(output.job)?.();
        this.#jobs.delete(output.job);
        return;
      case 'ticket':
        if (ports.ticket) return ports.ticket(output.job, output.exit, output.tag);
        return this.input({ type: 'ticketed', job: output.job, presentation: undefined });
      case 'verify':
        if (ports.verify) return ports.verify(output.job, output.claim, output.proof);
        return this.input({ type: 'verified', job: output.job, valid: false });
      case 'wake':
        return this.#wakeAt(output.at);
      case 'trace':
        return ports.trace?.(output.trace);
      case 'event':
        return ports.event(output.event);
    }
  }

  #respond({ job, task }: Extract<Output, { type: 'respond' }>): void {
    const { id, onionKeys, onionskin } = task;
    try {
      this.input({ type: 'responded', job, result: respond(this.#ports.rng, { id, onionKeys }, onionskin) });
    } catch (error) {
      this.input({ type: 'responded', job, result: { code: codeOf(error) } });
    }
  }

  #work({ job, task }: Extract<Output, { type: 'work' }>): void {
    const cancel = this.#searches.begin(task, (work) => {
      this.#jobs.delete(job);
      this.input({ type: 'worked', job, work });
    });
    this.#jobs.set(job, cancel);
  }

  #wakeAt(at: Millis): void {
    // A timer that fires early costs one look; moving it with every cell would cost more.
    if (this.#wake && this.#wake.at <= at) return;
    this.#wake?.cancel();
    const run = (): void => {
      this.#wake = undefined;
      this.input({ type: 'wake' });
    };
    this.#wake = { at, cancel: this.#ports.timer(Math.max(0, at - this.#ports.now()), run) };
  }
}
