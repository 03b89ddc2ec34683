import { exponential, uniformBetween } from '../crypto/rng.ts';
import type { Consensus, ConsensusNode } from '../directory/consensus.ts';
import type { Code } from '../errors.ts';
import { drawByWeight, withoutServer } from '../path/choose.ts';
import type { Millis, NodeId } from '../units.ts';
import type { Context } from './context.ts';
import type { LinkRules } from './link-rules.ts';
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
  rules: Pick<LinkRules, 'most' | 'webrtc'>;
  consensus(): Consensus | undefined;
  dial(target: NodeId, done: (link: Link | Code) => void): void;
  /** Signals to a node that is linked already. */
  feign(target: NodeId): void;
  relaying(): boolean;
  /** Whether signals can be sent. */
  ready(): boolean;
};

/**
 * Which links stand without a circuit asking for them: guards' always, in a small network everyone's, in a larger one some that
 * chance opens. One by way of the server costs it something and hides nothing from it, and is opened for guards and circuits only.
 */
export class Neighbours {
  readonly #parts: Parts;
  readonly #resting = new Map<NodeId, Millis>();
  /** Tries since a neighbour was last linked to. */
  #tries = 0;
  /** Whom this node has signalled to in its own name. */
  readonly #greeted = new Set<NodeId>();
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

  /** Tries in a row that led to no neighbour, and when the next one is due: none while nobody is left to try. */
  get tries(): { count: number; nextAt: Millis | undefined } {
    const { context } = this.#parts;
    const due = context.timers.due('neighbours');
    const rested = Math.min(...[...this.#resting.values()].filter((until) => until > context.now));
    const nextAt = this.#missing() === undefined ? rested : due;
    return { count: this.#tries, nextAt: nextAt === Infinity ? undefined : nextAt };
  }

  /** Whoever could not be linked to is tried again at once; whom the user disconnected is not. */
  look(): void {
    const { context } = this.#parts;
    for (const [id, until] of this.#resting) if (until <= context.now + REST_MS) this.#resting.delete(id);
    if (this.#stopped || !context.timers.has('neighbours')) return;
    context.after('neighbours', 0, () => this.#turn());
  }

  /** Where the user allows for fewer links those give way that nothing passes through; others once nothing does. */
  shrink(): void {
    const { links, paths, rules } = this.#parts;
    const idle = [...links.all()]
      .filter(({ kind, peer, circuits }) => {
        const guard = peer !== undefined && paths.guards.includes(peer);
        return kind !== 'directory' && circuits.size === 0 && !guard;
      })
      .sort((a, b) => a.usedAt - b.usedAt);
    for (const link of idle) if (links.size > rules.most) links.close(link, 'finished');
  }

  stop(): void {
    this.#stopped = true;
    for (const name of ['neighbours', 'neighbours:random']) this.#parts.context.timers.clear(name);
  }

  #turn(): void {
    const { context, links, dial, feign, paths, relaying } = this.#parts;
    this.shrink();
    this.#closeIdle();
    const target = this.#parts.ready() ? this.#missing() : undefined;
    if (target === undefined) {
      context.after('neighbours', TURN_MOST_MS * 10, () => this.#turn());
      return;
    }
    context.after('neighbours', uniformBetween(context.rng, TURN_LEAST_MS, TURN_MOST_MS), () => this.#turn());
    if (relaying()) this.#greeted.add(target);
    if (links.to(target)) return feign(target);
    this.#resting.set(target, context.now + REST_MS);
    dial(target, (link) => {
      const guard = paths.guards.includes(target);
      if (typeof link === 'string') {
        this.#tries += 1;
        context.changed();
        if (guard) paths.failed(target);
        return;
      }
      this.#tries = 0;
      this.#resting.delete(target);
      if (guard) paths.worked(target);
      if (links.to(target)) context.changed();
    });
  }

  #missing(): NodeId | undefined {
    const { context, links, paths, self, relaying, rules } = this.#parts;
    const free = (id: NodeId): boolean =>
      (this.#resting.get(id) ?? 0) <= context.now && !paths.avoided.has(id);
    const wanted = (id: NodeId): boolean => links.to(id) === undefined && free(id);
    const guard = paths.guards.find(wanted);
    if (guard !== undefined) return guard;
    const nodes = this.#parts.consensus()?.nodes ?? [];
    if (!relaying() || !rules.webrtc || nodes.length > MESH_NODES) return undefined;
    for (const id of this.#greeted) if (!nodes.some((node) => node.id === id)) this.#greeted.delete(id);
    const full = links.size >= rules.most;
    // The lower id dials, so that two nodes do not offer at once; whoever is linked already is greeted all the same.
    const strange = ({ id }: ConsensusNode): boolean =>
      (!full && wanted(id)) || (!this.#greeted.has(id) && links.to(id) !== undefined && free(id));
    return withoutServer(nodes).find((node) => self < node.id && strange(node))?.id;
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
    const { context, links, paths, self, rules, relaying, dial, ready } = this.#parts;
    const nodes = this.#parts.consensus()?.nodes ?? [];
    if (!relaying() || !ready() || !rules.webrtc || nodes.length <= MESH_NODES || links.size >= rules.most)
      return;
    const open = (id: NodeId): boolean => links.to(id) !== undefined || paths.avoided.has(id) || id === self;
    const target = drawByWeight(
      context.rng,
      withoutServer(nodes).filter(({ id, exit }) => exit && !open(id)),
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
