import { codeOf, type Code } from '#shared/errors.ts';
import type { Handle } from '#shared/node/input.ts';
import type { Millis } from '#shared/units.ts';
import type { Conversations } from '#web/core/conversation/conversations.ts';
import type { Session } from '#web/core/conversation/session.ts';
import type { Hold } from '#web/core/conversation/session-env.ts';
import type { Feature } from '#web/core/feature.ts';
import type { Host } from '#web/core/host.ts';
import type { Network } from '#web/core/network.ts';
import { Reach } from '#web/core/reach.ts';

/** Messages that come close together are acknowledged together. */
const ACK_MS: Millis = 20;

type Env = {
  ports: Host['ports'];
  network: Network;
  conversations: Conversations;
  features: () => readonly Feature[];
  /** The conversation id that this user has for others. */
  self(): string;
  holds(conversation: string): Hold | undefined;
  blocked(conversation: string): boolean;
  /** A channel is known to serve a conversation, over one of this client's circuits. */
  bound(channel: Handle, conversation: string): void;
  changed(): void;
};

/** A conversation that a circuit serves. `since` is undefined while that is on its way to the contact. */
export type Served = { conversation: string; since: Millis | undefined };

type Channel = { circuit: Handle; conversation?: string; since?: Millis; serves?: boolean };

/** The channels to contacts: whose each is, and one that is kept open to everyone who is let in. */
export class Ways {
  readonly #env: Env;
  readonly #reaches = new Map<string, Reach>();
  /** Which of this client's circuits carries a channel, and whose it is once that is known. */
  readonly #channels = new Map<Handle, Channel>();
  /** The circuit that is on its way to a contact, by conversation. */
  readonly #building = new Map<string, Handle>();
  readonly #acks = new Map<string, () => void>();
  readonly #begun = new WeakSet<Session>();

  constructor(env: Env) {
    this.#env = env;
  }

  reach(conversation: string): Reach | undefined {
    return this.#reaches.get(conversation);
  }

  /** The conversations that a circuit of this client's serves, or soon will. */
  servedBy(circuit: Handle): Served[] {
    const served = new Map<string, Millis | undefined>();
    for (const [conversation, building] of this.#building) {
      if (building === circuit) served.set(conversation, undefined);
    }
    for (const channel of this.#channels.values()) {
      if (channel.circuit === circuit && channel.conversation !== undefined) {
        served.set(channel.conversation, channel.since);
      }
    }
    return [...served].map(([conversation, since]) => ({ conversation, since }));
  }

  /** A conversation is there: a way to the contact is kept, unless nothing may leave toward them. */
  begun(session: Session): Reach | undefined {
    const known = this.#reaches.get(session.id);
    if (known) return known;
    if (!this.#begun.has(session)) {
      this.#begun.add(session);
      for (const each of this.#env.features()) each.begun?.(session);
    }
    if (this.#env.holds(session.id) === 'everything') return undefined;
    const reach = this.#reachOf(session);
    this.#reaches.set(session.id, reach);
    return reach;
  }

  /** What was held back toward a contact is so no longer; a channel of theirs may be there already. */
  open(session: Session): void {
    const reach = this.begun(session);
    for (const [channel, { conversation }] of this.#channels) {
      if (conversation !== session.id) continue;
      this.#env.network.command({ type: 'channel-trust', channel });
      reach?.joined(channel);
      this.#serves(channel);
    }
    reach?.poke();
  }

  /** No way is kept, and those that are open end. */
  shut(id: string): void {
    this.#reaches.get(id)?.stop();
    this.#reaches.delete(id);
    this.#building.delete(id);
    for (const [channel, { conversation }] of this.#channels) if (conversation === id) this.#close(channel);
  }

  incoming(channel: Handle, circuit: Handle): void {
    this.#channels.set(channel, { circuit });
  }

  async message(channel: Handle, data: Uint8Array): Promise<void> {
    const { network, conversations, blocked } = this.#env;
    try {
      const session = await conversations.receive(channel, data);
      if (!this.#channels.has(channel)) return;
      this.#bind(channel, session.id);
      const reach = this.begun(session);
      if (blocked(session.id)) return this.#close(channel);
      // Who waits to be let in gets no more room than anybody.
      if (!reach) return;
      network.command({ type: 'channel-trust', channel });
      reach.joined(channel);
      this.#serves(channel);
      if (session.acksDue) this.#ackSoon(session);
    } catch (error) {
      if (codeOf(error) === 'internal') console.error(error);
      this.#close(channel, codeOf(error));
    }
  }

  /** A frame that came without a channel. Rejects as `Conversations.receive` does. */
  async mail(frame: Uint8Array): Promise<Session> {
    const session = await this.#env.conversations.receive(undefined, frame);
    this.begun(session);
    if (session.acksDue) this.#ackSoon(session);
    return session;
  }

  async closed(channel: Handle, code: Code): Promise<void> {
    const { conversations, features, changed } = this.#env;
    const { conversation } = this.#channels.get(channel) ?? {};
    this.#channels.delete(channel);
    changed();
    for (const reach of this.#reaches.values()) reach.closed(channel);
    if (conversation !== undefined) for (const each of features()) each.closed?.(conversation, channel);
    await conversations.closed(channel);
    const session = conversation === undefined ? undefined : conversations.get(conversation);
    // The contact has no such invite open (any more): trying again would not help.
    if (!session?.waiting || code !== 'bad-invite') return;
    this.#reaches.get(session.id)?.rest();
    await session.fail(code);
  }

  stop(): void {
    for (const reach of this.#reaches.values()) reach.stop();
    for (const cancel of this.#acks.values()) cancel();
  }

  #reachOf(session: Session): Reach {
    const { ports, network, conversations, features, self, changed } = this.#env;
    return new Reach({
      ...{ ports, network, changed },
      first: session.waiting || self() < session.id,
      contact: session.contact,
      building: (circuit) => {
        this.#building.set(session.id, circuit);
        changed();
      },
      opened: async ({ channel, circuit }) => {
        this.#building.delete(session.id);
        this.#channels.set(channel, { circuit });
        this.#bind(channel, session.id);
        await conversations.opened(session.id, channel);
        this.#serves(channel);
      },
      absent: () => {
        for (const each of features()) each.absent?.(session.id);
      },
    });
  }

  #close(channel: Handle, code: Code = 'finished'): void {
    this.#env.network.command({ type: 'channel-close', channel, code });
  }

  #bind(channel: Handle, conversation: string): void {
    const known = this.#channels.get(channel);
    if (!known || known.conversation === conversation) return;
    known.conversation = conversation;
    known.since = this.#env.ports.now();
    this.#env.bound(channel, conversation);
  }

  /** Once for each channel: its conversation has been introduced on it, or spoken for. */
  #serves(channel: Handle): void {
    const known = this.#channels.get(channel);
    if (known?.conversation === undefined || known.serves) return;
    known.serves = true;
    for (const each of this.#env.features()) each.opened?.(known.conversation, channel);
  }

  #ackSoon(session: Session): void {
    if (this.#acks.has(session.id)) return;
    const cancel = this.#env.ports.timer(ACK_MS, () => {
      this.#acks.delete(session.id);
      void session.flushAcks().catch(() => undefined);
    });
    this.#acks.set(session.id, cancel);
  }
}
