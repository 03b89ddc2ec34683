import { RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import type { Live, Route } from '../stores/ports.ts';
import type { Circuit } from './context.ts';

/** Circuits that may take what is sent to one address: a rebuilt one beside those not yet known to be lost. */
const MOST_CIRCUITS = 4;
/** A node id and reply addresses. Mailboxes come on top, and have a bound of their own. */
const MOST_ADDRESSES = 5;

/** Routes of a process that died are gone after this long; those of one that lives are added again in time. */
const ROUTE_TTL_MS: Millis = 90_000;
export const REFRESH_MS: Millis = 25_000;
/** Routes that are added again at one time. */
const REFRESHED_AT_ONCE = 64;

/** Takes what is due to a circuit of this very process; false when the circuit is gone. */
export type LocalDelivery = (circuit: number, body: Uint8Array) => boolean;

/** Which address leads to which circuit, of this process or of another that shares the store. A route ends with its circuit. */
export class Routing {
  readonly #live: Live;
  readonly #process: string;
  readonly #local: LocalDelivery;

  constructor(live: Live, process: string, local: LocalDelivery) {
    this.#live = live;
    this.#process = process;
    this.#local = local;
  }

  /** Throws `too-many`. */
  async add(address: string, circuit: Circuit): Promise<void> {
    if (circuit.addresses.has(address)) return;
    const others = [...circuit.addresses].filter((each) => !circuit.mailboxes.has(each));
    if (!circuit.mailboxes.has(address) && others.length >= MOST_ADDRESSES)
      throw new RemoteError('too-many', 'addresses on one circuit');
    circuit.addresses.add(address);
    try {
      await this.#store(address, circuit);
    } catch (error) {
      // Whoever asks again has to find it missing.
      circuit.addresses.delete(address);
      throw error;
    }
  }

  /** Adds the circuits' routes again, also into a store that has lost them. */
  async refresh(circuits: Iterable<Circuit>): Promise<void> {
    const due = [...circuits].flatMap((circuit) =>
      [...circuit.addresses].map((address) => ({ address, circuit })),
    );
    for (let at = 0; at < due.length; at += REFRESHED_AT_ONCE) {
      const some = due.slice(at, at + REFRESHED_AT_ONCE);
      await Promise.all(some.map(({ address, circuit }) => this.#store(address, circuit)));
    }
  }

  async #store(address: string, circuit: Circuit): Promise<void> {
    await this.#live.addRoute(address, this.#route(circuit), MOST_CIRCUITS, ROUTE_TTL_MS);
    // The circuit may have ended while the store was asked.
    if (!circuit.open || !circuit.addresses.has(address))
      await this.#live.removeRoute(address, this.#route(circuit));
  }

  async remove(address: string, circuit: Circuit): Promise<void> {
    if (circuit.addresses.delete(address)) await this.#live.removeRoute(address, this.#route(circuit));
  }

  async removeAll(circuit: Circuit): Promise<void> {
    await Promise.all([...circuit.addresses].map((address) => this.remove(address, circuit)));
  }

  /** Hands `body` to every circuit behind `address`; false when there is none. */
  async send(address: string, body: Uint8Array): Promise<boolean> {
    const routes = await this.#live.routes(address);
    const taken = await Promise.all(
      routes.map(async (route) => {
        const own = route.process === this.#process;
        const delivered = own ? this.#local(route.circuit, body) : await this.#live.deliver(route, body);
        if (!delivered) await this.#live.removeRoute(address, route);
        return delivered;
      }),
    );
    return taken.includes(true);
  }

  #route({ handle }: Circuit): Route {
    return { process: this.#process, circuit: handle };
  }
}
