import type { Millis, NodeId } from '../units.ts';
import type { Handle } from './input.ts';
import type { Links } from './links.ts';
import type { Origins } from './origins.ts';
import type { CircuitPurpose } from './output.ts';

export type LinkState = {
  peer: NodeId | undefined;
  kind: 'directory' | 'peer' | 'client';
  state: 'connecting' | 'open';
  rttMs: number | null;
  guard: boolean;
  ownCircuits: number;
  carriedCircuits: number;
};

export type CircuitState = {
  handle: Handle;
  purpose: CircuitPurpose;
  state: 'building' | 'open' | 'closed';
  path: NodeId[];
  /** Hops that stand; the one after them is being built. A contact behind the path counts too. */
  hops: number;
  openedAt: Millis | undefined;
  rttMs: number | undefined;
};

export const linkViews = (links: Links, connecting: NodeId[], guards: NodeId[]): LinkState[] => {
  const open = [...links.all()].map((link): LinkState => {
    const ends = [...link.circuits.values()];
    const own = ends.filter((end) => end.own).length;
    return {
      peer: link.peer,
      kind: link.kind,
      state: 'open',
      rttMs: link.machine.rttMs,
      guard: link.peer !== undefined && guards.includes(link.peer),
      ownCircuits: own,
      carriedCircuits: ends.length - own,
    };
  });
  const coming = connecting.map((peer): LinkState => ({
    peer,
    kind: 'peer',
    state: 'connecting',
    rttMs: null,
    guard: guards.includes(peer),
    ownCircuits: 0,
    carriedCircuits: 0,
  }));
  return [...open, ...coming];
};

export const circuitViews = (origins: Origins): CircuitState[] =>
  [...origins.all()].map(({ handle, purpose, state, path, hops, openedAt, rttMs }) => ({
    handle,
    purpose,
    state,
    path: path.map(({ node }) => node),
    hops,
    openedAt,
    rttMs,
  }));
