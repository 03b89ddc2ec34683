import { Assembler } from '../bytes/fragments.ts';
import { BODY_LENGTH, CONTACT_HOP, EXIT_HOP } from '../cell/geometry.ts';
import { cellCommand, relayCommand, type CellCommand } from '../cell/commands.ts';
import type { RelayMessage } from '../cell/relay.ts';
import { creditCells, creditMessage } from '../circuit/credit-message.ts';
import { FIRST_WINDOW, SendCredit } from '../circuit/credits.ts';
import { RemoteError, byteOfCode, codeOf, type Code } from '../errors.ts';
import { readInboxOpen, TAG_LENGTH } from '../rendezvous/inbox.ts';
import type { Millis, StreamId } from '../units.ts';
import type { Context } from './context.ts';
import type { InboxAdmission } from './inbox-admission.ts';
import { MAX_ONIONSKIN } from './limits.ts';
import type { RelayEnd } from './relay-end.ts';

/** Bridges that one inbox circuit carries at once. */
const MAX_BRIDGES = 64;

/** The owner's answer to an introduction is awaited for this long. */
const ACCEPT_MS: Millis = 10_000;

/** Queued cells towards an owner over which the newest bridge is closed, some way below the link's own bound. */
const FULL_QUEUE = 960;

const CIRCUIT = 0 as StreamId;

/**
 * A caller's circuit joined to a stream of an inbox circuit at their common exit. The exit copies bodies between
 * them and holds both sides to the credit that the other granted.
 */
type Bridge = {
  readonly caller: Caller;
  readonly owner: Owner;
  readonly stream: StreamId;
  readonly reply: Assembler;
  readonly toOwner: SendCredit;
  readonly toCaller: SendCredit;
  joined: boolean;
};

export type BridgeParts = { readonly context: Context; readonly inboxes: InboxAdmission<Owner> };

/** The end of a circuit whose origin asks to be joined to an inbox. */
export class Caller {
  readonly circuit: RelayEnd;
  readonly #parts: BridgeParts;
  #join: Assembler | undefined;
  #bridge: Bridge | undefined;

  constructor(circuit: RelayEnd, parts: BridgeParts) {
    this.circuit = circuit;
    this.#parts = parts;
  }

  get joined(): boolean {
    return this.#bridge?.joined === true;
  }

  get busy(): boolean {
    return this.#join !== undefined;
  }

  /** JOIN: tag (16) ‖ onionskin, in fragments. */
  join(part: Uint8Array): void {
    // The contact's layer has one length, which fits an inbox circuit of three hops.
    if (this.circuit.hop.position !== CONTACT_HOP - 1)
      throw new RemoteError('unexpected', 'JOIN at this hop');
    if (this.#join && !this.#join.busy) throw new RemoteError('unexpected', 'a second JOIN');
    this.#join ??= new Assembler(TAG_LENGTH + MAX_ONIONSKIN);
    const whole = this.#join.push(part);
    if (!whole) return;
    try {
      const owner = this.#parts.inboxes.introduce(whole.subarray(0, TAG_LENGTH));
      this.#bridge = owner.introduce(this, whole.subarray(TAG_LENGTH));
    } catch (error) {
      // A wrong tag is not a broken circuit: the origin learns why and may try another inbox.
      this.circuit.refuse(codeOf(error));
    }
  }

  accepted(bridge: Bridge, reply: Uint8Array): void {
    bridge.joined = true;
    this.circuit.deliverAll(CIRCUIT, relayCommand.JOINED, reply);
  }

  /** The body behind this hop's layer goes to the inbox's owner. */
  pass(command: CellCommand, body: Uint8Array): void {
    const bridge = this.#bridge;
    if (!bridge?.joined) throw new RemoteError('unexpected', 'a cell for a hop that is not there');
    if (command !== cellCommand.RELAY) throw new RemoteError('bad-early', 'RELAY_EARLY over a bridge');
    if (!bridge.toOwner.take()) throw new RemoteError('credit-exceeded');
    bridge.owner.forward(bridge.stream, body);
  }

  /** The caller lets the owner send more. */
  credit(data: Uint8Array): void {
    const bridge = this.#bridge;
    if (!bridge) return;
    const cells = creditCells(data);
    bridge.toCaller.grant(cells);
    bridge.owner.circuit.deliver(creditMessage(bridge.stream, cells));
  }

  /** The owner's side is over. */
  end(code: Code): void {
    this.#bridge = undefined;
    this.circuit.refuse(code);
  }

  closed(code: Code): void {
    const bridge = this.#bridge;
    this.#bridge = undefined;
    if (bridge) bridge.owner.end(bridge.stream, code);
  }
}

/** The end of a circuit whose origin holds inboxes here. */
export class Owner {
  readonly circuit: RelayEnd;
  readonly #parts: BridgeParts;
  readonly #bridges = new Map<StreamId, Bridge>();
  #lastStream = 0;

  constructor(circuit: RelayEnd, parts: BridgeParts) {
    this.circuit = circuit;
    this.#parts = parts;
  }

  /** A message of the inbox's owner. Throws `unexpected` on what no owner sends. */
  receive(message: RelayMessage): void {
    const { stream, command, data } = message;
    if (command === relayCommand.INBOX_OPEN) return this.#open(data);
    if (command === relayCommand.END && stream === CIRCUIT) return this.#giveUp();
    const bridge = this.#bridges.get(stream);
    const known = [
      relayCommand.ACCEPT,
      relayCommand.BRIDGED,
      relayCommand.CREDIT,
      relayCommand.END,
    ] as number[];
    if (!known.includes(command)) throw new RemoteError('unexpected', 'a message for another kind of hop');
    // A bridge that is just closed may still be written to.
    if (!bridge) return;
    this.#parts.context.guard(
      () => this.#onStream(bridge, message.command, data),
      (code) => this.#close(bridge, code),
    );
  }

  /** Announces a caller. Throws `too-many`. */
  introduce(caller: Caller, onionskin: Uint8Array): Bridge {
    if (this.#bridges.size >= MAX_BRIDGES) throw new RemoteError('too-many', 'bridges');
    const stream = this.#newStream();
    const bridge: Bridge = {
      caller,
      owner: this,
      stream,
      reply: new Assembler(2 * BODY_LENGTH),
      toOwner: new SendCredit(FIRST_WINDOW),
      toCaller: new SendCredit(FIRST_WINDOW),
      joined: false,
    };
    this.#bridges.set(stream, bridge);
    this.circuit.deliverAll(stream, relayCommand.INCOMING, onionskin);
    this.#parts.context.after(this.#timer(stream), ACCEPT_MS, () => this.#close(bridge, 'timeout'));
    return bridge;
  }

  forward(stream: StreamId, data: Uint8Array): void {
    if (this.circuit.queued >= FULL_QUEUE) {
      const newest = [...this.#bridges.values()].at(-1);
      if (newest) this.#close(newest, 'queue-full');
      if (newest?.stream === stream) return;
    }
    this.circuit.deliver({ stream, command: relayCommand.BRIDGED, data });
  }

  /** The caller is gone. */
  end(stream: StreamId, code: Code): void {
    if (!this.#bridges.delete(stream)) return;
    this.#parts.context.timers.clear(this.#timer(stream));
    this.circuit.deliver({ stream, command: relayCommand.END, data: Uint8Array.of(byteOfCode(code)) });
  }

  closed(): void {
    this.#parts.inboxes.closed(this);
    for (const bridge of [...this.#bridges.values()]) {
      this.#parts.context.timers.clear(this.#timer(bridge.stream));
      this.#bridges.delete(bridge.stream);
      bridge.caller.end('destroyed');
    }
  }

  #open(data: Uint8Array): void {
    if (this.circuit.hop.position !== EXIT_HOP) throw new RemoteError('unexpected', 'an inbox at this hop');
    const { tag, ticket } = readInboxOpen(data, this.circuit.hop.binding);
    this.#parts.inboxes.open(this, tag, ticket);
  }

  #giveUp(): void {
    if (this.#parts.inboxes.giveUp(this)) this.circuit.destroy('finished');
  }

  #onStream(bridge: Bridge, command: number, data: Uint8Array): void {
    if (command === relayCommand.END) return this.#close(bridge, 'finished');
    if (command === relayCommand.ACCEPT) {
      if (bridge.joined) throw new RemoteError('unexpected', 'a second ACCEPT');
      const reply = bridge.reply.push(data);
      if (!reply) return;
      this.#parts.context.timers.clear(this.#timer(bridge.stream));
      return bridge.caller.accepted(bridge, reply);
    }
    if (!bridge.joined) throw new RemoteError('unexpected', 'a bridge that is not accepted yet');
    if (command === relayCommand.BRIDGED) {
      if (!bridge.toCaller.take()) throw new RemoteError('credit-exceeded');
      return bridge.caller.circuit.passBack(data);
    }
    const cells = creditCells(data);
    bridge.toOwner.grant(cells);
    bridge.caller.circuit.deliver(creditMessage(CIRCUIT, cells));
  }

  #close(bridge: Bridge, code: Code): void {
    this.end(bridge.stream, code);
    bridge.caller.end(code);
  }

  #newStream(): StreamId {
    do this.#lastStream = (this.#lastStream % 0xffff) + 1;
    while (this.#bridges.has(this.#lastStream as StreamId));
    return this.#lastStream as StreamId;
  }

  #timer(stream: StreamId): string {
    return `bridge:${String(this.circuit.handle)}:${String(stream)}`;
  }
}
