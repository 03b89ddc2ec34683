import type { Consensus } from '#shared/directory/consensus.ts';
import { countFamilies } from '#shared/path/choose.ts';
import type { Node } from '#shared/node/node.ts';
import type { CircuitState, LinkState } from '#shared/node/views.ts';
import type { NodeId } from '#shared/units.ts';
import type { CircuitView, HopView, LinkView, NodeView, Status } from '#web/api.ts';
import { nodeName } from '#web/core/names.ts';

/** Hops of a conversation's own path; the fourth is the contact's exit. */
const PATH = 3;

export const linkView = (link: LinkState): LinkView => ({
  id: String(link.id),
  node: link.peer ?? null,
  name: link.kind === 'directory' ? 'server' : link.peer === undefined ? 'a guest' : nodeName(link.peer),
  state: link.state,
  kind: link.kind === 'directory' ? 'directory' : (link.way ?? 'direct'),
  rttMs: link.rttMs === null ? null : Math.round(link.rttMs),
  guard: link.guard,
  ownCircuits: link.ownCircuits,
  carriedCircuits: link.carriedCircuits,
});

export const nodeViews = (
  consensus: Consensus | undefined,
  avoided: readonly NodeId[],
  self: NodeId | undefined,
): NodeView[] =>
  (consensus?.nodes ?? []).map(({ id, guard, exit }) => ({
    node: id,
    name: nodeName(id),
    guard,
    exit,
    avoided: avoided.includes(id),
    self: id === self,
  }));

const roleOf = (circuit: CircuitState, index: number, directory: NodeId | undefined): HopView['role'] => {
  if (circuit.path[index] === directory) return 'directory';
  if (index >= PATH) return 'meeting-point';
  return index === 0 ? 'guard' : index === PATH - 1 ? 'exit' : 'middle';
};

/** `lost`: how many hops stood when it broke, for a circuit that is closed. */
export const circuitView = (
  circuit: CircuitState,
  directory: NodeId | undefined,
  conversation: string | null,
  renewsAt: number | null,
  lost?: { hop: number; code: string },
): CircuitView => ({
  id: conversation === null ? String(circuit.handle) : `${String(circuit.handle)}/${conversation}`,
  purpose: circuit.purpose,
  conversation,
  state: circuit.state,
  hops: circuit.path.map((node, index) => ({
    node,
    name: node === directory ? 'server' : nodeName(node),
    role: roleOf(circuit, index, directory),
    state: lost ? (index < lost.hop ? 'open' : 'lost') : index < circuit.hops ? 'open' : 'building',
  })),
  openedAt: circuit.openedAt ?? null,
  renewsAt,
  rttMs: circuit.rttMs ?? null,
  reason: lost?.code ?? null,
});

/** Directory links are not neighbours. */
const neighboursOf = (links: LinkState[]): number =>
  links.filter(({ kind, state }) => kind !== 'directory' && state === 'open').length;

/** The worst useful truth. */
export const statusOf = (
  node: Node,
  consensus: Consensus | undefined,
  self: NodeId | undefined,
  /** `unreachable`: the directory has been away for longer than connecting takes; `blocked`: the browser has no WebRTC. */
  { online, unreachable, blocked }: { online: boolean; unreachable: boolean; blocked: boolean },
): Status => {
  const { links, circuits, carried } = node;
  const neighbours = neighboursOf(links);
  if (!online && neighbours === 0) return { kind: 'offline' };
  if (node.distrusts) return { kind: 'distrusted' };
  if (unreachable) return { kind: 'server-unreachable', neighbours };
  if (!consensus) return { kind: 'finding-neighbours', have: 0, want: PATH };
  const others = consensus.nodes.filter(({ id }) => id !== self).length;
  if (others < PATH) return { kind: 'finding-neighbours', have: others, want: PATH };
  const users = circuits.filter(({ purpose }) => purpose !== 'directory');
  const open = users.filter(({ state }) => state === 'open').length;
  if (open === 0) {
    const furthest = Math.max(0, ...users.map(({ hops }) => hops));
    return { kind: 'building-circuit', hop: Math.min(PATH, furthest + 1), of: PATH };
  }
  const counts = { circuits: open, neighbours, carried };
  // Nodes of one operator hide nobody from that operator.
  const families = countFamilies(consensus);
  const nodes = families < consensus.params.minimumNodes ? families : null;
  if (blocked) return { kind: 'limited', why: 'no-webrtc', nodes, ...counts };
  if (nodes !== null) return { kind: 'limited', why: 'few-nodes', nodes, ...counts };
  if (consensus.params.directoryHops === 1) return { kind: 'limited', why: 'direct', nodes, ...counts };
  return { kind: 'ready', ...counts };
};
