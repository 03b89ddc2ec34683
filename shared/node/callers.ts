import { EXIT_HOP } from '../cell/geometry.ts';
import type { Consensus } from '../directory/consensus.ts';
import { RemoteError, type Code } from '../errors.ts';
import type { Millis, NodeId } from '../units.ts';
import type { Channel } from './channel.ts';
import type { Context } from './context.ts';
import type { Handle, InboxRef } from './input.ts';
import { joinInbox } from './joining.ts';
import type { Origin, OriginHandlers, Origins } from './origins.ts';
import type { NodeEvent } from './output.ts';
import { targetOf, type Paths } from './paths.ts';

/** Circuits that stand ready for the next conversation. */
const SPARES = 2;
const SPARE_RETRY_MS: Millis = 2000;
/** A spare older than this is replaced, for its age would tell. */
const SPARE_AGE_MS: Millis = 10 * 60_000;

type Parts = {
  context: Context;
  origins: Origins;
  paths: Paths;
  consensus(): Consensus | undefined;
  hurry(): void;
};

type Call = { handle: Handle; inboxes: InboxRef[]; lastCode: Code };

/** Joins contacts' inboxes: a circuit of three hops, the contact's exit as the fourth, the contact as the fifth. */
export class Callers {
  readonly channels = new Map<Handle, Channel>();
  readonly #parts: Parts;
  readonly #spares = new Set<Origin>();
  #on = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Begins to keep spares. */
  start(): void {
    this.#on = true;
    this.refill();
  }

  stop(): void {
    this.#on = false;
    this.#parts.context.timers.clear('spares');
  }

  connect(handle: Handle, inboxes: InboxRef[]): void {
    this.start();
    const { paths } = this.#parts;
    const guards = new Set(paths.guards);
    // An exit that is one of this client's guards would see both ends of its path, and its own node is no third
    // party: such inboxes come last.
    const last = ({ exit }: InboxRef): number => Number(guards.has(exit) || paths.isSelf(exit));
    const ordered = [...inboxes].sort((a, b) => last(a) - last(b));
    this.#next({ handle, inboxes: ordered, lastCode: 'not-found' });
  }

  refill(): void {
    if (!this.#on || this.#parts.context.timers.has('spares')) return;
    this.#parts.context.after('spares', SPARE_RETRY_MS, () => this.refill());
    const { now } = this.#parts.context;
    for (const spare of this.#spares) if (now - (spare.openedAt ?? now) > SPARE_AGE_MS) spare.end('finished');
    for (let missing = SPARES - this.#spares.size; missing > 0; missing--) {
      const path = this.#parts.paths.choose({ length: EXIT_HOP });
      if (!path) return this.#parts.hurry();
      const handlers: OriginHandlers = {
        open: () => undefined,
        message: () => {
          throw new RemoteError('unexpected', 'a spare is silent');
        },
        closed: (origin) => void this.#spares.delete(origin),
      };
      const spare = this.#parts.origins.build({ purpose: 'spare', path, handlers });
      if (spare.state !== 'closed') this.#spares.add(spare);
    }
  }

  #next(call: Call): void {
    const inbox = call.inboxes.shift();
    if (!inbox)
      return this.#parts.context.event({ type: 'channel-failed', handle: call.handle, code: call.lastCode });
    const node = this.#parts.consensus()?.nodes.find(({ id }) => id === inbox.exit);
    if (!node) {
      this.#parts.hurry();
      return this.#failed(call, 'not-found');
    }
    const spare = [...this.#spares].find((each) => this.#suits(each, inbox.exit));
    const open = (origin: Origin): void =>
      origin.extend(targetOf(node), () => this.#join(origin, inbox, call));
    if (spare) {
      this.#spares.delete(spare);
      this.#parts.origins.hand(spare, 'conversation', this.#handlers(call, open));
      this.#building(call, spare);
      this.refill();
      return open(spare);
    }
    const path = this.#parts.paths.choose({ length: EXIT_HOP, without: [inbox.exit] });
    if (!path) {
      this.#parts.hurry();
      return this.#failed(call, 'too-small-network');
    }
    const handlers = this.#handlers(call, open);
    this.#building(call, this.#parts.origins.build({ purpose: 'conversation', path, handlers }));
  }

  #building({ handle }: Call, origin: Origin): void {
    this.#parts.context.event({ type: 'channel-building', handle, circuit: origin.handle });
  }

  #suits(spare: Origin, exit: NodeId): boolean {
    const avoided = this.#parts.paths.avoided;
    return spare.state === 'open' && spare.path.every(({ node }) => node !== exit && !avoided.has(node));
  }

  /** Until the contact has joined; then the channel's own take over. */
  #handlers(call: Call, open: (origin: Origin) => void): OriginHandlers {
    return {
      open,
      message: () => {
        throw new RemoteError('unexpected', 'a message before the contact has joined');
      },
      closed: (_, code) => this.#failed(call, code),
    };
  }

  #failed(call: Call, code: Code): void {
    call.lastCode = code;
    // Not within this call: a list of dead inboxes must not recurse.
    this.#parts.context.after(`call:${String(call.handle)}`, 0, () => this.#next(call));
  }

  #join(origin: Origin, inbox: InboxRef, call: Call): void {
    const { context, origins } = this.#parts;
    const tell = (event: NodeEvent): void => context.event(event);
    joinInbox({ context, origins, channels: this.channels, tell }, origin, inbox, (channel) => {
      const circuit = origin.handle;
      tell({ type: 'channel-open', handle: call.handle, channel: channel.handle, circuit });
    });
  }
}
