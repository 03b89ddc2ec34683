import { seededRng, shuffle, type Rng } from '#shared/crypto/rng.ts';
import type { Consensus, ConsensusNode } from '#shared/directory/consensus.ts';
import { chooseGuarded } from '#shared/path/choose.ts';
import { updateGuards } from '#shared/path/guards.ts';
import { nodeId, type NodeId } from '#shared/units.ts';
import { consensusOf, NOW, seed } from '#tests/support/sample-network.ts';

/**
 * What hostile nodes do with circuits; they know one another, and what their own carry.
 * - `watch`: carry them all.
 * - `refuse`: extend to no honest node.
 * - `cut`: end each of which they hold one end and not the other, as soon as the two ends can tell.
 * - `herd`: end those whose guard is honest, so that the guard seems at fault.
 */
export type Attack = 'watch' | 'refuse' | 'cut' | 'herd';
export const attacks: readonly Attack[] = ['watch', 'refuse', 'cut'];

type Hops = readonly [guard: boolean, middle: boolean, exit: boolean];

/** Whether a circuit over these hops, of which the true ones are hostile, comes about and lasts. */
const lives: Record<Attack, (hops: Hops) => boolean> = {
  watch: () => true,
  refuse: ([guard, middle, exit]) => (!guard || middle) && (!middle || exit),
  cut: ([guard, , exit]) => guard === exit,
  herd: ([guard, middle, exit]) => guard || (!middle && !exit),
};

const KEY = new Uint8Array(32);
const SIGNALLING_KEY = new Uint8Array(1216);
const SIGNATURE = new Uint8Array(64);

export const idAt = (number: number): NodeId => {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, number);
  return nodeId(bytes);
};

/** A listed node with no keys: whoever only chooses looks at none. */
export const plainNode = (number: number, over: Partial<ConsensusNode> = {}): ConsensusNode => ({
  id: idAt(number),
  onionKey: KEY,
  signallingKey: SIGNALLING_KEY,
  capabilities: { headless: false, reachable: true, server: false },
  family: undefined,
  published: NOW,
  signature: SIGNATURE,
  guard: true,
  exit: true,
  weight: 1000,
  since: NOW,
  ...over,
});

/** A network of which the first `hostile` nodes are so. */
export type PathWorld = {
  consensus: Consensus;
  nodes: number;
  hostile: number;
  isHostile(id: NodeId): boolean;
};

export const pathWorld = (
  nodes: number,
  hostile: number,
  weight = (_: number): number => 1000,
): PathWorld => {
  const bad = new Set(Array.from({ length: hostile }, (_, i) => idAt(i)));
  const consensus = consensusOf(Array.from({ length: nodes }, (_, i) => plainNode(i, { weight: weight(i) })));
  return { consensus, nodes, hostile, isHostile: (id) => bad.has(id) };
};

export const rngOf = (name: string): Rng => seededRng(seed(`path simulation ${name}`));

/** How a client comes by the guards of its next circuit, the preferred one first. */
export type Habit = 'kept' | 'fresh' | 'dropping';

/** Circuits that fail one after the other until a client of the habit `dropping` gives their guard up. */
const DROP_AFTER = 3;
/** A circuit that fails so often is not tried further. */
const MOST_TRIES = 20_000;

/** One client, which is an honest node itself, and its circuits of three hops. */
export class PathClient {
  readonly #world: PathWorld;
  readonly #self: NodeId;
  readonly #rng: Rng;
  readonly #habit: Habit;
  readonly #failures = new Map<NodeId, number>();
  readonly #dropped = new Set<NodeId>();
  #guards: NodeId[] = [];

  constructor(world: PathWorld, self: NodeId, rng: Rng, habit: Habit) {
    this.#world = world;
    this.#self = self;
    this.#rng = rng;
    this.#habit = habit;
    this.#draw();
  }

  /** How many of its two guards are hostile now. */
  get hostileGuards(): number {
    return this.#guards.filter(this.#world.isHostile).length;
  }

  /** One circuit that lives, after so many tries; undefined when none came about. */
  circuit(attack: Attack): { path: NodeId[]; tries: number } | undefined {
    const { consensus, isHostile } = this.#world;
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      if (this.#habit === 'fresh') this.#draw();
      const guards = shuffle(this.#rng, this.#guards);
      const request = { length: 3, guards, spare: guards, self: this.#self, rng: this.#rng };
      const path = chooseGuarded(consensus, request);
      const [guard, middle, exit] = path ?? [];
      if (!path || !guard || !middle || !exit) return undefined;
      const alive = lives[attack]([isHostile(guard), isHostile(middle), isHostile(exit)]);
      if (this.#habit === 'dropping') this.#judge(guard, alive);
      if (alive) return { path, tries };
    }
    return undefined;
  }

  #draw(): void {
    const { consensus } = this.#world;
    const guards = updateGuards([], consensus, {
      self: this.#self,
      avoid: this.#dropped,
      now: NOW,
      rng: this.#rng,
    });
    this.#guards = guards.map(({ id }) => id);
  }

  #judge(guard: NodeId, alive: boolean): void {
    const failures = alive ? 0 : (this.#failures.get(guard) ?? 0) + 1;
    this.#failures.set(guard, failures);
    if (failures < DROP_AFTER) return;
    this.#dropped.add(guard);
    const kept = this.#guards.filter((id) => id !== guard);
    this.#draw();
    this.#guards = [...kept, ...this.#guards.filter((id) => !kept.includes(id))].slice(0, 2);
  }
}

export type Ends = {
  nodes: number;
  hostile: number;
  attack: Attack;
  users: number;
  circuitsEach: number;
  /** Share of a user's circuits with both ends hostile, averaged over users. */
  both: number;
  /** Share of users of whom at least one circuit had. */
  everBoth: number;
  /** Share of hostile ones among the guards that users have at the end. */
  badGuards: number;
  /** Tries that a circuit took on average, by the number of hostile guards of its user. */
  tries: (number | undefined)[];
};

export type Effort = { users: number; circuitsEach: number };

/** Builds circuits for many users, each of whom is another honest node while there are so many. */
export const measureEnds = (
  world: PathWorld,
  attack: Attack,
  { users, circuitsEach }: Effort,
  habit: Habit = 'kept',
): Ends => {
  const { nodes, hostile, isHostile } = world;
  const rng = rngOf(`ends ${attack} ${habit} ${String(hostile)} of ${String(nodes)}`);
  const tries: [sum: number, circuits: number][] = [[0, 0], [0, 0], [0, 0]]; // prettier-ignore
  let [both, ever, badGuards] = [0, 0, 0];
  for (let user = 0; user < users; user++) {
    const client = new PathClient(world, idAt(hostile + (user % (nodes - hostile))), rng, habit);
    let hits = 0;
    for (let i = 0; i < circuitsEach; i++) {
      const sum = tries[client.hostileGuards];
      const circuit = client.circuit(attack);
      if (!circuit || !sum) throw new Error('no circuit');
      sum[0] += circuit.tries;
      sum[1] += 1;
      if (isHostile(circuit.path[0] as NodeId) && isHostile(circuit.path[2] as NodeId)) hits += 1;
    }
    both += hits / circuitsEach;
    badGuards += client.hostileGuards / 2;
    if (hits > 0) ever += 1;
  }
  const perCircuit = tries.map(([sum, circuits]) => (circuits > 0 ? sum / circuits : undefined));
  return {
    ...{ nodes, hostile, attack, users, circuitsEach },
    ...{ both: both / users, everBoth: ever / users, badGuards: badGuards / users, tries: perCircuit },
  };
};

/** What is to be expected of `Ends`; `variance` is that of one user's share. */
export type Expected = { both: number; variance: number; everBoth: number; tries: number[] };

/**
 * Of two guards that are kept, drawn like all else without putting one back, `k` are hostile with a known probability.
 * Given `k`, circuits are independent, with an exit that is neither of the two, and each has both ends hostile with probability
 * `shares[k]`.
 */
export const expectedEnds = (
  { nodes, hostile }: PathWorld,
  attack: Attack,
  circuitsEach: number,
): Expected => {
  // The client's own node is honest and stands on no path.
  const others = nodes - 1;
  const guards = [
    ((others - hostile) / others) * ((others - hostile - 1) / (others - 1)),
    (2 * hostile * (others - hostile)) / (others * (others - 1)),
    (hostile / others) * ((hostile - 1) / (others - 1)),
  ];
  const odds = ([guard, middle, exit]: Hops, k: number): number => {
    const exitBad = (hostile - k) / (others - 2);
    const middleBad = (hostile - Number(guard) - Number(exit)) / (others - 2);
    return (exit ? exitBad : 1 - exitBad) * (middle ? middleBad : 1 - middleBad);
  };
  const all = [true, false];
  const living = (guard: boolean, k: number): [any: number, both: number] => {
    const hops = all
      .flatMap((middle) => all.map((exit): Hops => [guard, middle, exit]))
      .filter(lives[attack]);
    const sum = (of: readonly Hops[]): number => of.reduce((total, each) => total + odds(each, k), 0);
    return [sum(hops), sum(hops.filter(([, , exit]) => guard && exit))];
  };
  const [clean] = living(false, 0);
  const [[good], [bad, half], [shut, captured]] = [living(false, 1), living(true, 1), living(true, 2)];
  const shares = [0, half / (good + bad), shut === 0 ? 0 : captured / shut];
  const sum = (of: (share: number) => number): number =>
    guards.reduce((total, p, k) => total + p * of(shares[k] ?? 0), 0);
  const both = sum((share) => share);
  return {
    both,
    variance: sum((share) => (share * (1 - share)) / circuitsEach + share ** 2) - both ** 2,
    everBoth: sum((share) => 1 - (1 - share) ** circuitsEach),
    tries: [1 / clean, 2 / (good + bad), 1 / shut],
  };
};

export type Exits = { name: string; paths: number; counts: number[]; expected: number[] };

/** How often each node is the exit, and how often it should be: by its share of all weight but that of both guards and the client. */
export const measureExits = (
  name: string,
  { consensus, nodes }: PathWorld,
  paths: number,
  choose = chooseGuarded,
): Exits => {
  const rng = rngOf(`exits ${name} of ${String(nodes)}`);
  const weights = consensus.nodes.map(({ weight }) => weight);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const place = new Map(consensus.nodes.map(({ id }, i) => [id, i]));
  const counts = weights.map(() => 0);
  const begun = new Map<string, number>();
  for (let i = 0; i < paths; i++) {
    const self = idAt(i % nodes);
    const guards = updateGuards([], consensus, { self, now: NOW, rng }).map(({ id }) => id);
    const path = choose(consensus, { length: 3, guards, spare: guards, self, rng });
    const exit = place.get(path?.[2] ?? self);
    if (exit === undefined) throw new Error('no path');
    counts[exit] = (counts[exit] ?? 0) + 1;
    const taken = [self, ...guards].map((id) => String(place.get(id))).join(' ');
    begun.set(taken, (begun.get(taken) ?? 0) + 1);
  }
  const expected = weights.map(() => 0);
  for (const [taken, count] of begun) {
    const not = taken.split(' ').map(Number);
    const left = not.reduce((sum, i) => sum - (weights[i] ?? 0), total);
    for (const [i, weight] of weights.entries())
      if (!not.includes(i)) expected[i] = (expected[i] ?? 0) + (count * weight) / left;
  }
  return { name, paths, counts, expected };
};
