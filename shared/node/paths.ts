import { shuffle } from '../crypto/rng.ts';
import { isSelfSigned } from '../directory/descriptor.ts';
import type { Consensus, ConsensusNode } from '../directory/consensus.ts';
import { chooseGuarded, drawByWeight } from '../path/choose.ts';
import { updateMiddles, type Middle } from '../path/middles.ts';
import { guardFailed, guardWorked, updateGuards, usableGuards, type Guard } from '../path/guards.ts';
import { nodeIdBytes, type NodeId } from '../units.ts';
import type { Context } from './context.ts';
import type { Target } from './origins.ts';

/** Guards in use at one time. */
export const GUARDS = 2;

export type Wish = {
  length: number;
  /** Nodes that may stand nowhere on the path. */
  without?: Iterable<NodeId>;
  /** Nodes that may not be its exit. */
  exitNot?: Iterable<NodeId>;
  /** Its exit, where that is given. */
  end?: NodeId;
  /** Whoever sees the exit is to learn nothing from it: it is drawn before the guard, and may be the other guard. */
  anyExit?: boolean;
  /** Its second hop is one that is kept. */
  kept?: boolean;
};

/** What of this is kept over sessions. */
export type Kept = { guards: Guard[]; middles: Middle[] };

export const targetOf = (node: ConsensusNode): Target => ({
  node: node.id,
  id: nodeIdBytes(node.id),
  onionKey: node.onionKey,
});

/** This client's guards and path choices over the consensus in use. */
export class Paths {
  avoided: ReadonlySet<NodeId> = new Set();
  readonly #context: Context;
  readonly #self: NodeId;
  readonly #linked: (node: NodeId) => boolean;
  /** Nodes whose entries they did not sign themselves, and entries that were signed. */
  readonly #forged = new Set<NodeId>();
  readonly #genuine = new WeakSet<ConsensusNode>();
  #guards: Guard[];
  #middles: Middle[];
  #consensus: Consensus | undefined;

  constructor(context: Context, self: NodeId, kept: Kept, linked: (node: NodeId) => boolean) {
    this.#context = context;
    this.#self = self;
    this.#guards = kept.guards;
    this.#middles = kept.middles;
    this.#linked = linked;
  }

  /** Whether it is this client's own node. */
  isSelf(id: NodeId): boolean {
    return id === this.#self;
  }

  get guards(): NodeId[] {
    return this.#usable().slice(0, GUARDS);
  }

  update(consensus: Consensus): void {
    this.#consensus = consensus;
    const { rng, now } = this.#context;
    const options = { self: this.#self, avoid: this.avoided, now, rng, want: GUARDS };
    this.#keep(updateGuards(this.#guards, consensus, options));
    const avoid = new Set([...this.avoided, ...this.guards]);
    this.#keepMiddles(updateMiddles(this.#middles, consensus, { ...options, avoid }));
  }

  /** No path is drawn from now on. */
  forget(): void {
    this.#consensus = undefined;
  }

  avoid(nodes: Iterable<NodeId>): void {
    this.avoided = new Set(nodes);
    if (this.#consensus) this.update(this.#consensus);
  }

  failed(guard: NodeId): void {
    this.#keep(guardFailed(this.#guards, guard, this.#context.now));
    if (this.#consensus) this.update(this.#consensus);
  }

  worked(guard: NodeId): void {
    this.#keep(guardWorked(this.#guards, guard));
  }

  /** Whether the network has nodes enough for a path of this length, whatever its guards do. */
  possible(length: number): boolean {
    const others = this.#consensus?.nodes.filter(({ id }) => id !== this.#self && !this.avoided.has(id));
    return (others?.length ?? 0) >= length;
  }

  /** Undefined when the network is too small for it, no guard is usable now, or the consensus is too old. */
  choose(wish: Wish): Target[] | undefined {
    const consensus = this.#fresh();
    if (!consensus) return undefined;
    const usable = this.#usable();
    const avoid = new Set([...this.avoided, ...this.#forged, ...(wish.without ?? [])]);
    const end = wish.anyExit ? this.#anyExit(consensus, avoid, new Set(wish.exitNot ?? [])) : wish.end;
    const ids = chooseGuarded(consensus, {
      ...{ length: wish.length, guards: this.#draw(usable), spare: usable, self: this.#self, avoid, end },
      exitNot: new Set(wish.exitNot ?? []),
      middles: wish.kept ? new Set(this.#middles.map(({ id }) => id)) : undefined,
      rng: this.#context.rng,
    });
    const nodes = ids?.map((id) => consensus.nodes.find((node) => node.id === id) as ConsensusNode);
    const forged = nodes?.find((node) => !this.#isGenuine(node));
    if (!forged) return nodes?.map(targetOf);
    // A directory that lists keys of its own in a node's name would read what that node passes.
    this.#context.event({ type: 'alarm', code: 'bad-signature' });
    this.#forged.add(forged.id);
    return this.choose(wish);
  }

  #anyExit(
    { nodes }: Consensus,
    avoid: ReadonlySet<NodeId>,
    exitNot: ReadonlySet<NodeId>,
  ): NodeId | undefined {
    const may = ({ id, exit }: ConsensusNode): boolean =>
      exit && id !== this.#self && !avoid.has(id) && !exitNot.has(id);
    return drawByWeight(this.#context.rng, nodes.filter(may))?.id;
  }

  /** One of the guards, if need be a further one of the sample, that is none of these. */
  guardBeside(nodes: readonly NodeId[]): Target | undefined {
    if (!this.#fresh()) return undefined;
    const usable = this.#usable();
    const id = [...this.#draw(usable), ...usable].find((each) => !nodes.includes(each));
    return id === undefined ? undefined : this.target(id);
  }

  /** A node as it is listed now; undefined when it is not. */
  target(id: NodeId): Target | undefined {
    const node = this.#consensus?.nodes.find((each) => each.id === id);
    return node && this.#isGenuine(node) ? targetOf(node) : undefined;
  }

  /** Whether the node itself signed its entry. Each entry of a consensus is checked once. */
  #isGenuine(node: ConsensusNode): boolean {
    if (this.#genuine.has(node)) return true;
    const genuine = isSelfSigned(node);
    if (genuine) this.#genuine.add(node);
    return genuine;
  }

  #fresh(): Consensus | undefined {
    const consensus = this.#consensus;
    const usable = consensus && this.#context.now <= consensus.time + consensus.params.usableMs;
    return usable ? consensus : undefined;
  }

  /** The guards in random order. One that is linked already goes first: another may be gone, which only a dial's long wait would tell. */
  #draw(usable: readonly NodeId[]): NodeId[] {
    const drawn = shuffle(this.#context.rng, usable.slice(0, GUARDS));
    return drawn.sort((a, b) => Number(this.#linked(b)) - Number(this.#linked(a)));
  }

  #usable(): NodeId[] {
    const listed = new Set(this.#consensus?.nodes.map(({ id }) => id));
    const known = this.#guards.filter(({ id }) => listed.has(id) && !this.avoided.has(id));
    const usable = usableGuards(known, this.#context.now);
    // When all of them rest it was rather this client that was away, and to go on waiting would help nobody.
    const tried = usable.length > 0 ? usable : known.sort((a, b) => a.retryAt - b.retryAt).slice(0, GUARDS);
    return tried.map(({ id }) => id);
  }

  #keep(guards: Guard[]): void {
    if (guards === this.#guards) return;
    this.#guards = guards;
    this.#context.event({ type: 'guards', guards });
  }

  #keepMiddles(middles: Middle[]): void {
    const names = (state: Middle[]): string => state.map(({ id }) => id).join();
    const changed = names(middles) !== names(this.#middles);
    this.#middles = middles;
    if (changed) this.#context.event({ type: 'middles', middles });
  }
}
