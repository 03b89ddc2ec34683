import { uniform, type Rng } from '#shared/crypto/rng.ts';
import type { Millis } from '#shared/units.ts';
import { rngOf } from './path-world.ts';

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;

/** Consensuses come this often. */
export const CONSENSUS_MS: Millis = MINUTE;
/** A contact is seen to come back within this time: it opens inboxes, publishes, and is looked for. */
export const SEEN_BACK_MS: Millis = MINUTE;
/** A contact's channel ends with its tab, and this much later at the latest. */
export const SEEN_GONE_MS: Millis = 10 * SECOND;
/** The directory goes on listing a node whose circuit ended for 15 s, one that is silent for 90 s. */
export const LINGER_MS: Millis = 15 * SECOND;
export const SILENCE_MS: Millis = 90 * SECOND;
/** Heartbeats are so far apart at the most. */
const BEAT_MS: Millis = 45 * SECOND;
/** A tab that is back sooner is the same node. */
const SAME_NODE_MS: Millis = 10 * MINUTE;

const ONLINE_MS: Millis = 2 * HOUR;
/** For each hour that somebody is there they are away for two. */
const AWAY_MS: Millis = 4 * HOUR;
/** So many absences are short ones, after which the node is the same; from 4 min on, so that the list shows them all. */
const SHORT_SHARE = 0.25;
const SHORT_LEAST_MS: Millis = 4 * MINUTE;

export type Keys = 'session' | 'opening' | 'long-lived' | 'changing';

export type PresenceOptions = {
  /** Users who are there at one time, on average. */
  online: number;
  /**
   * How long node keys are kept. `session`: as tabs do, over an absence of under ten minutes too; `opening`: over none;
   * `changing`: others every half hour or so while the tab is open.
   */
  keys: Keys;
  /** A node registers at a random time within this span. */
  delayMs: Millis;
};

/** A tab is a node under one id from one consensus on, and is missing from another one on. */
type Span = { id: number; listed: number; gone: number };
type Session = { on: Millis; off: Millis; spans: Span[] };

const KEYS_CHANGE_MS: Millis = 30 * MINUTE;
/** Time at which everybody has come and gone often enough for the beginning not to matter. */
const START_MS: Millis = 24 * HOUR;
export const MOST_TRANSITIONS = 40;
const END_MS: Millis = START_MS + MOST_TRANSITIONS * 4 * HOUR;

/** Ids that come to be listed, a millisecond. */
export const rateOf = ({ online, delayMs }: PresenceOptions): number => {
  const users = online / (ONLINE_MS / (ONLINE_MS + AWAY_MS));
  return users / (delayMs + 2 * MINUTE + ONLINE_MS + AWAY_MS);
};

const upTo = (rng: Rng, most: Millis): Millis => uniform(rng, Math.floor(most) + 1);
const exponential = (rng: Rng, mean: Millis): Millis =>
  -mean * Math.log((uniform(rng, 2 ** 32) + 1) / 2 ** 32);
const consensusAfter = (time: Millis): number => Math.ceil(time / CONSENSUS_MS);

export class PresenceWorld {
  readonly options: PresenceOptions;
  readonly rng: Rng;
  readonly users: Session[][] = [];
  /** Ids by the consensus that lists them first, and by the first without them. */
  readonly #appear = new Map<number, number[]>();
  readonly #vanish = new Map<number, number[]>();
  #ids = 0;

  constructor(options: PresenceOptions) {
    this.options = options;
    const { online, keys, delayMs } = options;
    this.rng = rngOf(`presence ${keys} ${String(online)} ${String(delayMs)}`);
    const share = ONLINE_MS / (ONLINE_MS + AWAY_MS);
    for (let i = 0; i < online / share; i++) this.users.push(this.#life());
  }

  /** Ids that come within a span of time. */
  appearing(from: Millis, to: Millis): number[] {
    return within(this.#appear, from, to);
  }

  vanishing(from: Millis, to: Millis): number[] {
    return within(this.#vanish, from, to);
  }

  #life(): Session[] {
    const { rng } = this;
    const { keys, delayMs } = this.options;
    const sessions: Session[] = [];
    const long = (AWAY_MS - SHORT_SHARE * ((SHORT_LEAST_MS + SAME_NODE_MS) / 2)) / (1 - SHORT_SHARE);
    let id = this.#ids++;
    let at = -upTo(rng, ONLINE_MS + AWAY_MS);
    while (at < END_MS) {
      // A tab that is closed before it registers shows nothing.
      const off = at + delayMs + 2 * MINUTE + exponential(rng, ONLINE_MS);
      const spans = this.#spans(id, at, off);
      sessions.push({ on: at, off, spans });
      const isShort = uniform(rng, 1000) < 1000 * SHORT_SHARE;
      const away = isShort
        ? SHORT_LEAST_MS + upTo(rng, SAME_NODE_MS - SHORT_LEAST_MS - 1)
        : SAME_NODE_MS + exponential(rng, long - SAME_NODE_MS);
      const isKept = keys === 'long-lived' || (keys !== 'opening' && isShort);
      id = isKept ? (spans.at(-1)?.id ?? id) : this.#ids++;
      at = off + away;
    }
    return sessions;
  }

  #spans(first: number, on: Millis, off: Millis): Span[] {
    const { rng } = this;
    const { keys, delayMs } = this.options;
    const spans: Span[] = [];
    let [id, from] = [first, on];
    while (from < off) {
      const end =
        keys === 'changing' ? Math.min(off, from + delayMs + exponential(rng, KEYS_CHANGE_MS)) : off;
      const span = {
        id,
        listed: consensusAfter(from + upTo(rng, delayMs)),
        gone: consensusAfter(end + this.#lingering()),
      };
      if (span.listed < span.gone) {
        spans.push(span);
        add(this.#appear, span.listed, id);
        add(this.#vanish, span.gone, id);
      }
      [id, from] = [this.#ids++, end];
    }
    return spans;
  }

  /** From most tabs that are closed their circuits end; of some nobody hears any more. */
  #lingering(): Millis {
    return uniform(this.rng, 10) > 0 ? LINGER_MS : SILENCE_MS - upTo(this.rng, BEAT_MS);
  }
}

const add = (map: Map<number, number[]>, key: number, id: number): void => {
  const list = map.get(key);
  if (list) list.push(id);
  else map.set(key, [id]);
};

const within = (map: Map<number, number[]>, from: Millis, to: Millis): number[] => {
  const found: number[] = [];
  for (let number = Math.ceil(from / CONSENSUS_MS); number * CONSENSUS_MS <= to; number++)
    found.push(...(map.get(number) ?? []));
  return found;
};

/** What watching one user came to. */
export type Watched = {
  /** Transitions until one id was left, and the tab that had it was closed or not; `Infinity`: more than there were. */
  needed: number;
  /** The same, and that tab still open. */
  neededLive: number;
  /** Ids that were left after each transition. */
  left: number[];
};

/**
 * The observer knows each consensus, and when the user comes and goes. What it holds for possible is never false: ids that came
 * when the user did, and went when they did; and all over again once the node must be another one.
 */
export const watch = (world: PresenceWorld, user: Session[]): Watched => {
  const { keys, delayMs } = world.options;
  const watched: Watched = { needed: Infinity, neededLive: Infinity, left: [] };
  let possible: Set<number> | undefined;
  let before = -Infinity;
  for (const session of user) {
    const { on, off, spans } = session;
    if (on < START_MS || watched.left.length >= MOST_TRANSITIONS) continue;
    const [cameAt, wentAt] = [on + upTo(world.rng, SEEN_BACK_MS), off + upTo(world.rng, SEEN_GONE_MS)];
    // Whether the gap was a short one is known as well as times are.
    const isOther = keys === 'opening' || (keys !== 'long-lived' && on - before >= SAME_NODE_MS);
    if (isOther || before === -Infinity) possible = undefined;
    possible = intersect(possible, world.appearing(cameAt - SEEN_BACK_MS, cameAt + delayMs + CONSENSUS_MS));
    note(watched, possible, spans[0], true, keys);
    if (keys === 'changing') possible = followed(world, possible, on, off);
    possible = intersect(
      possible,
      world.vanishing(wentAt - SEEN_GONE_MS, wentAt + SILENCE_MS + CONSENSUS_MS),
    );
    note(watched, possible, spans.at(-1), false, keys);
    before = off;
  }
  return watched;
};

const intersect = (possible: Set<number> | undefined, ids: number[]): Set<number> =>
  new Set(possible ? ids.filter((id) => possible.has(id)) : ids);

const note = (
  watched: Watched,
  possible: Set<number>,
  span: Span | undefined,
  live: boolean,
  keys: Keys,
): void => {
  const isRight = span !== undefined && possible.has(span.id);
  // A node between two ids, whose next one is not listed yet, is none of those that vanish.
  if (!isRight && keys !== 'changing') throw new Error('the observer is wrong');
  watched.left.push(possible.size);
  if (possible.size !== 1 || !isRight) return;
  watched.needed = Math.min(watched.needed, watched.left.length);
  if (live) watched.neededLive = Math.min(watched.neededLive, watched.left.length);
};

/** Where ids change, whoever came when another went may be the same node. */
const followed = (world: PresenceWorld, first: Set<number>, from: Millis, to: Millis): Set<number> => {
  const possible = new Set(first);
  const reach = world.options.delayMs + SILENCE_MS + 2 * CONSENSUS_MS;
  for (let at = from; at < to; at += CONSENSUS_MS) {
    const isSeen = world.vanishing(at, at + CONSENSUS_MS - 1).some((id) => possible.has(id));
    if (isSeen) for (const id of world.appearing(at - reach, at + reach)) possible.add(id);
  }
  return possible;
};

/** Watches the first `users` of a world. */
export const watchAll = (options: PresenceOptions, users: number): Watched[] => {
  const world = new PresenceWorld(options);
  return world.users.slice(0, users).map((user) => watch(world, user));
};
