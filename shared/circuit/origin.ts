import { fragment, Assembler } from '../bytes/fragments.ts';
import { BODY_LENGTH, EARLY_CELLS, dataRoom } from '../cell/geometry.ts';
import { cellCommand, relayCommand, type RelayCommand } from '../cell/commands.ts';
import type { Cell } from '../cell/codec.ts';
import { capacity } from '../cell/geometry.ts';
import { decodeRelay, encodeRelay, isWhole, type RelayMessage } from '../cell/relay.ts';
import type { Rng } from '../crypto/rng.ts';
import { LocalError, RemoteError } from '../errors.ts';
import { encodeExtensions } from '../handshake/extensions.ts';
import { finish, start, type HandshakeState, type Responder } from '../handshake/ntor.ts';
import { OnionStack } from '../onion/stack.ts';
import type { CircuitId, StreamId } from '../units.ts';

/** Bytes of the longest handshake reply that is put together from fragments. */
const MAX_REPLY = 2048;

export type OriginState = 'new' | 'creating' | 'ready' | 'extending' | 'joining';

/** What each state takes as the answer to its handshake; anything else is `unexpected`. */
const answers: Record<OriginState, RelayCommand | 'CREATED' | undefined> = {
  new: undefined,
  creating: 'CREATED',
  ready: undefined,
  extending: relayCommand.EXTENDED,
  joining: relayCommand.JOINED,
};

export type OriginEvent =
  { type: 'grown'; hops: number } | { type: 'message'; hop: number; message: RelayMessage };

/** The initiator's half of a circuit: handshakes outward hop by hop, and the stack of layers. */
export class OriginCircuit {
  readonly id: CircuitId;
  readonly #rng: Rng;
  readonly #stack = new OnionStack();
  readonly #bindings: Uint8Array[] = [];
  #state: OriginState = 'new';
  #handshake: { state: HandshakeState; reply: Assembler } | undefined;
  #early = EARLY_CELLS;

  constructor(id: CircuitId, rng: Rng) {
    this.id = id;
    this.#rng = rng;
  }

  get hops(): number {
    return this.#stack.length;
  }

  get state(): OriginState {
    return this.#state;
  }

  /** The last hop's binding, which ties a signature to this circuit. */
  binding(hop: number): Uint8Array {
    const binding = this.#bindings[hop - 1];
    if (!binding) throw new LocalError('internal', 'no such hop');
    return binding;
  }

  /** CREATE cells for the first hop: body = one fragment of the onionskin each. */
  create(responder: Responder): Cell[] {
    const onionskin = this.#begin('creating', responder);
    return fragment(onionskin, BODY_LENGTH).map((body) => ({
      circuit: this.id,
      command: cellCommand.CREATE,
      body,
    }));
  }

  /** EXTEND by one more hop: message = node id (32) ‖ onionskin. */
  extend(responder: Responder, head: Uint8Array): Cell[] {
    return this.#grow('extending', relayCommand.EXTEND, responder, head);
  }

  /** JOIN the inbox under a tag at the last hop: message = tag (16) ‖ onionskin. The contact becomes the next hop. */
  join(responder: Responder, tag: Uint8Array): Cell[] {
    const cells = this.#grow('joining', relayCommand.JOIN, responder, tag);
    // A bridge carries bodies alone, so that what follows has to be plain RELAY.
    this.#early = 0;
    return cells;
  }

  send(hop: number, message: RelayMessage): Cell {
    const command = this.#early > 0 ? cellCommand.RELAY_EARLY : cellCommand.RELAY;
    this.#early = Math.max(0, this.#early - 1);
    const body = this.#stack.sealTo(hop, command, encodeRelay(message, capacity(hop)));
    return { circuit: this.id, command, body };
  }

  /** Throws the code with which the circuit is to be destroyed. */
  receive(cell: Cell): OriginEvent | undefined {
    if (cell.command === cellCommand.CREATED) {
      if (answers[this.#state] !== 'CREATED') throw new RemoteError('unexpected', 'CREATED');
      return this.#answer(cell.body);
    }
    if (cell.command !== cellCommand.RELAY)
      throw new RemoteError('unexpected', 'a backward cell that is not RELAY');
    const { hop, message: bytes } = this.#stack.open(cell.body);
    if (!isWhole(bytes, hop)) throw new RemoteError('malformed', 'a message of the wrong length');
    const message = decodeRelay(bytes);
    if (message.command === relayCommand.EXTENDED || message.command === relayCommand.JOINED) {
      if (answers[this.#state] !== message.command || hop !== this.hops) throw new RemoteError('unexpected');
      return this.#answer(message.data);
    }
    return { type: 'message', hop, message };
  }

  #begin(state: OriginState, responder: Responder): Uint8Array {
    if (this.#handshake) throw new LocalError('internal', 'a handshake is under way');
    const hop = this.hops + 1;
    const { state: handshake, onionskin } = start(this.#rng, responder, encodeExtensions({ hop }));
    this.#handshake = { state: handshake, reply: new Assembler(MAX_REPLY) };
    this.#state = state;
    return onionskin;
  }

  #grow(state: OriginState, command: RelayCommand, responder: Responder, head: Uint8Array): Cell[] {
    const onionskin = this.#begin(state, responder);
    const message = new Uint8Array(head.length + onionskin.length);
    message.set(head);
    message.set(onionskin, head.length);
    const stream = 0 as StreamId;
    return fragment(message, dataRoom(this.hops)).map((data) =>
      this.send(this.hops, { stream, command, data }),
    );
  }

  #answer(part: Uint8Array): OriginEvent | undefined {
    const handshake = this.#handshake;
    const reply = handshake?.reply.push(part);
    if (!handshake || !reply) return undefined;
    const keys = finish(handshake.state, reply);
    this.#handshake = undefined;
    this.#stack.add(keys);
    this.#bindings.push(keys.binding);
    this.#state = 'ready';
    return { type: 'grown', hops: this.hops };
  }
}
