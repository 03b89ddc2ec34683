import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Passes each connection on to the backend that has the fewest, and past those that do not answer. */
export class Balancer {
  readonly #server = createServer({ pauseOnConnect: true }, (client) => this.#pass(client, []));
  /** Connections that are open, by the backend's port. */
  readonly open = new Map<number, number>();
  readonly #sockets = new Set<Socket>();
  #backends: number[] = [];

  static async start(): Promise<Balancer> {
    const balancer = new Balancer();
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Ports on this machine. */
  use(backends: number[]): void {
    this.#backends = [...backends];
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #pass(client: Socket, tried: number[]): void {
    const left = this.#backends.filter((port) => !tried.includes(port));
    const [port] = left.sort((one, other) => this.#openAt(one) - this.#openAt(other));
    if (port === undefined) return void client.destroy();
    this.open.set(port, this.#openAt(port) + 1);
    const backend = connect(port, '127.0.0.1');
    backend.once('close', () => this.open.set(port, this.#openAt(port) - 1));
    const refused = (): void => {
      if (!client.destroyed) this.#pass(client, [...tried, port]);
    };
    backend.once('error', refused);
    backend.once('connect', () => {
      backend.off('error', refused);
      join(client, backend);
    });
    this.#track(client);
    this.#track(backend);
    client.on('error', () => backend.destroy());
  }

  #openAt(port: number): number {
    return this.open.get(port) ?? 0;
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

const join = (client: Socket, backend: Socket): void => {
  for (const [from, to] of [
    [client, backend],
    [backend, client],
  ] as const) {
    from.on('error', () => to.destroy());
    from.once('close', () => to.destroy());
    from.pipe(to);
  }
};
