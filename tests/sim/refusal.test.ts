import { beforeEach, describe, expect, it } from 'vitest';
import { cellCommand, type CellCommand } from '#shared/cell/commands.ts';
import { decodeCells, encodeCell } from '#shared/cell/codec.ts';
import { byteOfCode, codeOfByte } from '#shared/errors.ts';
import type { NodeId } from '#shared/units.ts';
import type { EventOf, SimNode } from './sim-node.ts';
import { World } from './world.ts';

const HOPS = 4;
const noise = (length: number): Uint8Array => new Uint8Array(length);

/** The newcomer's own circuit to the directory: guard, middle, exit, directory. */
const mainOf = (node: SimNode): NodeId[] | undefined =>
  node.node.circuits.find(
    ({ purpose, state, hops }) => purpose === 'directory' && state === 'open' && hops === HOPS,
  )?.path;

const failures = (node: SimNode): EventOf<'circuit-failed'>[] =>
  node.seen('circuit-failed').filter(({ purpose, path }) => purpose === 'directory' && path.length === HOPS);

describe('a newcomer that registers through four hops', () => {
  let world: World;
  let relays: SimNode[];

  beforeEach(async () => {
    world = await new World({ seed: 21, directoryHops: HOPS }).start();
    relays = await world.relays(8);
  });

  const join = async (limitMs = 60_000): Promise<SimNode> => {
    const newcomer = world.add('newcomer', true);
    await world.until('the newcomer is registered', () => newcomer.node.registered, limitMs);
    return newcomer;
  };

  /** Registered, by the directory's word too, over four hops that stand. */
  const expectRegistered = async (newcomer: SimNode): Promise<NodeId[]> => {
    expect((await world.directory.live.presence(newcomer.id))?.node).toBe(newcomer.id);
    const path = mainOf(newcomer) ?? [];
    expect(path).toHaveLength(HOPS);
    expect(path.at(-1)).toBe(world.directoryId);
    expect(new Set(path).size).toBe(HOPS);
    expect(world.faults()).toEqual([]);
    return path;
  };

  /** Answers each CREATE of the newcomer's by DESTROY, as a full node would, where `by` says so. */
  const reject = (by: (node: SimNode) => boolean): void => {
    world.tamper = (from, to, data) => {
      if (to.name !== 'newcomer') return [data];
      const cells = decodeCells(data).map((cell) =>
        cell.command === cellCommand.CREATED && by(from)
          ? { ...cell, command: cellCommand.DESTROY, body: Uint8Array.of(byteOfCode('too-many')) }
          : cell,
      );
      return cells.map((cell) => encodeCell(cell, noise));
    };
  };

  /** The first few that are asked, and no others, for ever. */
  const first = (count: number, nodes: Set<SimNode>) => (node: SimNode) => {
    if (nodes.size < count) nodes.add(node);
    return nodes.has(node);
  };

  it('asks hop by hop, and hears back hop by hop', async () => {
    const newcomer = await join();
    const path = await expectRegistered(newcomer);
    expect(failures(newcomer)).toEqual([]);
    const [guard, middle, exit] = path.slice(0, 3).map((id) => world.byId(id)) as [SimNode, SimNode, SimNode];
    const { at: registeredAt } = newcomer.traces.findLast(({ sent }) => !sent) ?? { at: 0 };
    /** When the last of a command went between two nodes, before the newcomer was registered. */
    const last = (from: SimNode, to: NodeId, command: CellCommand): number =>
      from.traces.findLast(
        (each) => each.sent && each.peer === to && each.command === command && each.at <= registeredAt,
      )?.at ?? Infinity;
    const { CREATE, CREATED, RELAY } = cellCommand;
    const asked = [
      last(newcomer, guard.id, CREATE),
      last(guard, newcomer.id, CREATED),
      last(guard, middle.id, CREATE),
      last(middle, guard.id, CREATED),
      last(middle, exit.id, CREATE),
      last(exit, middle.id, CREATED),
      last(exit, world.directoryId, CREATE),
    ];
    expect(asked.every(Number.isFinite)).toBe(true);
    expect(asked).toEqual([...asked].sort((a, b) => a - b));
    // The acknowledgement: from the exit to the middle, the guard and the newcomer, a link's delay each.
    const sent = (from: SimNode, to: NodeId, at: number): boolean =>
      from.traces.some((each) => each.sent && each.peer === to && each.command === RELAY && each.at === at);
    const { delayMs } = world;
    const acknowledged = newcomer.traces.some(
      ({ at, peer, command }) =>
        peer === guard.id &&
        command === RELAY &&
        sent(guard, newcomer.id, at - delayMs) &&
        sent(middle, guard.id, at - 2 * delayMs) &&
        sent(exit, middle.id, at - 3 * delayMs),
    );
    expect(acknowledged).toBe(true);
  });

  it('goes to another guard when the first rejects it', async () => {
    const rejecting = new Set<SimNode>();
    reject(first(1, rejecting));
    const newcomer = await join();
    const [guard] = await expectRegistered(newcomer);
    const [bad] = [...rejecting].map(({ id }) => id);
    expect(guard).not.toBe(bad);
    const rejected = failures(newcomer).filter(({ path }) => path[0] === bad);
    expect(rejected.length).toBeGreaterThan(0);
    for (const { hop, code } of rejected) expect([hop, code]).toEqual([0, 'too-many']);
    // It is shown and kept, and tried later again.
    const guards = newcomer.seen('guards').at(-1)?.guards ?? [];
    expect(guards.find(({ id }) => id === bad)?.failures).toBeGreaterThan(0);
  });

  it('goes on until a guard takes it', async () => {
    const rejecting = new Set<SimNode>();
    reject(first(4, rejecting));
    const newcomer = await join(120_000);
    const [guard] = await expectRegistered(newcomer);
    const tried = new Set(failures(newcomer).map(({ path }) => path[0]));
    expect([...tried].sort()).toEqual([...rejecting].map(({ id }) => id).sort());
    expect(tried).not.toContain(guard);
    expect(failures(newcomer).every(({ hop, code }) => hop === 0 && code === 'too-many')).toBe(true);
  });

  it('goes on when nodes refuse links or never answer', async () => {
    // Six of eight let no link come about; the two that do still link to the rest.
    for (const each of relays.slice(0, 6)) world.unreachable.add(each);
    const newcomer = await join(240_000);
    const [guard = ''] = await expectRegistered(newcomer);
    expect(relays.slice(6).map(({ id }) => id)).toContain(guard);
    const guards = newcomer.seen('guards').at(-1)?.guards ?? [];
    expect(guards.filter((each) => each.failures > 0).length).toBeGreaterThan(0);
  });

  it('goes on when a guard takes the CREATE and is silent', async () => {
    const silent = new Set<string>();
    world.tamper = (from, to, data) => {
      if (to.name !== 'newcomer') return [data];
      if (silent.size === 0) silent.add(from.name);
      if (!silent.has(from.name)) return [data];
      const kept = decodeCells(data).filter(({ command }) => command === cellCommand.KEEPALIVE);
      return kept.map((cell) => encodeCell(cell, noise));
    };
    const newcomer = await join(120_000);
    const [guard = ''] = await expectRegistered(newcomer);
    expect(silent).not.toContain(world.byId(guard as NodeId).name);
  });

  it('draws a whole new path when an extension fails', async () => {
    // Every middle that is asked to extend for the newcomer is dead by the time: the first two are killed.
    const killed: SimNode[] = [];
    const newcomer = world.add('newcomer', true);
    world.tamper = (from, to, data) => {
      const building = newcomer.node.circuits.find(
        ({ purpose, path, state }) => purpose === 'directory' && path.length === HOPS && state === 'building',
      );
      const middle = building?.path[1];
      if (middle === to.id && building?.hops === 1 && killed.length < 2 && building.path[0] === from.id) {
        killed.push(to);
        to.kill();
      }
      return [data];
    };
    await world.until('the newcomer is registered', () => newcomer.node.registered, 120_000);
    const path = await expectRegistered(newcomer);
    expect(killed).toHaveLength(2);
    const failed = failures(newcomer);
    expect(failed.length).toBeGreaterThanOrEqual(2);
    for (const dead of killed) {
      expect(path).not.toContain(dead.id);
      const [first] = failed.filter((each) => each.path[1] === dead.id);
      expect(first?.hop).toBe(1);
      expect(first?.code).not.toBe('internal');
    }
    // No build of a path goes on with another node in the failed one's place.
    const drawn = failed.map((each) => each.path.join());
    expect(drawn).not.toContain(path.join());
  });

  it('draws a whole new path when an exit has no way to the directory', async () => {
    const newcomer = world.add('newcomer', true);
    const refusing = new Set<NodeId>();
    world.tamper = (_, to, data) => {
      const building = newcomer.node.circuits.find(
        ({ purpose, path, state }) => purpose === 'directory' && path.length === HOPS && state === 'building',
      );
      const exit = building?.path[2];
      // The exit's own link to the directory is cut as soon as the circuit reaches it.
      if (exit === to.id && building?.hops === 2 && refusing.size < 1) {
        refusing.add(to.id);
        world.cutDirectory(to, 30_000);
      }
      return [data];
    };
    await world.until('the newcomer is registered', () => newcomer.node.registered, 120_000);
    const path = await expectRegistered(newcomer);
    const [exit] = [...refusing];
    expect(path[2]).not.toBe(exit);
    const [first] = failures(newcomer).filter((each) => each.path[2] === exit);
    expect([first?.hop, first?.code]).toEqual([3, 'unreachable']);
  });

  it('hears the reason of a node that refuses, by its code', async () => {
    reject(() => true);
    const newcomer = world.add('newcomer', true);
    await world.clock.pass(20_000);
    expect(newcomer.node.registered).toBe(false);
    expect(failures(newcomer).length).toBeGreaterThan(3);
    expect(new Set(failures(newcomer).map(({ code }) => code))).toEqual(
      new Set([codeOfByte(byteOfCode('too-many'))]),
    );
    world.tamper = (_, __, data) => [data];
    await world.until('the newcomer is registered', () => newcomer.node.registered, 60_000);
    await expectRegistered(newcomer);
  });
});
