import { exponential, uniformBetween } from '../crypto/rng.ts';
import type { Consensus } from '../directory/consensus.ts';
import type { Code } from '../errors.ts';
import { drawByWeight } from '../path/choose.ts';
import type { Millis, NodeId } from '../units.ts';
import type { Context } from './context.ts';
import type { Link, Links } from './links.ts';
import type { Paths } from './paths.ts';

/** Up to this many nodes everyone links to everyone. */
const MESH_NODES = 24;

/** How long an idle link that is no guard's is kept, at the least. */
const KEEP_MS: Millis = 10 * 60_000;

/** In a larger one links are opened to nobody's end at times of a Poisson process, so that one that is opened for a circuit says little. */
const RANDOM_MEAN_MS: Millis = 60_000;

const TURN_LEAST_MS: Millis = 200;
const TURN_MOST_MS: Millis = 600;

/** A node that could not be linked to is left alone this long. */
const REST_MS: Millis = 30_000;

/** One that the user disconnected, this long. */
const DISCONNECTED_MS: Millis = 10 * 60_000;

type Parts = {
  context: Context;
  links: Links;
  paths: Paths;
  self: NodeId;
  maxLinks: number;
  consensus(): Consensus | undefined;
  dial(target: NodeId, done: (link: Link | Code) => void): void;
  relaying(): boolean;
  /** Whether signals can be sent. */
  ready(): boolean;
};

/** Which links stand without a circuit asking for them: guards' always, in a small network everyone's, in a larger one some that chance opens. */
export class Neighbours {
  readonly #parts: Parts;
  readonly #resting = new Map<NodeId, Millis>();
  #stopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Begins, or goes on. One link at a time is opened. */
  keep(): void {
    const { context } = this.#parts;
    if (this.#stopped || context.timers.has('neighbours')) return;
    const wait = uniformBetween(context.rng, TURN_LEAST_MS, TURN_MOST_MS);
    context.after('neighbours', wait, () => this.#turn());
    if (!context.timers.has('neighbours:random')) this.#atRandom();
  }

  /** The user has disconnected it: it is not linked to again for a while, unless a circuit needs it. */
  rest(node: NodeId): void {
    this.#resting.set(node, this.#parts.context.now + DISCONNECTED_MS);
  }

  stop(): void {
    this.#stopped = true;
    for (const name of ['neighbours', 'neighbours:random']) this.#parts.context.timers.clear(name);
  }

  #turn(): void {
    const { context, links, dial, paths } = this.#parts;
    this.#closeIdle();
    const target = this.#parts.ready() ? this.#missing() : undefined;
    if (target === undefined) {
      context.after('neighbours', TURN_MOST_MS * 10, () => this.#turn());
      return;
    }
    context.after('neighbours', uniformBetween(context.rng, TURN_LEAST_MS, TURN_MOST_MS), () => this.#turn());
    this.#resting.set(target, context.now + REST_MS);
    dial(target, (link) => {
      const guard = paths.guards.includes(target);
      if (typeof link === 'string') {
        if (guard) paths.failed(target);
        return;
      }
      this.#resting.delete(target);
      if (guard) paths.worked(target);
      if (links.to(target)) context.changed();
    });
  }

  #missing(): NodeId | undefined {
    const { context, links, paths, self, relaying } = this.#parts;
    const wanted = (id: NodeId): boolean =>
      links.to(id) === undefined && (this.#resting.get(id) ?? 0) <= context.now && !paths.avoided.has(id);
    const guard = paths.guards.find(wanted);
    if (guard !== undefined) return guard;
    const nodes = this.#parts.consensus()?.nodes ?? [];
    // The lower id dials, so that two nodes do not offer at once.
    if (!relaying() || nodes.length > MESH_NODES) return undefined;
    return nodes.find(({ id }) => self < id && wanted(id))?.id;
  }

  #atRandom(): void {
    const { context } = this.#parts;
    context.after('neighbours:random', exponential(context.rng, RANDOM_MEAN_MS), () => {
      this.#atRandom();
      this.#openRandom();
    });
  }

  /** Drawn as the last hop of a path is, so that exits are linked before they have to be. */
  #openRandom(): void {
    const { context, links, paths, self, maxLinks, relaying, dial } = this.#parts;
    const nodes = this.#parts.consensus()?.nodes ?? [];
    if (!relaying() || !this.#parts.ready() || nodes.length <= MESH_NODES || links.size >= maxLinks) return;
    const open = (id: NodeId): boolean => links.to(id) !== undefined || paths.avoided.has(id) || id === self;
    const target = drawByWeight(
      context.rng,
      nodes.filter(({ id, exit }) => exit && !open(id)),
    );
    if (target) dial(target.id, () => undefined);
  }

  #closeIdle(): void {
    const { context, links, paths } = this.#parts;
    const nodes = this.#parts.consensus()?.nodes ?? [];
    for (const [id, until] of this.#resting) if (until <= context.now) this.#resting.delete(id);
    if (nodes.length <= MESH_NODES) return;
    for (const link of [...links.all()]) {
      const needed = link.kind === 'directory' || link.circuits.size > 0;
      const guard = link.peer !== undefined && paths.guards.includes(link.peer);
      if (!needed && !guard && context.now - link.usedAt > KEEP_MS) links.close(link, 'finished');
    }
  }
}
