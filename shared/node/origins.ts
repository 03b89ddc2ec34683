import { equal } from '../bytes/bytes.ts';
import { relayCommand } from '../cell/commands.ts';
import type { Cell } from '../cell/codec.ts';
import { CONTACT_HOP } from '../cell/geometry.ts';
import type { RelayMessage } from '../cell/relay.ts';
import { WINDOW } from '../circuit/credits.ts';
import { OriginCircuit } from '../circuit/origin.ts';
import { RemoteError, codeOfByte, type Code } from '../errors.ts';
import { QUEUE_CAP } from '../link/machine.ts';
import { Fifo } from '../link/queues.ts';
import type { Responder } from '../handshake/ntor.ts';
import { buildTimeout, noteBuild, type BuildTimes } from '../path/timeout.ts';
import { nodeIdBytes, type Millis, type NodeId, type StreamId } from '../units.ts';
import type { Context } from './context.ts';
import type { Handle } from './input.ts';
import type { CircuitEnd, Link, Links } from './links.ts';
import type { CircuitPurpose } from './output.ts';

/** A hop to come: a node of the consensus, the directory, or a contact. */
export type Target = Responder & { node: NodeId };

export type OriginHandlers = {
  open(origin: Origin): void;
  message(origin: Origin, hop: number, message: RelayMessage): void;
  /** Once, whether it was open or not. `hop`: how many hops stood when it ended. */
  closed(origin: Origin, code: Code, hop: number, cause: Cause): void;
};

/** What ended a circuit: a REFUSED of the hop that is told, the guard or the link to it, a cell that is not what it has to be, or this side. */
export type Cause = 'refused' | 'guard' | 'cell' | 'own';

export type Plan = {
  purpose: CircuitPurpose;
  path: Target[];
  handlers: OriginHandlers;
  /** How long each hop may take, where that is not learned from earlier builds. */
  stepMs?: Millis;
};

type Parts = {
  context: Context;
  links: Links;
  dial(target: NodeId, done: (link: Link | Code) => void): void;
  /** A first hop, which is a guard, answered or did not. */
  guard(node: NodeId, worked: boolean): void;
  /** Whether a circuit's messages wait to be released, one by one. */
  held(origin: Origin): boolean;
};

/** Messages that may wait to be released: as many as the credits of some sixty channels over one inbox let be under way. */
const MOST_HELD = 64 * WINDOW;
/** Room in a link's queue that is left to messages which do not wait. */
const AHEAD = 64;

/** How long recent builds took, shared by all. */
type Times = { builds: BuildTimes };

/** One circuit of this client's own. */
export class Origin implements CircuitEnd {
  readonly own = true;
  readonly handle: Handle;
  purpose: CircuitPurpose;
  readonly path: Target[];
  state: 'building' | 'open' | 'closed' = 'building';
  openedAt: Millis | undefined;
  rttMs: number | undefined;
  handlers: OriginHandlers;
  link: Link | undefined;
  readonly #parts: Parts;
  readonly #times: Times;
  readonly #stepMs: Millis | undefined;
  #circuit: OriginCircuit | undefined;
  #startedAt = 0;
  #pinged: { token: Uint8Array; at: Millis } | undefined;
  /** They are sealed when they leave, for the layers count what passes them. */
  readonly #waiting = new Fifo<{ hop: number; message: RelayMessage }>();
  #grown: ((origin: Origin) => void) | undefined;

  constructor(parts: Parts, times: Times, plan: Plan) {
    this.#parts = parts;
    this.#times = times;
    this.handle = parts.context.handle();
    this.purpose = plan.purpose;
    this.path = plan.path;
    this.handlers = plan.handlers;
    this.#stepMs = plan.stepMs;
  }

  get hops(): number {
    return this.#circuit?.hops ?? 0;
  }

  binding(hop: number): Uint8Array {
    return this.#open().binding(hop);
  }

  start(): void {
    const [first] = this.path;
    if (!first) return this.end('too-small-network');
    this.#parts.dial(first.node, (link) => {
      if (this.state === 'closed') return;
      if (typeof link === 'string') this.end(link);
      else this.#create(link, first);
    });
  }

  /** Messages that are held. */
  get waiting(): number {
    return this.#waiting.length;
  }

  send(hop: number, message: RelayMessage): void {
    if (this.state === 'closed' || !this.link) return;
    if (this.#waiting.length === 0 && this.#room > 0 && !this.#parts.held(this))
      return this.sendNow(hop, message);
    if (this.#waiting.length >= MOST_HELD) return this.end('queue-full');
    this.#waiting.push({ hop, message });
    if (!this.#parts.held(this)) this.releaseAll();
  }

  /** Sends the message that has waited longest, if any does. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) this.sendNow(next.hop, next.message);
  }

  /** As many of them as its link has room for. */
  releaseAll(): void {
    for (let room = this.#room; room > 0 && this.#waiting.length > 0; room--) this.release();
  }

  /** Messages that its link takes now, those aside that may go ahead of what waits. */
  get #room(): number {
    const queued = this.#circuit ? (this.link?.machine.queued(this.#circuit.id) ?? 0) : 0;
    return QUEUE_CAP - AHEAD - queued;
  }

  /** Ahead of what waits: for messages to a node alone, which nothing of a contact's layer has to come before. */
  sendNow(hop: number, message: RelayMessage): void {
    if (this.state !== 'closed' && this.link)
      this.#parts.links.send(this.link, [this.#open().send(hop, message)]);
  }

  /** Adds a node behind the last hop; `grown` is called when it stands. */
  extend(target: Target, grown: (origin: Origin) => void): void {
    this.path.push(target);
    this.#grown = grown;
    this.#grow(() => this.#open().extend(target, nodeIdBytes(target.node)));
  }

  /** Makes a contact the next hop, through the inbox under `tag` at the last one. */
  join(contact: Responder, tag: Uint8Array, grown: (origin: Origin) => void): void {
    this.#grown = grown;
    this.#grow(() => this.#open().join(contact, tag));
  }

  /** Measures the round trip to the last hop. */
  ping(): void {
    if (this.state !== 'open') return;
    const { now, rng } = this.#parts.context;
    const token = rng(8);
    this.#pinged = { token, at: now };
    this.send(this.hops, { stream: 0 as StreamId, command: relayCommand.PING, data: token });
  }

  receive(cell: Cell): void {
    const event = this.#open().receive(cell);
    if (!event) return;
    if (event.type === 'grown') return this.#onGrown();
    const { hop, message } = event;
    if (message.command === relayCommand.REFUSED) {
      return this.end(codeOfByte(message.data[0] ?? 0), hop, 'refused');
    }
    if (message.command === relayCommand.PONG) this.#onPong(message.data, hop);
    // What a contact sends came on its channel's credit, and the channel counts it.
    const counts = hop === CONTACT_HOP;
    if (counts || (message.command !== relayCommand.PONG && message.command !== relayCommand.DROP))
      return this.handlers.message(this, hop, message);
    if (message.command === relayCommand.DROP) this.#parts.context.cover.received(this.#parts.context.now);
  }

  closed(code: Code, bad = false): void {
    this.#finish(code === 'none' ? 'destroyed' : code, this.hops, bad ? 'cell' : 'guard');
  }

  /** Destroys the circuit. */
  end(code: Code, hop = this.hops, cause: Cause = 'own'): void {
    if (this.state === 'closed') return;
    // What went wrong is this client's to know: hops hear NONE.
    if (this.link && this.#circuit) this.#parts.links.destroy(this.link, this.#circuit.id, 'none');
    this.#finish(code, hop, cause);
  }

  #create(link: Link, first: Target): void {
    this.link = link;
    const circuit = new OriginCircuit(this.#parts.links.newCircuit(link), this.#parts.context.rng);
    this.#circuit = circuit;
    this.#startedAt = this.#parts.context.now;
    this.#parts.links.attach(link, circuit.id, this);
    this.#grow(() => circuit.create(first));
  }

  /** Begins a handshake. A stranger's key, out of its descriptor, may be one that no handshake takes. */
  #grow(cells: () => Cell[]): void {
    this.#arm();
    this.#parts.context.guard(
      () => this.#sendAll(cells()),
      // Not within this call: whoever builds the circuit does not hold it yet.
      (code) => this.#parts.context.after(this.#timer(), 0, () => this.end(code)),
    );
  }

  #onGrown(): void {
    const { context } = this.#parts;
    context.changed();
    context.timers.clear(this.#timer());
    if (this.state === 'building') {
      const next = this.path[this.hops];
      if (next) return this.#grow(() => this.#open().extend(next, nodeIdBytes(next.node)));
      if (this.path.length > 1) this.#reportGuard(true);
      if (this.path.length > 1 && this.#stepMs === undefined)
        this.#times.builds = noteBuild(this.#times.builds, context.now - this.#startedAt);
      this.state = 'open';
      this.openedAt = context.now;
      return this.handlers.open(this);
    }
    const grown = this.#grown;
    this.#grown = undefined;
    grown?.(this);
  }

  /** The answer to `ping`, or else an echo that comes back. */
  #onPong(token: Uint8Array, hop: number): void {
    const { context } = this.#parts;
    const pinged = this.#pinged;
    if (!pinged || hop !== this.hops || !equal(token, pinged.token))
      return context.cover.received(context.now);
    this.#pinged = undefined;
    this.rttMs = context.now - pinged.at;
    context.changed();
  }

  #arm(): void {
    const limit = this.#stepMs ?? buildTimeout(this.#times.builds);
    this.#parts.context.after(this.#timer(), limit, () => {
      // What took too long counts as longer still, or a slow network would never be learned.
      if (this.#stepMs === undefined) this.#times.builds = noteBuild(this.#times.builds, 2 * limit);
      this.end('timeout');
    });
  }

  #finish(code: Code, hop: number, cause: Cause): void {
    if (this.state === 'closed') return;
    const { context } = this.#parts;
    const { state } = this;
    this.state = 'closed';
    if (state === 'building' && hop === 0 && this.path.length > 1) this.#reportGuard(false);
    context.timers.clear(this.#timer());
    context.changed();
    if (code !== 'finished') {
      const path = this.path.map(({ node }) => node);
      context.event({ type: 'circuit-failed', purpose: this.purpose, path, hop, code });
    }
    this.handlers.closed(this, code, hop, cause);
  }

  #reportGuard(worked: boolean): void {
    const [first] = this.path;
    if (first) this.#parts.guard(first.node, worked);
  }

  #open(): OriginCircuit {
    if (!this.#circuit) throw new RemoteError('unexpected', 'the circuit is not created');
    return this.#circuit;
  }

  #sendAll(cells: Cell[]): void {
    if (this.link) this.#parts.links.send(this.link, cells);
  }

  #timer(): string {
    return `origin:${String(this.handle)}`;
  }
}

/** This client's own circuits. */
export class Origins {
  readonly times: Times = { builds: [] };
  readonly #parts: Parts;
  readonly #origins = new Set<Origin>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  all(): Iterable<Origin> {
    return this.#origins;
  }

  build(plan: Plan): Origin {
    const { handlers } = plan;
    const closed: OriginHandlers['closed'] = (origin, code, hop, cause) => {
      this.#origins.delete(origin);
      handlers.closed(origin, code, hop, cause);
    };
    const origin = new Origin(this.#parts, this.times, { ...plan, handlers: { ...handlers, closed } });
    this.#origins.add(origin);
    origin.start();
    return origin;
  }

  /** Gives an open circuit to another owner and purpose. */
  hand(origin: Origin, purpose: CircuitPurpose, handlers: OriginHandlers): void {
    origin.purpose = purpose;
    origin.handlers = {
      ...handlers,
      closed: (each, code, hop, cause) => {
        this.#origins.delete(each);
        handlers.closed(each, code, hop, cause);
      },
    };
    this.#parts.context.changed();
  }
}
