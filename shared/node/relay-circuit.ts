import { Assembler, fragment } from '../bytes/fragments.ts';
import { BODY_LENGTH, MAX_HOPS, dataRoom } from '../cell/geometry.ts';
import { cellCommand, relayCommand, type RelayCommand } from '../cell/commands.ts';
import type { Cell } from '../cell/codec.ts';
import type { RelayMessage } from '../cell/relay.ts';
import { Hop } from '../circuit/hop.ts';
import { RemoteError, byteOfCode, type Code } from '../errors.ts';
import { decodeExtensions } from '../handshake/extensions.ts';
import type { OnionKeypair } from '../handshake/ntor.ts';
import { nodeId, NODE_ID_LENGTH, type CircuitId, type NodeId, type StreamId } from '../units.ts';
import { Caller, Owner, type BridgeParts } from './bridges.ts';
import type { Handle } from './input.ts';
import { HANDSHAKE_MS, MAX_ONIONSKIN } from './limits.ts';
import type { CircuitEnd, Link, Links } from './links.ts';
import type { RelayEnd } from './relay-end.ts';
import { ServiceEnd, type ServiceParts } from './service-end.ts';

export type Side = { link: Link; circuit: CircuitId };

export type RelayParts = BridgeParts &
  ServiceParts & {
    readonly links: Links;
    readonly id: Uint8Array;
    readonly onionKeys: () => OnionKeypair[];
    /** Calls back, at once or later, with an open link or with why there is none. */
    dial(target: NodeId, done: (link: Link | Code) => void): void;
    closed(circuit: RelayCircuit): void;
    /** For counts: a circuit came about, or a cell was passed on, whichever way. */
    opened(): void;
    passed(): void;
    /** Passes a cell on now or, where it is held to a rate, later. False: too many wait. */
    pace(circuit: RelayCircuit, run: () => void): boolean;
  };

type State = 'creating' | 'responding' | 'open' | 'broken' | 'closed';

/**
 * One circuit that passes through this node, or ends here: its layer, its next hop, and what its origin may ask of
 * its last hop.
 *
 *     creating → responding → open → broken → closed
 *
 * `broken`: the way on is gone and the origin was told so by REFUSED; it has a handshake's time to destroy.
 */
export class RelayCircuit implements CircuitEnd, RelayEnd {
  readonly own = false;
  readonly handle: Handle;
  readonly owner: Owner;
  readonly caller: Caller;
  readonly #service: ServiceEnd;
  readonly #parts: RelayParts;
  readonly #prev: Side;
  #state: State = 'creating';
  #create: Assembler | undefined = new Assembler(MAX_ONIONSKIN);
  #extend: Assembler | undefined;
  #reply: Assembler | undefined;
  #next: Side | undefined;
  #hop: Hop | undefined;

  constructor(parts: RelayParts, prev: Side) {
    this.#parts = parts;
    this.#prev = prev;
    this.handle = parts.context.handle();
    this.owner = new Owner(this, parts);
    this.caller = new Caller(this, parts);
    this.#service = new ServiceEnd(this, parts);
    parts.context.after(this.#timer('create'), HANDSHAKE_MS, () => this.destroy('timeout'));
  }

  get hop(): Hop {
    if (!this.#hop) throw new RemoteError('unexpected', 'the circuit is not open');
    return this.#hop;
  }

  /** Cells that wait on the link towards the origin. */
  get queued(): number {
    return this.#prev.link.machine.queued(this.#prev.circuit);
  }

  get opening(): boolean {
    return this.#state === 'creating' || this.#state === 'responding';
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get service(): ServiceEnd {
    return this.#service;
  }

  receive(cell: Cell): void {
    if (this.#state === 'creating' && cell.command === cellCommand.CREATE) this.#onCreate(cell.body);
    else if (this.#state === 'broken') return;
    else if (this.#state !== 'open')
      throw new RemoteError('unexpected', 'a cell before the handshake is done');
    else if (cell.command === cellCommand.RELAY || cell.command === cellCommand.RELAY_EARLY)
      this.#onRelay(cell);
    else throw new RemoteError('unexpected', 'a cell that is not RELAY');
  }

  closed(code: Code): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const name of ['create', 'extend', 'broken']) this.#parts.context.timers.clear(this.#timer(name));
    this.#closeNext();
    this.caller.closed(code);
    this.owner.closed();
    this.#parts.closed(this);
    this.#parts.context.changed();
  }

  /** Ends it from here, both ways. */
  destroy(code: Code): void {
    if (this.#state === 'closed') return;
    this.#parts.links.destroy(this.#prev.link, this.#prev.circuit, code);
    this.closed(code);
  }

  /** Sends a message of this hop's to the origin. */
  deliver(message: RelayMessage): void {
    if (this.#state === 'closed' || this.#state === 'broken') return;
    this.#back(this.hop.seal(message));
  }

  /** A message that may be longer than a cell. */
  deliverAll(stream: StreamId, command: RelayCommand, body: Uint8Array): void {
    for (const data of fragment(body, dataRoom(this.hop.position))) this.deliver({ stream, command, data });
  }

  /** Passes a body of the hop behind this one to the origin. Throws when its length is wrong. */
  passBack(body: Uint8Array): void {
    if (this.#state !== 'open') return;
    this.#pass(() => this.#back(this.hop.wrap(body)));
  }

  /** Tells the origin that the way on does not exist (any more), and waits for it to destroy the circuit. */
  refuse(code: Code): void {
    if (this.#state !== 'open') return;
    this.deliver({
      stream: 0 as StreamId,
      command: relayCommand.REFUSED,
      data: Uint8Array.of(byteOfCode(code)),
    });
    // Delivering may have overfilled the queue and so closed the circuit.
    if (!this.isOpen) return;
    this.#state = 'broken';
    this.#closeNext();
    this.#parts.context.after(this.#timer('broken'), HANDSHAKE_MS, () => this.destroy('none'));
  }

  #onCreate(part: Uint8Array): void {
    const onionskin = this.#create?.push(part);
    if (!onionskin) return;
    this.#state = 'responding';
    this.#create = undefined;
    const { context, id, onionKeys } = this.#parts;
    const accepted = context.respond({ id, onionKeys: onionKeys(), onionskin }, (result) => {
      if (this.#state !== 'responding') return;
      if ('code' in result) return this.destroy(result.code);
      context.guard(
        () => {
          this.#hop = new Hop(result.keys, decodeExtensions(result.extensions).hop);
          this.#open(result.reply);
        },
        (code) => this.destroy(code),
      );
    });
    if (!accepted) throw new RemoteError('too-many', 'handshakes under way');
  }

  #open(reply: Uint8Array): void {
    const { context, links } = this.#parts;
    if (this.hop.position >= MAX_HOPS)
      throw new RemoteError('unexpected', 'a node cannot stand in a contact’s place');
    this.#state = 'open';
    this.#parts.opened();
    context.timers.clear(this.#timer('create'));
    const { link, circuit } = this.#prev;
    links.send(
      link,
      fragment(reply, BODY_LENGTH).map((body) => ({ circuit, command: cellCommand.CREATED, body })),
    );
  }

  #onRelay(cell: Cell): void {
    const opened = this.hop.open(cell.command, cell.body);
    if (opened.kind === 'deliver') return this.#onMessage(opened.message, opened.early);
    const { command, body } = opened;
    this.#pass(() => {
      if (!this.#next || this.#reply) return this.caller.pass(command, body);
      const { link, circuit } = this.#next;
      this.#parts.links.send(link, [{ circuit, command, body }]);
    });
  }

  /** By the time that it is its turn the circuit may be no more. */
  #pass(run: () => void): void {
    const taken = this.#parts.pace(this, () => {
      if (this.#state !== 'open') return;
      run();
      this.#parts.passed();
    });
    if (!taken) this.destroy('queue-full');
  }

  #onMessage(message: RelayMessage, early: boolean): void {
    const { stream, command, data } = message;
    switch (command) {
      case relayCommand.EXTEND:
        return this.#onExtend(data, early);
      case relayCommand.PING:
        return this.deliver({ stream, command: relayCommand.PONG, data });
      case relayCommand.DROP:
        return;
      case relayCommand.CREDIT:
        if (stream !== 0) return this.owner.receive(message);
        return this.caller.joined ? this.caller.credit(data) : this.#service.credit(data);
      case relayCommand.REQUEST:
        return this.#service.request(stream, data);
      case relayCommand.JOIN:
        if (this.#next || this.#extend)
          throw new RemoteError('unexpected', 'JOIN at a hop that is not the last');
        return this.caller.join(data);
      default:
        return this.owner.receive(message);
    }
  }

  #onExtend(part: Uint8Array, early: boolean): void {
    if (this.#parts.directory) throw new RemoteError('refused', 'the directory extends no circuit');
    if (this.#next || this.caller.busy)
      throw new RemoteError('unexpected', 'EXTEND at a hop that is not the last');
    if (!this.#extend) {
      if (!early) throw new RemoteError('bad-early', 'an EXTEND has to be RELAY_EARLY');
      this.#extend = new Assembler(NODE_ID_LENGTH + MAX_ONIONSKIN);
    } else if (!this.#extend.busy) throw new RemoteError('unexpected', 'a second EXTEND');
    const whole = this.#extend.push(part);
    if (!whole) return;
    if (whole.length <= NODE_ID_LENGTH) throw new RemoteError('malformed', 'an EXTEND without an onionskin');
    const onionskin = whole.subarray(NODE_ID_LENGTH);
    this.#parts.dial(nodeId(whole.subarray(0, NODE_ID_LENGTH)), (link) => {
      if (this.#state !== 'open') return;
      if (typeof link === 'string') this.refuse(link);
      else this.#createNext(link, onionskin);
    });
  }

  #createNext(link: Link, onionskin: Uint8Array): void {
    const { links, context } = this.#parts;
    const circuit = links.newCircuit(link);
    this.#next = { link, circuit };
    this.#reply = new Assembler(2 * BODY_LENGTH);
    const receive = (cell: Cell): void => this.#onNext(cell);
    const closed = (code: Code): void => {
      this.#next = undefined;
      this.refuse(code === 'none' ? 'destroyed' : code);
    };
    links.attach(link, circuit, { own: false, receive, closed });
    const cells = fragment(onionskin, BODY_LENGTH).map((body) => ({
      circuit,
      command: cellCommand.CREATE,
      body,
    }));
    links.send(link, cells);
    context.after(this.#timer('extend'), HANDSHAKE_MS, () => this.refuse('timeout'));
  }

  #onNext(cell: Cell): void {
    if (!this.#reply) {
      if (cell.command !== cellCommand.RELAY)
        throw new RemoteError('unexpected', 'a backward cell that is not RELAY');
      return this.passBack(cell.body);
    }
    if (cell.command !== cellCommand.CREATED)
      throw new RemoteError('unexpected', 'not the CREATED that was due');
    const reply = this.#reply.push(cell.body);
    if (!reply) return;
    this.#reply = undefined;
    this.#parts.context.timers.clear(this.#timer('extend'));
    this.deliverAll(0 as StreamId, relayCommand.EXTENDED, reply);
  }

  #back(body: Uint8Array): void {
    const { link, circuit } = this.#prev;
    this.#parts.links.send(link, [{ circuit, command: cellCommand.RELAY, body }]);
  }

  #closeNext(): void {
    this.#parts.context.timers.clear(this.#timer('extend'));
    if (this.#next) this.#parts.links.destroy(this.#next.link, this.#next.circuit, 'none');
    this.#next = undefined;
  }

  #timer(name: string): string {
    return `relay:${String(this.handle)}:${name}`;
  }
}
