import { cellCommand } from '#shared/cell/commands.ts';
import { BODY_LENGTH } from '#shared/cell/geometry.ts';
import type { Cell } from '#shared/cell/codec.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { LinkMachine } from '#shared/link/machine.ts';
import type { CircuitId, Millis } from '#shared/units.ts';

export const circuit = (id: number): CircuitId => id as CircuitId;

export const relayCell = (id: number, first = 0): Cell => {
  const body = new Uint8Array(BODY_LENGTH);
  new DataView(body.buffer).setUint32(0, first);
  return { circuit: circuit(id), command: cellCommand.RELAY, body };
};

export const machine = (opener: boolean, now: Millis = 0): LinkMachine =>
  new LinkMachine({ opener, rng: seededRng(new Uint8Array(32).fill(opener ? 1 : 2)), now });

/** One direction: bytes a millisecond through a bottleneck whose queue never drops, then a delay. */
export type Path = { bytesPerMs: number; delayMs: number };

type Side = {
  machine: LinkMachine;
  path: Path;
  busyUntil: Millis;
  bytes: number;
  deepest: number;
  cells: Cell[];
  dead: boolean;
  wakesAt: Millis;
};

/** Two machines joined by two paths, on a clock of its own. */
export class Pipe {
  now = 0;
  readonly opener: Side;
  readonly other: Side;
  /** Called before each flush: the place to enqueue from. */
  feed: (side: Side) => void = () => undefined;
  /** Nothing arrives any more. */
  cut = false;
  #events: { at: Millis; order: number; run: () => void }[] = [];
  #order = 0;

  constructor(there: Path, back: Path = there) {
    const side = (opener: boolean, path: Path): Side => ({
      machine: machine(opener),
      path,
      busyUntil: 0,
      bytes: 0,
      deepest: 0,
      cells: [],
      dead: false,
      wakesAt: Infinity,
    });
    this.opener = side(true, there);
    this.other = side(false, back);
    for (const each of [this.opener, this.other]) this.#wake(each);
  }

  run(untilMs: Millis): void {
    for (;;) {
      const next = this.#events[0];
      if (!next || next.at > untilMs) break;
      this.#events.shift();
      this.now = next.at;
      next.run();
    }
    this.now = untilMs;
  }

  flush(side: Side): void {
    this.feed(side);
    for (const message of side.machine.flush(this.now)) this.#send(side, message);
    this.#wake(side);
  }

  #send(from: Side, message: Uint8Array): void {
    const to = from === this.opener ? this.other : this.opener;
    from.busyUntil = Math.max(this.now, from.busyUntil) + message.length / from.path.bytesPerMs;
    from.bytes += message.length;
    from.deepest = Math.max(from.deepest, (from.busyUntil - this.now) * from.path.bytesPerMs);
    this.#at(from.busyUntil + from.path.delayMs, () => {
      if (this.cut) return;
      to.cells.push(...to.machine.receive(message, this.now));
      this.flush(to);
    });
  }

  /** What a driver does: one timer at the earliest time that was asked for. */
  #wake(side: Side): void {
    const due = side.machine.wakeAt();
    if (side.dead || due >= side.wakesAt) return;
    side.wakesAt = due;
    this.#at(due, () => {
      if (side.wakesAt !== due) return;
      side.wakesAt = Infinity;
      side.dead = side.machine.tick(this.now) === 'dead';
      if (!side.dead) this.flush(side);
    });
  }

  #at(at: Millis, run: () => void): void {
    const event = { at, order: this.#order++, run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle] as { at: number }).at <= at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }
}
