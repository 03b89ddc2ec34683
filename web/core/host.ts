import type { Ports } from '#shared/driver/driver.ts';
import type { Input } from '#shared/node/input.ts';

/** What a browser's WebRTC can do. */
export type Rtc = {
  /** Whether it has any. */
  works: boolean;
  /** Whether there is a TURN server to hide behind. */
  turn: boolean;
  /** Whether peer connections that are made from now on go through TURN servers alone. */
  hideAddress(on: boolean): void;
};

/** What runs the core: a worker beside a page, or Node. Where it says nothing of it, WebRTC works and hides nothing. */
export type Host = { ports: Omit<Ports, 'event' | 'trace'>; stop(): void; rtc?: Rtc };

export type HostFactory = (input: (input: Input) => void) => Host;
