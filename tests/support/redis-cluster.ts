import { Redis } from 'ioredis';
import { findRedisServer } from '#tests/support/programs.ts';
import { freePort, redisArguments, Service } from '#tests/support/stores.ts';
import { eventually } from '#tests/support/test-network.ts';

const MASTERS = 3;
const SLOTS = 16_384;

export type RedisCluster = { urls: string[]; stop(): Promise<void> };

/** Three masters on loopback that share the slots. */
export const redisCluster = async (): Promise<RedisCluster> => {
  const program = findRedisServer();
  const buses = await Promise.all(Array.from({ length: MASTERS }, freePort));
  const services = await Promise.all(
    buses.map((bus) =>
      Service.start(program, (port, folder) => [
        ...redisArguments(port, folder),
        ...['--cluster-enabled', 'yes', '--cluster-port', String(bus)],
      ]),
    ),
  );
  const clients = services.map(({ port }) => new Redis(port, '127.0.0.1'));
  try {
    await share(clients);
    for (const [index, { port }] of services.entries()) {
      await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port, buses[index] ?? 0);
    }
    await eventually('the cluster is one', async () => {
      const states = await Promise.all(clients.map((client) => client.call('CLUSTER', 'INFO')));
      return states.every((state) => /cluster_state:ok[^]*cluster_known_nodes:3/.test(String(state)));
    });
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    urls: services.map(({ port }) => `redis://127.0.0.1:${String(port)}`),
    async stop() {
      await Promise.all(services.map((service) => service.stop()));
    },
  };
};

const share = async (clients: Redis[]): Promise<void> => {
  const each = Math.ceil(SLOTS / MASTERS);
  for (const [index, client] of clients.entries()) {
    const [from, to] = [index * each, Math.min(SLOTS, (index + 1) * each) - 1];
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
  }
};
