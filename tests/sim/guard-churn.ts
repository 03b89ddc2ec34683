import { uniform, type Rng } from '#shared/crypto/rng.ts';
import type { Consensus, ConsensusNode } from '#shared/directory/consensus.ts';
import { updateGuards, usableGuards, type Guard } from '#shared/path/guards.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import { consensusOf, NOW } from '#tests/support/sample-network.ts';
import { idAt, plainNode, rngOf } from './path-world.ts';

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;
/** Between two consensuses that clients look at. */
export const STEP_MS: Millis = HOUR;
export const DAYS = 31;

/** How honest nodes live. Hostile ones are always there. */
export type Churn = {
  name: string;
  /** Share of the honest nodes that are relays, which keep their ids; the others are tabs. */
  relays: number;
};

/** A relay is up for so long on average, then away for so long, and comes back under the same id. */
const RELAY_UP_MS: Millis = 10 * DAY;
const RELAY_AWAY_MS: Millis = 2 * HOUR;
/** A relay that is given up, after so long on average, makes room for another one. */
const RELAY_LIFE_MS: Millis = 180 * DAY;
/** A tab is closed after so long on average; another opens, under another id. */
export const TAB_LIFE_MS: Millis = 3 * HOUR;

export const churns: readonly Churn[] = [
  { name: 'relays alone', relays: 1 },
  { name: 'a quarter relays', relays: 0.25 },
  { name: 'tabs alone', relays: 0 },
];

const exponential = (rng: Rng, meanMs: Millis): Millis =>
  -meanMs * Math.log((uniform(rng, 2 ** 32) + 1) / 2 ** 32);

type Kind = 'hostile' | 'relay' | 'tab';
type Member = {
  kind: Kind;
  id: NodeId;
  number: number;
  since: Millis;
  upTo: Millis;
  lifeEnds: Millis;
  backAt: Millis;
};

/** A node that is flagged as a guard has been listed for 8 days, or longer than half of all: the directory's rule. */
const GUARD_UPTIME_MS: Millis = 8 * DAY;

export const guardFlags = (uptimes: readonly Millis[]): boolean[] => {
  const sorted = [...uptimes].sort((a, b) => a - b);
  const least = Math.min(GUARD_UPTIME_MS, sorted[Math.floor((sorted.length - 1) / 2)] ?? 0);
  return uptimes.map((uptime) => uptime >= least);
};

/** Nodes that come and go, and the consensus of each hour. */
class ChurningNetwork {
  readonly hostile = new Set<NodeId>();
  readonly #rng: Rng;
  readonly #members: Member[];
  #made = 0;

  constructor(rng: Rng, nodes: number, hostile: number, { relays }: Churn) {
    this.#rng = rng;
    const honestRelays = Math.round((nodes - hostile) * relays);
    this.#members = Array.from({ length: nodes }, (_, i) => {
      const kind = i < hostile ? 'hostile' : i < hostile + honestRelays ? 'relay' : 'tab';
      const member = this.#join(kind, NOW);
      // It all began long ago, and without memory: ages are as spans to come.
      const age =
        kind === 'hostile' ? 100 * DAY : exponential(rng, kind === 'relay' ? RELAY_UP_MS : TAB_LIFE_MS);
      return { ...member, since: NOW - age };
    });
    for (const { kind, id } of this.#members) if (kind === 'hostile') this.hostile.add(id);
  }

  consensusAt(now: Millis): Consensus {
    for (const [i, member] of this.#members.entries()) this.#members[i] = this.#pass(member, now);
    const listed = this.#members.filter(({ backAt }) => backAt <= now);
    const guards = guardFlags(listed.map(({ since }) => now - since));
    return consensusOf(
      listed.map(({ number, since }, i): ConsensusNode =>
        plainNode(number, { since, guard: guards[i] === true }),
      ),
      { time: now },
    );
  }

  #join(kind: Kind, now: Millis): Member {
    const number = this.#made++;
    const rng = this.#rng;
    const lifeMs = { hostile: Infinity, relay: RELAY_LIFE_MS, tab: TAB_LIFE_MS }[kind];
    const lifeEnds = now + (lifeMs === Infinity ? Infinity : exponential(rng, lifeMs));
    const upTo = kind === 'relay' ? now + exponential(rng, RELAY_UP_MS) : Infinity;
    return { kind, id: idAt(number), number, since: now, upTo, lifeEnds, backAt: now };
  }

  #pass(member: Member, now: Millis): Member {
    if (member.lifeEnds <= now) return this.#pass(this.#join(member.kind, member.lifeEnds), now);
    if (member.upTo > now) return member;
    const backAt = member.upTo + exponential(this.#rng, RELAY_AWAY_MS);
    return this.#pass(
      { ...member, since: backAt, backAt, upTo: backAt + exponential(this.#rng, RELAY_UP_MS) },
      now,
    );
  }
}

type User = { guards: Guard[]; caught: boolean; clean: number };

export type Caught = {
  churn: string;
  nodes: number;
  hostile: number;
  users: number;
  /** Share of hostile nodes among all that are listed, and among those flagged as guards, on average. */
  listed: number;
  flagged: number;
  /** Share of users who ever had a hostile guard: at the start, and after each day. */
  byDay: number[];
  /** What the draws that were made lead one to expect at the end, and its variance for one user. */
  expected: number;
  variance: number;
  /** Draws of guards in all days for each user. */
  draws: number;
  /** Share of the time in which a user had no guard that could be used. */
  without: number;
};

/** Share of hostile ones among the nodes that may be drawn as a further guard. */
const riskOf = (consensus: Consensus, hostile: ReadonlySet<NodeId>, guards: readonly Guard[]): number => {
  const held = new Set(guards.map(({ id }) => id));
  const free = consensus.nodes.filter(({ id, guard }) => guard && !held.has(id));
  return free.filter(({ id }) => hostile.has(id)).length / free.length;
};

/** Follows users who are always there over a month. `keep`: what they have of their guards at the next look. */
export const measureCaught = (
  nodes: number,
  hostile: number,
  churn: Churn,
  users: number,
  keep = (guards: Guard[]): Guard[] => guards,
): Caught => {
  const rng = rngOf(`guards ${churn.name} ${String(hostile)} of ${String(nodes)}`);
  const network = new ChurningNetwork(rng, nodes, hostile, churn);
  const all: User[] = Array.from({ length: users }, () => ({ guards: [], caught: false, clean: 1 }));
  let [draws, without, expected, variance, present, flagged, steps] = [0, 0, 0, 0, 0, 0, 0];
  const byDay: number[] = [];
  for (let now = NOW; now < NOW + DAYS * DAY; now += STEP_MS) {
    const consensus = network.consensusAt(now);
    const listed = new Set(consensus.nodes.map(({ id }) => id));
    const risk = riskOf(consensus, network.hostile, []);
    for (const user of all) {
      const before = keep(user.guards);
      user.guards = updateGuards(before, consensus, { now, rng });
      const held = user.guards.filter((guard) => guard.addedAt < now);
      const drawn = user.guards.slice(held.length);
      for (const [i, guard] of drawn.entries()) {
        // What is drawn after a hostile one says nothing more.
        if (!user.caught) {
          const p =
            i === 0 && held.length === 0
              ? risk
              : riskOf(consensus, network.hostile, user.guards.slice(0, held.length + i));
          expected += p;
          variance += p * (1 - p);
        }
        user.caught ||= network.hostile.has(guard.id);
      }
      draws += drawn.length;
      if (!usableGuards(user.guards, now).some(({ id }) => listed.has(id))) without += 1;
    }
    present += hostile / consensus.nodes.length;
    flagged += risk;
    steps += 1;
    if ((now - NOW) % DAY === 0) byDay.push(all.filter(({ caught }) => caught).length / users);
  }
  byDay.push(all.filter(({ caught }) => caught).length / users);
  return {
    ...{ churn: churn.name, nodes, hostile, users, byDay },
    ...{
      listed: present / steps,
      flagged: flagged / steps,
      expected: expected / users,
      variance: variance / users,
    },
    ...{ draws: draws / users, without: without / (users * steps) },
  };
};
