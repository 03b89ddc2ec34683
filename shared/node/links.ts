import { LINK, type Cell } from '../cell/codec.ts';
import { cellCommand } from '../cell/commands.ts';
import { byteOfCode, codeOfByte, type Code } from '../errors.ts';
import { LinkMachine } from '../link/machine.ts';
import type { CircuitId, LinkId, Millis, NodeId } from '../units.ts';
import type { Context } from './context.ts';
import { Schedule } from './schedule.ts';

/** One end of a circuit on a link: what takes the cells that come in under its id. */
export type CircuitEnd = {
  /** Whether the circuit is this client's own or carried for others. */
  readonly own: boolean;
  /** Its handshake, begun by the other side, is not answered yet. */
  readonly opening?: boolean;
  receive(cell: Cell): void;
  /** The peer destroyed it, the link went, or a cell was `bad`; the id is free already. */
  closed(code: Code, bad?: boolean): void;
};

/** How its carrier gets to the other side: by WebRTC itself, by that through a TURN server, or by WebSockets of the directory's server. */
export type Way = 'direct' | 'turn' | 'server';

export type Link = {
  readonly id: LinkId;
  /** Undefined for a neighbour that is no node. */
  readonly peer: NodeId | undefined;
  readonly kind: 'directory' | 'peer' | 'client';
  readonly machine: LinkMachine;
  readonly circuits: Map<CircuitId, CircuitEnd>;
  readonly openedAt: Millis;
  way: Way;
  usedAt: Millis;
};

type Handlers = {
  /** A CREATE cell under an id that is not in use. */
  create(link: Link, cell: Cell): void;
  opened(link: Link): void;
  closed(link: Link): void;
  /** Throws RemoteError: then the link is closed. */
  gossip(link: Link, body: Uint8Array): void;
};

/** What may wait for a neighbour that takes nothing. */
const MOST_GOSSIP = 4;

/** The table of open links: cells in to circuit ends, cells out through each link's own machine. */
export class Links {
  readonly #context: Context;
  readonly #handlers: Handlers;
  readonly #links = new Map<LinkId, Link>();
  readonly #byPeer = new Map<NodeId, Link>();
  /** Links that may have something to send; every other one is silent until its clock says. */
  readonly #touched = new Set<Link>();
  readonly #clocks = new Schedule<Link>();

  constructor(context: Context, handlers: Handlers) {
    this.#context = context;
    this.#handlers = handlers;
  }

  get size(): number {
    return this.#links.size;
  }

  all(): Iterable<Link> {
    return this.#links.values();
  }

  has(id: LinkId): boolean {
    return this.#links.has(id);
  }

  to(peer: NodeId): Link | undefined {
    return this.#byPeer.get(peer);
  }

  open(id: LinkId, peer: NodeId | undefined, kind: Link['kind'], opener: boolean, way: Way): Link {
    const { rng, now } = this.#context;
    const machine = new LinkMachine({ opener, rng, now });
    const link: Link = { id, peer, kind, machine, way, circuits: new Map(), openedAt: now, usedAt: now };
    this.#links.set(id, link);
    if (peer !== undefined) this.#byPeer.set(peer, link);
    this.#clocks.set(link, machine.wakeAt());
    this.#context.changed();
    this.#handlers.opened(link);
    return link;
  }

  relayed(id: LinkId, on: boolean): void {
    const link = this.#links.get(id);
    if (!link || link.way === 'server') return;
    link.way = on ? 'turn' : 'direct';
    this.#context.changed();
  }

  receive(id: LinkId, data: Uint8Array): void {
    const link = this.#links.get(id);
    if (!link) return;
    this.#touched.add(link);
    let cells: Cell[] = [];
    this.#context.guard(
      () => (cells = link.machine.receive(data, this.#context.now)),
      (code) => this.close(link, code),
    );
    for (const cell of cells) {
      // A cell before may have ended the link.
      if (this.#links.get(id) !== link) return;
      this.#dispatch(link, cell);
    }
  }

  /** Ends the link from this side. */
  close(link: Link, code: Code): void {
    if (!this.#links.has(link.id)) return;
    this.#context.out({ type: 'close-link', link: link.id });
    if (code !== 'finished') this.#context.event({ type: 'refused', where: 'link', code });
    this.gone(link.id);
  }

  /** Ends those of which this holds. */
  end(which: (link: Link) => boolean): void {
    for (const link of [...this.#links.values()]) if (which(link)) this.close(link, 'finished');
  }

  /** The carrier is gone; so is every circuit on it. */
  gone(id: LinkId): void {
    const link = this.#links.get(id);
    if (!link) return;
    this.#links.delete(id);
    this.#touched.delete(link);
    this.#clocks.delete(link);
    if (link.peer !== undefined && this.#byPeer.get(link.peer) === link) this.#byPeer.delete(link.peer);
    const ends = [...link.circuits.values()];
    link.circuits.clear();
    for (const end of ends) end.closed('link-lost');
    this.#context.changed();
    this.#handlers.closed(link);
  }

  /** Tells the neighbour something; a further one is left out while too many wait. */
  gossip(link: Link, body: Uint8Array): void {
    if (link.machine.queued(LINK) >= MOST_GOSSIP) return;
    this.#touch(link);
    const cell = { circuit: LINK, command: cellCommand.GOSSIP, body };
    if (link.machine.enqueue(cell)) this.#trace(link, cell, true);
  }

  /** Sends the neighbour a cell for nothing; none while the one before still waits. */
  pad(link: Link): boolean {
    if (link.machine.queued(LINK) > 0) return false;
    this.#touch(link);
    const cell = { circuit: LINK, command: cellCommand.PADDING, body: new Uint8Array(0) };
    if (!link.machine.enqueue(cell)) return false;
    this.#trace(link, cell, true);
    return true;
  }

  newCircuit(link: Link): CircuitId {
    return link.machine.newCircuitId((id) => link.circuits.has(id));
  }

  attach(link: Link, circuit: CircuitId, end: CircuitEnd): void {
    link.circuits.set(circuit, end);
    this.#context.changed();
  }

  /** Sends cells of one circuit; when its queue is full the circuit ends. */
  send(link: Link, cells: Cell[]): void {
    link.usedAt = this.#context.now;
    this.#touch(link);
    for (const cell of cells) {
      if (link.machine.enqueue(cell)) {
        this.#trace(link, cell, true);
        continue;
      }
      const end = link.circuits.get(cell.circuit);
      this.destroy(link, cell.circuit, 'queue-full');
      end?.closed('queue-full');
      return;
    }
  }

  /** Frees the id and tells the peer. */
  destroy(link: Link, circuit: CircuitId, code: Code): void {
    if (!link.circuits.delete(circuit)) return;
    if (!this.#links.has(link.id)) return;
    link.machine.drop(circuit);
    this.#touch(link);
    const body = Uint8Array.of(byteOfCode(code));
    // A neighbour that lets so many DESTROYs wait takes nothing any more.
    if (!link.machine.enqueue({ circuit, command: cellCommand.DESTROY, body }))
      return this.close(link, 'queue-full');
    this.#trace(link, { circuit, command: cellCommand.DESTROY, body }, true);
    this.#context.changed();
  }

  /** Runs the clocks that are due and sends what each link's window lets through. Returns when to come back. */
  flush(): Millis {
    const { now } = this.#context;
    for (const link of this.#clocks.take(now)) {
      this.#touch(link);
      if (link.machine.tick(now) === 'dead') this.close(link, 'timeout');
    }
    // Closing a link may have given others something to send.
    for (const link of this.#touched) {
      for (const data of link.machine.flush(now)) this.#context.out({ type: 'send', link: link.id, data });
      this.#clocks.set(link, link.machine.wakeAt());
    }
    this.#touched.clear();
    return this.#clocks.next;
  }

  /** A link may be gone while circuits that were on it still end. */
  #touch(link: Link): void {
    if (this.#links.get(link.id) === link) this.#touched.add(link);
  }

  #dispatch(link: Link, cell: Cell): void {
    this.#trace(link, cell, false);
    if (cell.command === cellCommand.GOSSIP) return this.#onGossip(link, cell.body);
    link.usedAt = this.#context.now;
    const end = link.circuits.get(cell.circuit);
    if (!end) {
      // What else comes under an unknown id was on its way when the circuit ended here.
      if (cell.command === cellCommand.CREATE) this.#handlers.create(link, cell);
      return;
    }
    if (cell.command === cellCommand.DESTROY) {
      link.circuits.delete(cell.circuit);
      link.machine.drop(cell.circuit);
      this.#context.changed();
      end.closed(cell.body.length === 1 ? codeOfByte(cell.body[0] ?? 0) : 'malformed');
      return;
    }
    this.#context.guard(
      () => end.receive(cell),
      (code) => {
        this.#context.event({ type: 'refused', where: 'circuit', code });
        this.destroy(link, cell.circuit, code);
        end.closed(code, true);
      },
    );
  }

  #onGossip(link: Link, body: Uint8Array): void {
    this.#context.guard(
      () => this.#handlers.gossip(link, body),
      (code) => this.close(link, code),
    );
  }

  #trace(link: Link, cell: Cell, sent: boolean): void {
    if (!this.#context.trace) return;
    const { id, peer } = link;
    const trace = { at: this.#context.now, link: id, peer, circuit: cell.circuit, command: cell.command };
    this.#context.out({ type: 'trace', trace: { ...trace, used: cell.body.length, sent } });
  }
}
