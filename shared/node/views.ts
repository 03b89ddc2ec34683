import type { LinkId, Millis, NodeId } from '../units.ts';
import type { Connecting } from './dials.ts';
import type { Handle } from './input.ts';
import type { Links, Way } from './links.ts';
import type { Origins } from './origins.ts';
import type { CircuitPurpose } from './output.ts';

export type LinkState = {
  /** Of two links to the same peer, for one may be made while the other still stands. */
  id: LinkId;
  peer: NodeId | undefined;
  kind: 'directory' | 'peer' | 'client';
  /** Of one that is being made: not known. */
  way: Way | undefined;
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

export const linkViews = (links: Links, connecting: Connecting[], guards: NodeId[]): LinkState[] => {
  const open = [...links.all()].map((link): LinkState => {
    const ends = [...link.circuits.values()];
    const own = ends.filter((end) => end.own).length;
    return {
      id: link.id,
      peer: link.peer,
      kind: link.kind,
      way: link.way,
      state: 'open',
      rttMs: link.machine.rttMs,
      guard: link.peer !== undefined && guards.includes(link.peer),
      ownCircuits: own,
      carriedCircuits: ends.length - own,
    };
  });
  const coming = connecting.map(({ link, peer }): LinkState => ({
    id: link,
    peer,
    kind: 'peer',
    way: undefined,
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
