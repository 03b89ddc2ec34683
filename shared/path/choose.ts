import { equal, hex } from '../bytes/bytes.ts';
import { uniform, type Rng } from '../crypto/rng.ts';
import type { Consensus, ConsensusNode } from '../directory/consensus.ts';
import type { NodeId } from '../units.ts';

/** Under this many families a path cannot keep them apart, and nobody is anonymous yet. */
export const MIN_FAMILIES = 8;

export type PathRequest = {
  /** Hops, the guard and the exit included. */
  length: number;
  /** Guards with which a link can be had, the preferred one first. */
  guards: readonly NodeId[];
  self?: NodeId | undefined;
  /** Nodes that stand nowhere on the path. */
  avoid?: ReadonlySet<NodeId> | undefined;
  /** Nodes that may not be its exit: those of circuits for other purposes. */
  exitNot?: ReadonlySet<NodeId> | undefined;
  /** Its exit, where that is given, whatever its flags. */
  end?: NodeId | undefined;
  /** Its second hop is one of these wherever one of them may stand there. */
  middles?: ReadonlySet<NodeId> | undefined;
  rng: Rng;
  /** Lets families stand together even where there are enough to keep them apart. */
  ignoreFamilies?: boolean | undefined;
};

/** A node's family; a node that declares none is one by itself. */
const familyOf = (node: ConsensusNode): string => (node.family ? hex(node.family) : `only ${node.id}`);

export const countFamilies = (consensus: Consensus): number => new Set(consensus.nodes.map(familyOf)).size;

/** Whether there are enough to keep them apart. */
export const hasFamilies = (consensus: Consensus): boolean => {
  const seen = new Set<string>();
  return consensus.nodes.some((node) => seen.add(familyOf(node)).size >= MIN_FAMILIES);
};

/**
 * A path from a guard to an exit, drawn by weight: the first guard that admits one, then the exit, then what stands
 * between. No node twice, never the own one, and no two of one family where at least 8 families are online.
 * Of two neighbours one should be reachable; that gives way where nothing else is left. So does that all of them have links which do
 * not pass the server, or the server would see them one after the other. Undefined when the consensus has no such path.
 */
export const choosePath = (consensus: Consensus, request: PathRequest): NodeId[] | undefined => {
  const { length, self, avoid } = request;
  if (length < 1) return undefined;
  const usable = consensus.nodes.filter(({ id }) => id !== self && !avoid?.has(id));
  const apart = request.ignoreFamilies !== true && hasFamilies(consensus);
  const direct = withoutServer(usable);
  const path = pathOver(direct, apart, request);
  return path ?? (direct.length < usable.length ? pathOver(usable, apart, request) : undefined);
};

export type GuardedRequest = PathRequest & {
  /** Further ones of the client's sample, for where the request rules its guards out. */
  spare: readonly NodeId[];
};

/**
 * A path of a client that keeps its guards. They know its IP address, and what an exit sees is not for them: its exit is none of
 * them wherever another can be had.
 */
export const chooseGuarded = (
  consensus: Consensus,
  { spare, ...request }: GuardedRequest,
): NodeId[] | undefined => {
  const via = (exitNot: ReadonlySet<NodeId> | undefined): NodeId[] | undefined =>
    choosePath(consensus, { ...request, exitNot }) ??
    choosePath(consensus, { ...request, exitNot, guards: spare });
  return via(new Set([...(request.exitNot ?? []), ...request.guards])) ?? via(request.exitNot);
};

/** Those whose links need not pass the server. */
export const withoutServer = (nodes: readonly ConsensusNode[]): ConsensusNode[] =>
  nodes.filter(({ capabilities }) => !capabilities.server);

const pathOver = (usable: ConsensusNode[], apart: boolean, request: PathRequest): NodeId[] | undefined => {
  const { length, guards, exitNot, end } = request;
  const mayEnd = ({ id, exit }: ConsensusNode): boolean =>
    end === undefined ? exit && exitNot?.has(id) !== true : id === end;
  for (const id of guards) {
    const guard = usable.find((node) => node.id === id);
    if (!guard) continue;
    const path =
      length === 1 ? (mayEnd(guard) ? [guard] : undefined) : extend(usable, guard, mayEnd, apart, request);
    if (path) return path.map((node) => node.id);
  }
  return undefined;
};

/** Families part the nodes into classes, so no early choice can spoil a later one, and one pass finds a path. */
const extend = (
  usable: ConsensusNode[],
  guard: ConsensusNode,
  mayEnd: (node: ConsensusNode) => boolean,
  apart: boolean,
  { length, rng, middles }: PathRequest,
): ConsensusNode[] | undefined => {
  let free = without(usable, guard, apart);
  const exit = draw(rng, free.filter(mayEnd), length === 2 ? [guard] : []);
  if (!exit) return undefined;
  free = without(free, exit, apart);
  const path = [guard];
  while (path.length < length - 1) {
    const neighbours = [path.at(-1) as ConsensusNode, ...(path.length === length - 2 ? [exit] : [])];
    const kept = path.length === 1 ? free.filter(({ id }) => middles?.has(id)) : [];
    const middle = draw(rng, kept.length > 0 ? kept : free, neighbours);
    if (!middle) return undefined;
    free = without(free, middle, apart);
    path.push(middle);
  }
  return [...path, exit];
};

const without = (nodes: ConsensusNode[], taken: ConsensusNode, apart: boolean): ConsensusNode[] =>
  nodes.filter((node) => node.id !== taken.id && !(apart && areKin(node, taken)));

const areKin = ({ family: a }: ConsensusNode, { family: b }: ConsensusNode): boolean =>
  a !== undefined && b !== undefined && equal(a, b);

/** To who links by way of the server only, everybody can. */
const linkable = (a: ConsensusNode, b: ConsensusNode): boolean =>
  [a, b].some(({ capabilities }) => capabilities.reachable || capabilities.server);

const draw = (
  rng: Rng,
  candidates: ConsensusNode[],
  neighbours: ConsensusNode[],
): ConsensusNode | undefined => {
  const good = candidates.filter((node) => neighbours.every((other) => linkable(node, other)));
  return drawByWeight(rng, good.length > 0 ? good : candidates);
};

/** One of `nodes`, as likely as its share of all weight; each alike when nobody has any. */
export const drawByWeight = (rng: Rng, nodes: readonly ConsensusNode[]): ConsensusNode | undefined => {
  if (nodes.length === 0) return undefined;
  const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return nodes[uniform(rng, nodes.length)];
  let left = uniform(rng, total);
  for (const node of nodes) {
    left -= node.weight;
    if (left < 0) return node;
  }
  return undefined;
};
