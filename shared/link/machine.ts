import { Reader } from '../bytes/reader.ts';
import { type Cell, decodeCells, encodeCell, LINK } from '../cell/codec.ts';
import { cellCommand } from '../cell/commands.ts';
import { CELL_LENGTH, CELLS_PER_MESSAGE } from '../cell/geometry.ts';
import type { Rng } from '../crypto/rng.ts';
import { RemoteError } from '../errors.ts';
import type { CircuitId, Millis } from '../units.ts';
import { decodeKeepalive, encodeKeepalive, heldUs, type Keepalive } from './keepalive.ts';
import { CellQueues, Fifo } from './queues.ts';
import { Window } from './window.ts';

/** Cells that one circuit may have queued on a link. */
export const QUEUE_CAP = 1024;

/** An acknowledgement goes out with this many cells received, or this long after the first of them. */
const ACK_CELLS = 7;
const ACK_DELAY_MS = 20;

const PING_MS = 3_000;
const MISSED_PINGS = 3;

export type LinkOptions = {
  /** This side opened the link: its circuit ids are odd. */
  opener: boolean;
  rng: Rng;
  now: Millis;
};

/**
 * One link: cells in turn from its circuits' queues into messages, behind a window of unacknowledged bytes, and
 * messages back into cells. It answers and sends KEEPALIVE cells itself (layout: `keepalive.ts`); they stand outside
 * the counts and the window.
 *
 * The owner calls `flush` after anything that may have made something to send (`receive`, `enqueue`, `tick`) and hands
 * its messages to the carrier, and calls `tick` then `flush` at `wakeAt`. `now` never goes back.
 */
export class LinkMachine {
  readonly #opener: boolean;
  readonly #rng: Rng;
  readonly #queues = new CellQueues(QUEUE_CAP);
  /** DESTROYs, which go before everything else. */
  readonly #control = new Fifo<Uint8Array>();
  readonly #window: Window;

  #sent = 0;
  #acknowledged = 0;
  /** When which cells went out: the count of cells sent up to then. */
  readonly #departures = new Fifo<{ upTo: number; at: Millis }>();

  #received = 0;
  #receivedAt: Millis;
  #unacknowledged = 0;
  #ackDueAt = Infinity;

  #pingAt: Millis;
  #pingDue = false;
  #pings = 0;
  #lastPong = 0;
  readonly #pingsOut = new Fifo<{ token: number; at: Millis }>();
  #pongDue: { token: number; since: Millis } | undefined;
  #heard = true;
  #missed = 0;

  constructor({ opener, rng, now }: LinkOptions) {
    this.#opener = opener;
    this.#rng = rng;
    this.#window = new Window(now);
    this.#receivedAt = now;
    this.#pingAt = now;
  }

  /** Cells sent and received, KEEPALIVE aside. */
  get sent(): number {
    return this.#sent;
  }

  get received(): number {
    return this.#received;
  }

  /** Smoothed round trip, or null before the first was measured. */
  get rttMs(): number | null {
    return this.#window.rttMs;
  }

  /** Bytes that may be unacknowledged at present. */
  get windowBytes(): number {
    return this.#window.bytes;
  }

  /** The cells that are a circuit's or gossip, as views on `message`. Throws `malformed`; the link should then be closed. */
  receive(message: Uint8Array, now: Millis): Cell[] {
    const cells = decodeCells(message);
    this.#heard = true;
    return cells.filter((cell) => {
      if (cell.command === cellCommand.KEEPALIVE) {
        this.#onKeepalive(decodeKeepalive(cell.body), now);
        return false;
      }
      this.#received += 1;
      this.#receivedAt = now;
      this.#unacknowledged += 1;
      if (this.#unacknowledged === 1) this.#ackDueAt = now + ACK_DELAY_MS;
      return cell.command !== cellCommand.PADDING;
    });
  }

  /** Whether the other side may CREATE a circuit under this id: the parity of its side. */
  peerMayOpen(circuit: CircuitId): boolean {
    return circuit !== LINK && circuit % 2 === (this.#opener ? 0 : 1);
  }

  /** A random id of this side's parity that `inUse` does not know. */
  newCircuitId(inUse: (id: CircuitId) => boolean): CircuitId {
    for (;;) {
      const random = new Reader(this.#rng(4)).u32();
      const id = ((random - (random % 2) + (this.#opener ? 1 : 0)) >>> 0) as CircuitId;
      if (id !== LINK && !inUse(id)) return id;
    }
  }

  /**
   * False when there is no room: the circuit's `QUEUE_CAP` cells are queued, or, for a DESTROY, as many DESTROYs: then
   * the other side takes nothing any more and the link should be closed. A DESTROY drops its circuit's queue.
   */
  enqueue(cell: Cell): boolean {
    if (cell.command !== cellCommand.DESTROY) {
      if (this.#queues.queued(cell.circuit) >= QUEUE_CAP) return false;
      return this.#queues.push(cell.circuit, encodeCell(cell, this.#rng));
    }
    this.#queues.drop(cell.circuit);
    if (this.#control.length >= QUEUE_CAP) return false;
    this.#control.push(encodeCell(cell, this.#rng));
    return true;
  }

  queued(circuit: CircuitId): number {
    return this.#queues.queued(circuit);
  }

  /** Forgets what is queued of a circuit that is no more. */
  drop(circuit: CircuitId): void {
    this.#queues.drop(circuit);
  }

  /** The messages, of 1 to 14 cells each, that may go out now. */
  flush(now: Millis): Uint8Array[] {
    const cells: Uint8Array[] = [];
    this.#flushKeepalives(cells, now);
    if (this.#control.length + this.#queues.length > 0) this.#flushQueues(cells, now);
    return messagesOf(cells);
  }

  /** When `tick` is due next. */
  wakeAt(): Millis {
    return Math.min(this.#pingAt, this.#ackDueAt);
  }

  /** `dead` when nothing at all was heard over three pings (9 s); the link should then be closed. */
  tick(now: Millis): 'alive' | 'dead' {
    if (now >= this.#pingAt && this.#missed < MISSED_PINGS) {
      // Counted by pings, not by the clock: a page that was frozen gets its grace after it wakes.
      this.#missed = this.#heard ? 0 : this.#missed + 1;
      this.#heard = false;
      this.#pingDue = true;
      this.#pingAt = now + PING_MS;
    }
    return this.#missed < MISSED_PINGS ? 'alive' : 'dead';
  }

  #flushKeepalives(cells: Uint8Array[], now: Millis): void {
    if (this.#pingDue) {
      this.#pingDue = false;
      this.#pings += 1;
      this.#pingsOut.push({ token: this.#pings, at: now });
      if (this.#pingsOut.length > MISSED_PINGS) this.#pingsOut.shift();
      cells.push(this.#keepalive('ping', this.#receivedAt, this.#pings, now));
    }
    if (this.#pongDue) {
      const { token, since } = this.#pongDue;
      this.#pongDue = undefined;
      cells.push(this.#keepalive('pong', since, token, now));
    }
    if (this.#unacknowledged >= ACK_CELLS || now >= this.#ackDueAt) {
      cells.push(this.#keepalive('ack', this.#receivedAt, 0, now));
      this.#unacknowledged = 0;
      this.#ackDueAt = Infinity;
    }
  }

  #keepalive(kind: Keepalive['kind'], since: Millis, token: number, now: Millis): Uint8Array {
    const body = encodeKeepalive({ kind, received: this.#received, heldUs: heldUs(now - since), token });
    return encodeCell({ circuit: LINK, command: cellCommand.KEEPALIVE, body }, this.#rng);
  }

  #flushQueues(cells: Uint8Array[], now: Millis): void {
    this.#window.begin(this.#sent - this.#acknowledged, now);
    const last = this.#acknowledged + Math.floor(this.#window.bytes / CELL_LENGTH);
    const before = this.#sent;
    while (this.#sent < last) {
      const cell = this.#control.shift() ?? this.#queues.shift();
      if (!cell) break;
      cells.push(cell);
      this.#sent += 1;
    }
    if (this.#sent > before) this.#departures.push({ upTo: this.#sent, at: now });
    this.#window.sent(this.#sent - this.#acknowledged, this.#control.length + this.#queues.length > 0);
  }

  #onKeepalive({ kind, received, heldUs, token }: Keepalive, now: Millis): void {
    if (received > this.#sent || received < this.#acknowledged) {
      throw new RemoteError('malformed', 'an acknowledgement of cells that were not sent');
    }
    if (kind === 'ping') this.#pongDue = { token, since: now };
    if (kind === 'pong') this.#onPong(token, heldUs / 1000, now);
    if (received > this.#acknowledged) {
      this.#onAcknowledged(received, kind === 'pong' ? undefined : heldUs / 1000, now);
    }
  }

  #onPong(token: number, heldMs: number, now: Millis): void {
    if (token <= this.#lastPong || token > this.#pings) {
      throw new RemoteError('malformed', 'an answer to a ping that was not sent');
    }
    this.#lastPong = token;
    while ((this.#pingsOut.first?.token ?? Infinity) < token) this.#pingsOut.shift();
    if (this.#pingsOut.first?.token === token) this.#measured(now - this.#pingsOut.first.at - heldMs, now);
  }

  #onAcknowledged(received: number, heldMs: number | undefined, now: Millis): void {
    const cells = received - this.#acknowledged;
    this.#acknowledged = received;
    while ((this.#departures.first?.upTo ?? Infinity) < received) this.#departures.shift();
    const departure = this.#departures.first;
    if (departure && heldMs !== undefined) this.#measured(now - departure.at - heldMs, now);
    if (departure?.upTo === received) this.#departures.shift();
    this.#window.acknowledged(cells, received, this.#sent, now);
  }

  /** A held time that is longer than the whole round trip is a lie or a clock's leap, and measures nothing. */
  #measured(rttMs: number, now: Millis): void {
    if (rttMs >= 0) this.#window.measured(rttMs, now);
  }
}

/** Joins cells into as few messages as there can be. */
const messagesOf = (cells: Uint8Array[]): Uint8Array[] => {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < cells.length; at += CELLS_PER_MESSAGE) {
    const count = Math.min(CELLS_PER_MESSAGE, cells.length - at);
    if (count === 1) {
      messages.push(cells[at] as Uint8Array);
      continue;
    }
    const message = new Uint8Array(count * CELL_LENGTH);
    for (let i = 0; i < count; i++) message.set(cells[at + i] as Uint8Array, i * CELL_LENGTH);
    messages.push(message);
  }
  return messages;
};
