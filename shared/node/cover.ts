import { relayCommand } from '../cell/commands.ts';
import { CELL_LENGTH, CONTACT_HOP } from '../cell/geometry.ts';
import { chance, exponential, pick } from '../crypto/rng.ts';
import type { Millis, NodeId, StreamId } from '../units.ts';
import type { Channel } from './channel.ts';
import type { Context } from './context.ts';
import type { Handle } from './input.ts';
import type { Links } from './links.ts';
import type { Origin, Origins } from './origins.ts';

export type CoverLevel = 'off' | 'light' | 'full';

/** Cells a second of a whole tab: one budget, which all its conversations share. */
type Rates = {
  /** Times at which a cell leaves, at `full` one that waits if any does. */
  departures: number;
  /** Cells that go out to a node and come back. */
  echoes: number;
  /** DROPs that contacts may send, all together. */
  incoming: number;
};

const rates: Record<CoverLevel, Rates> = {
  off: { departures: 0, echoes: 0, incoming: 0 },
  light: { departures: 0.35, echoes: 0.3, incoming: 0 },
  full: { departures: 3.25, echoes: 0.5, incoming: 3.25 },
};

/**
 * Bytes a second that a level costs each way, with the acknowledgements of neighbours: upwards departures and echoes, and a cell
 * of acknowledgement for each echo and DROP that comes; downwards the same sum.
 */
export const coverCost = (level: CoverLevel): number => {
  const { departures, echoes, incoming } = rates[level];
  return (departures + incoming + 2 * echoes) * CELL_LENGTH;
};

/** Messages that may wait for departures on one circuit; what waits over that leaves at further times, which show as volume. */
export const BACKLOG = 16;

/** Between those, on average. */
const BURST_MS: Millis = 10;

const TOKEN_LENGTH = 8;

const DEPARTURE = 'cover:departure';
const ECHO = 'cover:echo';
const BURST = 'cover:burst';

type Parts = {
  context: Context;
  links: Links;
  origins: Origins;
  channels: ReadonlyMap<Handle, Channel>;
  guards(): NodeId[];
};

type Talk = { channel: Channel; origin: Origin };

/**
 * Cover after Loopix (Piotrowska et al., USENIX Security 2017, section 4): cells leave at the times of Poisson processes that do
 * not depend on what there is to say. At `full` the messages of circuits that carry conversations are held for those times, and
 * where none waits a DROP leaves in its place, to the contact as far as that one takes it, else to the last node; at `light`
 * messages leave at once, among DROPs. Echoes, PINGs to the last node, keep the
 * way back from falling silent on circuits where no contact sends cover.
 */
export class Cover {
  readonly #parts: Parts;
  #level: CoverLevel = 'off';

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get level(): CoverLevel {
    return this.#level;
  }

  set(level: CoverLevel): void {
    if (level === this.#level) return;
    this.#level = level;
    const { timers } = this.#parts.context;
    for (const name of [DEPARTURE, ECHO, BURST]) timers.clear(name);
    this.#settle(this.#talks());
    if (level === 'off') return;
    this.#departAfterThis();
    this.#echoAfterThis();
  }

  /** Whether a circuit's messages wait for their times. More than may wait is hastened, and so is what waits for room in its link. */
  hold(origin: Origin): boolean {
    const held = this.#waits(origin);
    if (origin.waiting > (held ? BACKLOG : 0)) this.#hurry();
    return held;
  }

  #waits(origin: Origin): boolean {
    if (this.#level !== 'full') return false;
    for (const { isTalking, circuit } of this.#parts.channels.values())
      if (isTalking && circuit === origin.handle) return true;
    return false;
  }

  #talks(): Talk[] {
    const origins = new Map([...this.#parts.origins.all()].map((origin) => [origin.handle, origin]));
    return [...this.#parts.channels.values()].flatMap((channel) => {
      const origin = origins.get(channel.circuit);
      return origin && channel.isTalking ? [{ channel, origin }] : [];
    });
  }

  #inboxes(): Origin[] {
    return [...this.#parts.origins.all()].filter(
      ({ purpose, state }) => purpose === 'inbox' && state === 'open',
    );
  }

  /** Divides what contacts may send among them, and lets go what is held no longer. */
  #settle(talks: Talk[]): void {
    const { incoming } = rates[this.#level];
    for (const { channel } of talks) channel.offer(incoming / talks.length);
    for (const origin of this.#parts.origins.all()) {
      if (origin.waiting > 0 && !this.hold(origin)) origin.releaseAll();
    }
  }

  #departAfterThis(): void {
    const { context } = this.#parts;
    context.after(DEPARTURE, exponential(context.rng, 1000 / rates[this.#level].departures), () => {
      this.#departAfterThis();
      this.#depart();
    });
  }

  /** One talk at random, whoever waits: so each has a Poisson process of its own, and none depends on another. */
  #depart(): void {
    const { rng } = this.#parts.context;
    const talks = this.#talks();
    this.#settle(talks);
    if (talks.length === 0) return this.#idle();
    const { channel, origin } = pick(rng, talks);
    if (origin.waiting > 0) return origin.release();
    const own = rates[this.#level].departures / talks.length;
    const takes = this.#level === 'full' ? channel.takes : 0;
    if (chance(rng, Math.min(1, takes / own)) && channel.drop()) origin.release();
    else this.#toNode(origin, relayCommand.DROP, 0);
    this.#count();
  }

  /** Nobody to talk to: the same number of cells to an inbox's exit, or to a guard. */
  #idle(): void {
    const { context, links, guards } = this.#parts;
    const inboxes = this.#inboxes();
    if (inboxes.length > 0) {
      this.#toNode(pick(context.rng, inboxes), relayCommand.DROP, 0);
      return this.#count();
    }
    const near = guards().flatMap((id) => links.to(id) ?? []);
    if (near.length > 0 && links.pad(pick(context.rng, near))) this.#count();
  }

  #echoAfterThis(): void {
    const { context } = this.#parts;
    context.after(ECHO, exponential(context.rng, 1000 / this.#echoRate()), () => {
      this.#echoAfterThis();
      this.#echo();
    });
  }

  /** What contacts leave of the budget goes into echoes, each of which costs twice as much as a DROP that comes. */
  #echoRate(): number {
    const { echoes, incoming } = rates[this.#level];
    const talks = this.#talks();
    const given = talks.filter(({ channel }) => channel.takes > 0).length / Math.max(1, talks.length);
    return echoes + (incoming / 2) * (1 - given);
  }

  #echo(): void {
    const { rng } = this.#parts.context;
    const talks = this.#talks();
    const alone = new Set([...talks.map(({ origin }) => origin), ...this.#inboxes()]);
    // An echo shows by its answer. Where the contact sends cover it is not needed, and all that leaves is alike.
    for (const { channel, origin } of talks) if (channel.takes > 0) alone.delete(origin);
    if (alone.size === 0) return;
    this.#toNode(pick(rng, [...alone]), relayCommand.PING, TOKEN_LENGTH);
    this.#count();
  }

  /** To the last hop that is a node. */
  #toNode(
    origin: Origin,
    command: typeof relayCommand.DROP | typeof relayCommand.PING,
    length: number,
  ): void {
    const hop = Math.min(origin.hops, CONTACT_HOP - 1);
    origin.sendNow(hop, { stream: 0 as StreamId, command, data: this.#parts.context.rng(length) });
  }

  #count(): void {
    this.#parts.context.cover.sent(this.#parts.context.now);
  }

  /** More waits somewhere than departures can take: it leaves at further times, at random as well. */
  #hurry(): void {
    const { context, origins } = this.#parts;
    if (context.timers.has(BURST)) return;
    context.after(BURST, exponential(context.rng, BURST_MS), () => {
      const long = [...origins.all()].filter(
        (origin) => origin.waiting > (this.#waits(origin) ? BACKLOG : 0),
      );
      if (long.length === 0) return;
      const origin = pick(context.rng, long);
      if (this.#waits(origin)) origin.release();
      else origin.releaseAll();
      this.#hurry();
    });
  }
}
