import { concat } from '#shared/bytes/bytes.ts';
import { fragment, Assembler } from '#shared/bytes/fragments.ts';
import { cellCommand, relayCommand, type CellCommand, type RelayCommand } from '#shared/cell/commands.ts';
import { decodeCells, encodeCell, type Cell } from '#shared/cell/codec.ts';
import { BODY_LENGTH, CELLS_PER_MESSAGE, capacity, dataRoom } from '#shared/cell/geometry.ts';
import { decodeRelay, encodeRelay, type RelayMessage } from '#shared/cell/relay.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { codeOfByte, type Code } from '#shared/errors.ts';
import { encodeExtensions } from '#shared/handshake/extensions.ts';
import { finish, start, type HandshakeState, type Keys } from '#shared/handshake/ntor.ts';
import { LinkMachine } from '#shared/link/machine.ts';
import { Opener, Sealer } from '#shared/onion/layer.ts';
import { inboxTag, signInboxOpen } from '#shared/rendezvous/inbox.ts';
import type { CircuitId, LinkId, StreamId } from '#shared/units.ts';
import type { Rng } from '#shared/crypto/rng.ts';
import type { NodeKeys } from '#shared/node/context.ts';
import type { Input } from '#shared/node/input.ts';
import { shamKeys, shamOnionskin } from './sham.ts';

/** The bench, as far as who sits at it needs it. */
type Bench = {
  readonly rng: Rng;
  readonly keys: NodeKeys;
  readonly now: number;
  readonly faults: unknown[];
  input(input: Input): void;
  pass(spanMs: number): void;
};

/** A stranger's end of a link: its own counts and window are kept, everything else is as the test says. */
export class RawPeer {
  readonly link: LinkId;
  readonly bench: Bench;
  readonly circuits = new Map<CircuitId, RawCircuit>();
  closed = false;
  /** It lives and reads, but acknowledges nothing. */
  silent = false;
  #unread: Uint8Array[] = [];
  /** It flooded the link: its own counts are lost, and it acknowledges nothing any more. */
  #deaf = false;
  readonly #machine: LinkMachine;

  constructor(bench: Bench, link: LinkId) {
    this.bench = bench;
    this.link = link;
    this.#machine = new LinkMachine({ opener: true, rng: bench.rng, now: bench.now });
  }

  /** Whatever bytes. */
  raw(data: Uint8Array): void {
    this.bench.input({ type: 'link-data', link: this.link, data });
  }

  send(...cells: Cell[]): void {
    if (this.#deaf) return this.flood(cells);
    for (const cell of cells) this.#machine.enqueue(cell);
    this.#flush();
  }

  /** Sends past every window and count, in full messages. */
  flood(cells: Cell[]): void {
    this.#deaf = true;
    const encoded = cells.map((cell) => encodeCell(cell, (length) => new Uint8Array(length)));
    for (let at = 0; at < encoded.length; at += CELLS_PER_MESSAGE) {
      this.raw(concat(...encoded.slice(at, at + CELLS_PER_MESSAGE)));
    }
  }

  tick(): void {
    if (this.#deaf) return;
    if (!this.silent) for (const data of this.#unread.splice(0)) this.receive(data);
    this.#machine.tick(this.bench.now);
    this.#flush();
  }

  receive(data: Uint8Array): void {
    if (this.silent) return void this.#unread.push(data);
    const cells = this.#deaf ? decodeCells(data) : this.#machine.receive(data, this.bench.now);
    for (const cell of cells) this.circuits.get(cell.circuit)?.receive(cell);
  }

  newId(): CircuitId {
    return this.#machine.newCircuitId((id) => this.circuits.has(id));
  }

  /** A circuit of which the node is hop `position`, whatever stands between. */
  circuit(position = 1): RawCircuit {
    const circuit = new RawCircuit(this, this.newId(), position);
    this.circuits.set(circuit.id, circuit);
    return circuit;
  }

  open(position = 1): RawCircuit {
    const circuit = this.circuit(position);
    circuit.create();
    return circuit;
  }

  #flush(): void {
    for (const data of this.#machine.flush(this.bench.now)) this.raw(data);
  }
}

/** A circuit by hand: one hop, with a layer of its own. */
export class RawCircuit {
  readonly id: CircuitId;
  readonly peer: RawPeer;
  readonly position: number;
  readonly cells: Cell[] = [];
  readonly messages: RelayMessage[] = [];
  destroyed: Code | undefined;
  keys: Keys | undefined;
  #state: HandshakeState | undefined;
  #sealer: Sealer | undefined;
  #opener: Opener | undefined;

  constructor(peer: RawPeer, id: CircuitId, position: number) {
    this.peer = peer;
    this.id = id;
    this.position = position;
  }

  create(): void {
    this.send(...this.creating());
  }

  /** Opens it without a handshake (`shamOnionskin`). */
  sham(): this {
    this.#begin(shamKeys);
    const parts = fragment(shamOnionskin(this.position), BODY_LENGTH);
    this.send(...parts.map((body) => this.cell(cellCommand.CREATE, body)));
    return this;
  }

  creating(): Cell[] {
    const { rng, keys } = this.peer.bench;
    const responder = { id: keys.idBytes, onionKey: keys.onion.public };
    const { state, onionskin } = start(rng, responder, encodeExtensions({ hop: this.position }));
    this.#state = state;
    return fragment(onionskin, BODY_LENGTH).map((body) => this.cell(cellCommand.CREATE, body));
  }

  cell(command: CellCommand, body: Uint8Array): Cell {
    return { circuit: this.id, command, body };
  }

  send(...cells: Cell[]): void {
    this.peer.send(...cells);
  }

  say(command: RelayCommand, data: Uint8Array, stream = 0, cell: CellCommand = cellCommand.RELAY): void {
    this.send(this.cell(cell, this.sealed(command, data, stream, cell)));
  }

  /** A message that may take several cells. */
  sayAll(
    command: RelayCommand,
    message: Uint8Array,
    stream = 0,
    cell: CellCommand = cellCommand.RELAY,
  ): void {
    for (const data of fragment(message, dataRoom(this.position))) this.say(command, data, stream, cell);
  }

  sealed(
    command: RelayCommand,
    data: Uint8Array,
    stream = 0,
    cell: CellCommand = cellCommand.RELAY,
  ): Uint8Array {
    const message = { stream: stream as StreamId, command, data };
    return this.#layer().seal('deliver', cell, encodeRelay(message, capacity(this.position)));
  }

  /** A cell for the hop behind. */
  pass(body: Uint8Array, cell: CellCommand = cellCommand.RELAY): void {
    this.send(this.cell(cell, this.#layer().seal('pass', cell, body)));
  }

  /** Opens an inbox here, with the ticket for its tag; returns the tag. */
  inbox(
    seed = this.peer.bench.rng(32),
    ticketOf = (_: Uint8Array): Uint8Array => new Uint8Array(0),
  ): Uint8Array {
    const keys = signKeypair(seed);
    const binding = this.keys?.binding ?? new Uint8Array(32);
    const tag = inboxTag(keys.public);
    this.say(relayCommand.INBOX_OPEN, signInboxOpen(keys, binding, ticketOf(tag)));
    return tag;
  }

  of(command: RelayCommand): RelayMessage[] {
    return this.messages.filter((message) => message.command === command);
  }

  /** The code of the REFUSED that came. */
  get refused(): Code | undefined {
    const [message] = this.of(relayCommand.REFUSED);
    return message && codeOfByte(message.data[0] ?? 0);
  }

  receive(cell: Cell): void {
    this.cells.push(cell);
    if (cell.command === cellCommand.DESTROY) this.destroyed = codeOfByte(cell.body[0] ?? 0);
    else if (cell.command === cellCommand.CREATED) this.#onCreated(cell.body);
    else if (this.#opener) {
      const { kind, inner } = this.#opener.open(cell.command, cell.body);
      if (kind === 'deliver') this.messages.push(decodeRelay(inner));
    }
  }

  #onCreated(body: Uint8Array): void {
    if (this.keys) return;
    const reply = new Assembler(2 * BODY_LENGTH).push(body);
    if (!this.#state || !reply) throw new Error('a CREATED that was not asked for');
    this.#begin(finish(this.#state, reply));
  }

  #begin(keys: Keys): void {
    this.keys = keys;
    this.#sealer = new Sealer(keys.forward, 'forward');
    this.#opener = new Opener(keys.backward, 'backward');
  }

  #layer(): Sealer {
    if (!this.#sealer) throw new Error('the circuit is not open');
    return this.#sealer;
  }
}
