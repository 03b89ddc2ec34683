import type { Clock } from '../clock.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Delivery, Live, Presence, Route } from './ports.ts';

/** Routes that nobody asks for are looked through this often, so that those past their time don't pile up. */
const TIDY_EVERY_MS: Millis = 60_000;

type Standing = { route: Route; expires: Millis };

/** `live` within one process: the embedded default. Nothing waits in it: a delivery is called at once. */
export class MemoryLive implements Live {
  readonly #clock: Clock;
  readonly #presences = new Map<NodeId, { presence: Presence; expires: Millis }>();
  readonly #routes = new Map<string, Standing[]>();
  readonly #deliveries = new Map<string, Delivery>();
  readonly #claims = new Map<string, { value: Uint8Array; expires: Millis }>();
  #tidied: Millis = 0;
  #leader: { process: string; token: number; expires: Millis } | undefined;
  #fence = 0;
  #fresh = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  setPresence(presence: Presence, ttlMs: Millis): Promise<void> {
    this.#presences.set(presence.node, { presence, expires: this.#clock.now() + ttlMs });
    return Promise.resolve();
  }

  presence(node: NodeId): Promise<Presence | undefined> {
    const held = this.#presences.get(node);
    return Promise.resolve(held && held.expires > this.#clock.now() ? held.presence : undefined);
  }

  presences(): Promise<Presence[]> {
    this.#expire();
    return Promise.resolve([...this.#presences.values()].map(({ presence }) => presence));
  }

  presenceCount(): Promise<number> {
    this.#expire();
    return Promise.resolve(this.#presences.size);
  }

  removePresence(node: NodeId): Promise<void> {
    this.#presences.delete(node);
    return Promise.resolve();
  }

  addRoute(address: string, route: Route, most: number, ttlMs: Millis): Promise<void> {
    const now = this.#clock.now();
    this.#tidy(now);
    const standing = this.#standing(address);
    const known = standing.find((each) => same(each.route, route));
    if (known) known.expires = now + ttlMs;
    else standing.push({ route: { ...route }, expires: now + ttlMs });
    this.#routes.set(address, standing.slice(-most));
    return Promise.resolve();
  }

  removeRoute(address: string, route: Route): Promise<void> {
    const left = this.#standing(address).filter((each) => !same(each.route, route));
    if (left.length > 0) this.#routes.set(address, left);
    else this.#routes.delete(address);
    return Promise.resolve();
  }

  routes(address: string): Promise<Route[]> {
    return Promise.resolve(this.#standing(address).map(({ route }) => ({ ...route })));
  }

  attach(process: string, delivery: Delivery): Promise<() => Promise<void>> {
    this.#deliveries.set(process, delivery);
    return Promise.resolve(() => {
      if (this.#deliveries.get(process) === delivery) this.#deliveries.delete(process);
      return Promise.resolve();
    });
  }

  deliver(route: Route, body: Uint8Array): Promise<boolean> {
    const delivery = this.#deliveries.get(route.process);
    delivery?.(route.circuit, body);
    return Promise.resolve(delivery !== undefined);
  }

  lead(process: string, ttlMs: Millis, floor: number): Promise<number | undefined> {
    const now = this.#clock.now();
    const leader = this.#leader && this.#leader.expires > now ? this.#leader : undefined;
    if (leader && leader.process !== process) return Promise.resolve(undefined);
    // Below the floor, somebody else has led since.
    const token = leader && leader.token >= floor ? leader.token : Math.max(this.#fence, floor) + 1;
    this.#fence = token;
    this.#leader = { process, token, expires: now + ttlMs };
    return Promise.resolve(token);
  }

  retire(process: string): Promise<void> {
    if (this.#leader?.process === process) this.#leader = undefined;
    return Promise.resolve();
  }

  claim(name: string, value: Uint8Array, ttlMs: Millis): Promise<Uint8Array> {
    const now = this.#clock.now();
    this.#tidy(now);
    const standing = this.#claimed(name);
    if (standing) return Promise.resolve(standing);
    this.#claims.set(name, { value: value.slice(), expires: now + ttlMs });
    return Promise.resolve(value.slice());
  }

  claimed(name: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#claimed(name));
  }

  wasEmptied(): Promise<boolean> {
    const fresh = this.#fresh;
    this.#fresh = false;
    return Promise.resolve(fresh);
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#presences.clear();
    this.#routes.clear();
    this.#deliveries.clear();
    this.#claims.clear();
    return Promise.resolve();
  }

  #claimed(name: string): Uint8Array | undefined {
    const standing = this.#claims.get(name);
    return standing && standing.expires > this.#clock.now() ? standing.value.slice() : undefined;
  }

  #standing(address: string): Standing[] {
    const now = this.#clock.now();
    return (this.#routes.get(address) ?? []).filter(({ expires }) => expires > now);
  }

  #tidy(now: Millis): void {
    if (now - this.#tidied < TIDY_EVERY_MS) return;
    this.#tidied = now;
    for (const [address, standing] of this.#routes) {
      if (standing.every(({ expires }) => expires <= now)) this.#routes.delete(address);
    }
    for (const [name, { expires }] of this.#claims) if (expires <= now) this.#claims.delete(name);
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const [node, { expires }] of this.#presences) if (expires <= now) this.#presences.delete(node);
  }
}

const same = (a: Route, b: Route): boolean => a.process === b.process && a.circuit === b.circuit;
