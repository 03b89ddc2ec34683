import type { Ports } from '#shared/driver/driver.ts';
import type { Input } from '#shared/node/input.ts';

/** What runs the core: a worker beside a page, or Node. `origin` begins invite links. */
export type Host = { ports: Omit<Ports, 'event' | 'trace'>; stop(): void };

export type HostFactory = (input: (input: Input) => void) => Host;
