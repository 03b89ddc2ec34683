import type { Cell } from '../cell/codec.ts';
import { relayCommand } from '../cell/commands.ts';
import { CELL_LENGTH } from '../cell/geometry.ts';
import type { StreamId } from '../units.ts';
import type { Handle } from './input.ts';
import type { Link } from './links.ts';
import { Pace } from './pace.ts';
import { RelayCircuit, type RelayParts } from './relay-circuit.ts';

/** Circuits that a node carries for others. */
const MAX_RELAYED = 4096;
/** Circuits that end at the directory: one or two of every client that is linked to it. */
const MAX_SERVED = 32_768;

/** Handshakes of one link that may be under way, so that one neighbour cannot keep all others waiting. */
const MAX_OPENING = 16;
/** Circuits that one node carries on one link. */
const MAX_ON_LINK = 1024;

type Parts = Omit<RelayParts, 'closed' | 'opened' | 'passed' | 'pace'> & {
  /** Whether circuits are taken at all. */
  serving(): boolean;
};

/** The circuits that others have built through this node, or to it. */
export class Relays {
  readonly #parts: RelayParts & Pick<Parts, 'serving'>;
  readonly #circuits = new Map<Handle, RelayCircuit>();
  readonly #pace: Pace;
  /** Since this began: circuits that came about, and cells that were passed on. */
  #opened = 0;
  #passed = 0;

  constructor(parts: Parts) {
    this.#pace = new Pace(parts.context);
    this.#parts = {
      ...parts,
      pace: (circuit, run) =>
        this.#pace.pass(circuit.handle, { run, failed: (code) => circuit.destroy(code) }),
      closed: (circuit) => this.#onClosed(circuit),
      opened: () => void (this.#opened += 1),
      passed: () => void (this.#passed += 1),
    };
  }

  get total(): { circuits: number; bytes: number } {
    return { circuits: this.#opened, bytes: this.#passed * CELL_LENGTH };
  }

  get size(): number {
    return this.#circuits.size;
  }

  /** Cells that wait because of the rate. */
  get held(): number {
    return this.#pace.size;
  }

  /** What is passed on for others is held to this rate; undefined: to none. */
  limit(bytesPerSecond: number | undefined): void {
    this.#pace.limit(bytesPerSecond);
  }

  /** How much is carried over the most, 0 to 255. */
  get load(): number {
    return Math.min(255, Math.floor((this.size * 255) / this.#most));
  }

  /** A CREATE cell under a new id. */
  create(link: Link, cell: Cell): void {
    const { context, links, serving } = this.#parts;
    const relay = new RelayCircuit(this.#parts, { link, circuit: cell.circuit });
    this.#circuits.set(relay.handle, relay);
    links.attach(link, cell.circuit, relay);
    if (!serving() || !link.machine.peerMayOpen(cell.circuit)) return relay.destroy('refused');
    if (this.size > this.#most || !this.#hasRoom(link)) return relay.destroy('too-many');
    context.guard(
      () => relay.receive(cell),
      (code) => {
        context.event({ type: 'refused', where: 'circuit', code });
        relay.destroy(code);
      },
    );
  }

  respond(circuit: Handle, stream: StreamId, body: Uint8Array): void {
    this.#circuits.get(circuit)?.service.answer(stream, relayCommand.RESPONSE, body);
  }

  push(circuit: Handle, body: Uint8Array): void {
    this.#circuits.get(circuit)?.service.push(body);
  }

  #hasRoom(link: Link): boolean {
    if (link.circuits.size > MAX_ON_LINK) return false;
    let opening = 0;
    for (const end of link.circuits.values()) if (end.opening) opening += 1;
    return opening <= MAX_OPENING;
  }

  get #most(): number {
    return this.#parts.directory ? MAX_SERVED : MAX_RELAYED;
  }

  #onClosed(circuit: RelayCircuit): void {
    this.#circuits.delete(circuit.handle);
    this.#pace.drop(circuit.handle);
    const { directory, context } = this.#parts;
    if (directory) context.event({ type: 'circuit-closed', circuit: circuit.handle });
  }
}
