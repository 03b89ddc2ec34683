import { respond } from '../handshake/ntor.ts';
import { searchWork } from '../directory/work.ts';
import { codeOf } from '../errors.ts';
import type { Rng } from '../crypto/rng.ts';
import type { Input } from '../node/input.ts';
import type { Node } from '../node/node.ts';
import type { NodeEvent, Output, TraceEvent, WorkTask } from '../node/output.ts';
import type { Session } from '../signal/session.ts';
import type { LinkId, Millis } from '../units.ts';

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
  send(link: LinkId, data: Uint8Array): void;
  closeLink(link: LinkId): void;
  fetchConsensus(): void;
  event(event: NodeEvent): void;
  trace?(trace: TraceEvent): void;
};

/** Hashes in one piece of work, some milliseconds' worth. */
const WORK_SLICE = 2_000;

/** The one loop around a node: inputs in, outputs to the ports, one timer, and slow work done outside it. */
export class Driver {
  readonly #node: Node;
  readonly #ports: Ports;
  #wake: { at: Millis; cancel: () => void } | undefined;
  #inputs: Input[] = [];
  /** The search that is wanted. */
  #job: number | undefined;
  #running = false;
  #stopped = false;

  constructor(node: Node, ports: Ports) {
    this.#node = node;
    this.#ports = ports;
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
    this.#job = undefined;
    this.#wake?.cancel();
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
      case 'send':
        return ports.send(output.link, output.data);
      case 'close-link':
        return ports.closeLink(output.link);
      case 'fetch-consensus':
        return ports.fetchConsensus();
      case 'respond':
        return ports.later(() => this.#respond(output));
      case 'work':
        this.#job = output.job;
        return this.#workLater(output.job, output.task);
      case 'end-work':
        this.#job = undefined;
        return;
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

  #workLater(job: number, { place, bits, from }: WorkTask): void {
    this.#ports.later(() => {
      if (job !== this.#job) return;
      const result = searchWork(place, bits, from, WORK_SLICE);
      if ('next' in result) return this.#workLater(job, { place, bits, from: result.next });
      this.#job = undefined;
      this.input({ type: 'worked', job, work: result.work });
    });
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
