import type { Cell } from '#shared/cell/codec.ts';
import { cellCommand } from '#shared/cell/commands.ts';
import { RemoteError } from '#shared/errors.ts';
import { RelayCircuit } from '#shared/node/relay-circuit.ts';
import type { Millis } from '#shared/units.ts';
import type { SimNode } from './sim-node.ts';
import type { World } from './world.ts';

/**
 * What a bad node does with the circuits of others, while it answers heartbeats like any: drops what it should pass on, holds
 * it, spoils what goes back, or takes no circuit at all.
 */
export type Vandalism = 'drop' | 'delay' | 'spoil' | 'refuse';

export const HELD_MS: Millis = 3_000;

/** Backward cells of a circuit that are let through unspoilt: those that build it. */
const UNSPOILT = 6;

/** Makes nodes of a world bad. One at a time in a process; `end` makes all nodes honest. */
export class Vandals {
  readonly #world: World;
  readonly #bad = new Map<SimNode, Vandalism>();
  /** Whose turn it is: a circuit does not know its node. */
  #current: SimNode | undefined;
  readonly #watched = new Set<SimNode>();
  readonly #passed = new WeakMap<RelayCircuit, number>();
  readonly end: () => void;

  constructor(world: World) {
    this.#world = world;
    const { prototype } = RelayCircuit;
    const { receive, passBack } = prototype;
    const received = (circuit: RelayCircuit, cell: Cell): void =>
      this.#receive(circuit, cell, (each) => receive.call(circuit, each));
    const spoilt = (circuit: RelayCircuit, body: Uint8Array): Uint8Array => this.#spoilt(circuit, body);
    prototype.receive = function (this: RelayCircuit, cell: Cell): void {
      received(this, cell);
    };
    prototype.passBack = function (this: RelayCircuit, body: Uint8Array): void {
      passBack.call(this, spoilt(this, body));
    };
    this.end = () => Object.assign(prototype, { receive, passBack });
  }

  be(node: SimNode, what: Vandalism | undefined): void {
    this.#watch(node);
    if (what === undefined) this.#bad.delete(node);
    else this.#bad.set(node, what);
  }

  #watch(simNode: SimNode): void {
    if (this.#watched.has(simNode)) return;
    this.#watched.add(simNode);
    const { node } = simNode;
    const receive = node.receive.bind(node);
    node.receive = (...input) => {
      this.#current = simNode;
      try {
        return receive(...input);
      } finally {
        this.#current = undefined;
      }
    };
  }

  #receive(circuit: RelayCircuit, cell: Cell, honest: (cell: Cell) => void): void {
    const node = this.#current;
    const what = node && this.#bad.get(node);
    if (what === 'refuse') throw new RemoteError('refused');
    if (cell.command !== cellCommand.RELAY || !circuit.isOpen) return honest(cell);
    if (what === 'drop') return;
    if (what !== 'delay') return honest(cell);
    this.#world.clock.after(HELD_MS, () => {
      if (circuit.isOpen) honest(cell);
      node?.driver.input({ type: 'wake' });
    });
  }

  #spoilt(circuit: RelayCircuit, body: Uint8Array): Uint8Array {
    const count = (this.#passed.get(circuit) ?? 0) + 1;
    this.#passed.set(circuit, count);
    const node = this.#current;
    if (!node || this.#bad.get(node) !== 'spoil' || count <= UNSPOILT) return body;
    const spoilt = body.slice();
    spoilt[500] = (spoilt[500] ?? 0) ^ 1;
    return spoilt;
  }
}
