import { RemoteError } from '#shared/errors.ts';
import type { Live, Route } from '../stores/ports.ts';
import type { Circuit } from './context.ts';

/** Circuits that may take what is sent to one address: a rebuilt one beside those not yet known to be lost. */
const MOST_CIRCUITS = 4;
/** A node id and reply addresses. */
const MOST_ADDRESSES = 5;

/** Which address leads to which circuit of this process. A route ends with its circuit. */
export class Routing {
  readonly #live: Live;
  readonly #process: string;

  constructor(live: Live, process: string) {
    this.#live = live;
    this.#process = process;
  }

  /** Throws `too-many`. */
  async add(address: string, circuit: Circuit): Promise<void> {
    if (circuit.addresses.has(address)) return;
    if (circuit.addresses.size >= MOST_ADDRESSES)
      throw new RemoteError('too-many', 'addresses on one circuit');
    circuit.addresses.add(address);
    await this.#live.addRoute(address, this.#route(circuit), MOST_CIRCUITS);
    // The circuit may have ended while the store was asked.
    if (!circuit.open) await this.#live.removeRoute(address, this.#route(circuit));
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
        const delivered = await this.#live.deliver(route, body);
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
