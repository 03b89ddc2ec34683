import { cellCommand } from '#shared/cell/commands.ts';
import { decodeCells, encodeCell, type Cell } from '#shared/cell/codec.ts';
import { CELL_LENGTH, CELLS_PER_MESSAGE } from '#shared/cell/geometry.ts';
import { concat } from '#shared/bytes/bytes.ts';
import { decodeKeepalive, encodeKeepalive } from '#shared/link/keepalive.ts';
import type { CircuitId } from '#shared/units.ts';
import type { SimNode } from './sim-node.ts';
import type { Talk } from './talk.ts';
import { say } from './talk.ts';
import type { World } from './world.ts';

/** One link of a conversation, in the direction from which its cells come. */
export type Spot = { from: SimNode; to: SimNode; circuit: CircuitId };

export type Direction = 'to the owner' | 'to the caller';

const isRelay = ({ command }: Cell): boolean =>
  command === cellCommand.RELAY || command === cellCommand.RELAY_EARLY;
const noise = (length: number): Uint8Array => new Uint8Array(length).fill(0xa5);
const encoded = (cells: Cell[]): Uint8Array => concat(...cells.map((cell) => encodeCell(cell, noise)));

type Seen = (from: SimNode, to: SimNode, cells: Cell[]) => void;

/** Looks at what goes over the links meanwhile. */
const watching = async (world: World, seen: Seen, work: () => Promise<void>): Promise<void> => {
  const { tamper } = world;
  world.tamper = (from, to, data) => {
    seen(from, to, decodeCells(data));
    return tamper(from, to, data);
  };
  await work();
  world.tamper = tamper;
};

/** Waits until there is nothing but keepalives on any link between nodes. */
const quiet = (world: World): Promise<void> => {
  let cellAt = world.clock.now();
  const note: Seen = (_, __, cells) => {
    if (cells.some(({ circuit }) => circuit !== 0)) cellAt = world.clock.now();
  };
  return watching(world, note, () =>
    world.until('the links are quiet', () => world.clock.now() - cellAt > 300, 60_000),
  );
};

/** The circuit ids on the seven links between the two users, found by one cell that goes all the way. */
export const spotsOf = async (world: World, talk: Talk, direction: Direction): Promise<Spot[]> => {
  await quiet(world);
  const seen: Spot[] = [];
  const forward = direction === 'to the owner';
  const note: Seen = (from, to, cells) => {
    for (const cell of cells) if (isRelay(cell)) seen.push({ from, to, circuit: cell.circuit });
  };
  await watching(world, note, async () => {
    if (forward) say(talk.caller, talk.callerChannel, Uint8Array.of(1));
    else say(talk.owner, talk.ownerChannel, Uint8Array.of(1));
    await world.clock.pass(300);
  });
  const chain = forward ? talk.chain : talk.chain.toReversed();
  return chain.slice(1).map((to, i) => {
    const at = seen.findIndex((each) => each.from === chain[i] && each.to === to);
    const spot = seen[at];
    if (!spot) throw new Error(`nothing went over link ${i + 1} (seed ${world.seed})`);
    seen.splice(0, at + 1);
    return spot;
  });
};

/** What a bad hop may put in the place of the first two of three cells of a circuit. */
export const cellFaults = {
  'a flipped bit': ([first, second]: Cell[]) => [flip(first as Cell), second as Cell],
  'a replayed cell': ([first, second]: Cell[]) => [first as Cell, first as Cell, second as Cell],
  'two cells swapped': ([first, second]: Cell[]) => [second as Cell, first as Cell],
  'a dropped cell': ([, second]: Cell[]) => [second as Cell],
  'a changed command': ([first, second]: Cell[]) => [early(first as Cell), second as Cell],
} as const;
export type CellFault = keyof typeof cellFaults;

/** What no link takes. */
export const messageFaults = {
  'a truncated message': (data: Uint8Array) => data.subarray(0, data.length - 1),
  'an oversized message': (data: Uint8Array) =>
    concat(data, new Uint8Array((CELLS_PER_MESSAGE + 1) * CELL_LENGTH - data.length)),
  'an unknown command': (data: Uint8Array) => data.slice().fill(99, 4, 5),
  'a used length over the cell’s': (data: Uint8Array) => data.slice().fill(0xff, 5, 7),
} as const;
export type MessageFault = keyof typeof messageFaults;

const flip = (cell: Cell): Cell => {
  const body = cell.body.slice();
  body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 0x10;
  return { ...cell, body };
};
const early = (cell: Cell): Cell => ({ ...cell, command: cellCommand.RELAY_EARLY });

type Fault = { spot: Spot; held: Cell[]; made: (cells: Cell[]) => Cell[] };

/**
 * Makes nodes misbehave, one at a time: two cells that a node would send on a circuit are held, and what the fault
 * makes of them is sent. A liar keeps its own counts in order, so the neighbour's acknowledgements are made to fit
 * them as long as the link stands.
 */
export class Saboteur {
  readonly #world: World;
  /** Cells more than were honestly sent, by who sent them to whom. */
  readonly #extra = new Map<string, number>();
  #fault: Fault | undefined;

  constructor(world: World) {
    this.#world = world;
    world.tamper = (from, to, data) => this.#pass(from, to, data);
  }

  /** One fault, once. */
  strike(spot: Spot, made: Fault['made']): void {
    this.#fault = { spot, held: [], made };
  }

  #pass(from: SimNode, to: SimNode, data: Uint8Array): Uint8Array[] {
    const more = this.#extra.get(`${to.name} ${from.name}`) ?? 0;
    const { spot } = this.#fault ?? {};
    const struck = spot?.from === from && spot.to === to;
    if (more === 0 && !struck) return [data];
    const cells = decodeCells(data).map((cell) => (more === 0 ? cell : corrected(cell, more)));
    const out = struck ? cells.flatMap((cell) => this.#strike(cell)) : cells;
    return out.map((cell) => encoded([cell]));
  }

  #strike(cell: Cell): Cell[] {
    const fault = this.#fault;
    if (!fault || !isRelay(cell) || cell.circuit !== fault.spot.circuit) return [cell];
    fault.held.push(cell);
    if (fault.held.length < 2) return [];
    this.#fault = undefined;
    const cells = fault.made(fault.held);
    const key = `${fault.spot.from.name} ${fault.spot.to.name}`;
    const more = (this.#extra.get(key) ?? 0) + cells.length - fault.held.length;
    // From when the cells arrive there.
    this.#world.clock.after(this.#world.delayMs, () => void this.#extra.set(key, more));
    return cells;
  }
}

const corrected = (cell: Cell, more: number): Cell => {
  if (cell.command !== cellCommand.KEEPALIVE) return cell;
  const keepalive = decodeKeepalive(cell.body);
  return { ...cell, body: encodeKeepalive({ ...keepalive, received: keepalive.received - more }) };
};

/** The next message with a cell of the circuit is changed. */
export const garble = (world: World, spot: Spot, fault: (data: Uint8Array) => Uint8Array): void => {
  let done = false;
  world.tamper = (from, to, data) => {
    if (done || from !== spot.from || to !== spot.to) return [data];
    if (!decodeCells(data).some(({ circuit }) => circuit === spot.circuit)) return [data];
    done = true;
    return [fault(data)];
  };
};
