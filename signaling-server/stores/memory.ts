import type { Clock } from '../clock.ts';
import type { Millis, NodeId } from '#shared/units.ts';
import type { Delivery, Live, Presence, Route } from './ports.ts';

/** `live` within one process: the embedded default. */
export class MemoryLive implements Live {
  readonly #clock: Clock;
  readonly #presences = new Map<NodeId, { presence: Presence; expires: Millis }>();
  readonly #routes = new Map<string, Route[]>();
  readonly #deliveries = new Map<string, Delivery>();

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

  addRoute(address: string, route: Route, most: number): Promise<void> {
    const others = (this.#routes.get(address) ?? []).filter((each) => !same(each, route));
    this.#routes.set(address, [...others, { ...route }].slice(-most));
    return Promise.resolve();
  }

  removeRoute(address: string, route: Route): Promise<void> {
    const left = (this.#routes.get(address) ?? []).filter((each) => !same(each, route));
    if (left.length > 0) this.#routes.set(address, left);
    else this.#routes.delete(address);
    return Promise.resolve();
  }

  routes(address: string): Promise<Route[]> {
    return Promise.resolve([...(this.#routes.get(address) ?? [])]);
  }

  attach(process: string, delivery: Delivery): Promise<() => Promise<void>> {
    this.#deliveries.set(process, delivery);
    return Promise.resolve(() => {
      if (this.#deliveries.get(process) === delivery) this.#deliveries.delete(process);
      return Promise.resolve();
    });
  }

  deliver(route: Route, body: Uint8Array): Promise<boolean> {
    return Promise.resolve(this.#deliveries.get(route.process)?.(route.circuit, body) ?? false);
  }

  close(): Promise<void> {
    this.#presences.clear();
    this.#routes.clear();
    this.#deliveries.clear();
    return Promise.resolve();
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const [node, { expires }] of this.#presences) if (expires <= now) this.#presences.delete(node);
  }
}

const same = (a: Route, b: Route): boolean => a.process === b.process && a.circuit === b.circuit;
