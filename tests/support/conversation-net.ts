import { hex } from '#shared/bytes/bytes.ts';
import { seededRng, type Rng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { Conversations } from '#web/core/conversation/conversations.ts';
import {
  makeIdentity,
  makeKeyPackage,
  type Identity,
  type OwnKeyPackage,
} from '#web/core/conversation/identity.ts';
import type { Session, SessionEvent } from '#web/core/conversation/session.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store } from '#web/core/store/ports.ts';

export const START = 1_800_000_000_000;
const YEAR = 365 * 86_400_000;
const TOKEN = new Uint8Array(16).fill(3);

/** A write that fails, and whether the store kept it nonetheless: a crash before or after the write was durable. */
export type Fault = 'lost' | 'kept';

/** One user with a store that survives crashes of everything else. */
export class User {
  readonly rng: Rng;
  readonly identity: Identity;
  readonly name: string;
  readonly events: SessionEvent[] = [];
  fault: Fault | undefined;
  outgoing: (channel: number, frame: Uint8Array) => void = () => undefined;
  #clock = START;
  #life = 0;
  #keyPackage: OwnKeyPackage | undefined;
  #conversations: Conversations | undefined;
  readonly #store: Store = memoryStore();

  constructor(name: string, seed: number) {
    this.name = name;
    this.rng = seededRng(new Uint8Array(32).fill(seed));
    const address = signKeypair(new Uint8Array(32).fill(seed));
    this.identity = makeIdentity(this.rng, address, START + YEAR);
  }

  get conversations(): Conversations {
    if (!this.#conversations) throw new Error('not booted');
    return this.#conversations;
  }

  async keyPackage(): Promise<OwnKeyPackage> {
    return (this.#keyPackage ??= await makeKeyPackage(this.identity));
  }

  /** Begins anew from the store; whatever the former life still does reaches nobody. */
  async boot(): Promise<void> {
    this.fault = undefined;
    this.#life += 1;
    const life = this.#life;
    const keyPackage = await this.keyPackage();
    const alive = (): boolean => life === this.#life;
    this.#conversations = await Conversations.load({
      store: { ...this.#store, write: (changes) => this.#write(changes, alive) },
      rng: this.rng,
      now: () => (this.#clock += 1),
      send: (channel, frame) => {
        if (alive()) this.outgoing(channel, frame);
      },
      keep: () => [],
      emit: (event) => {
        if (alive()) this.events.push(event);
      },
      identity: this.identity,
      keyPackages: () => [keyPackage],
      redeem: (token) => (hex(token) === hex(TOKEN) ? [] : undefined),
    });
  }

  async accept(other: User, token: Uint8Array = TOKEN): Promise<Session> {
    const { public: keyPackage } = await other.keyPackage();
    const contact = other.identity.address;
    return this.conversations.start({ contact, name: other.name, token, keyPackage, ownName: this.name });
  }

  with(other: User): Session | undefined {
    return this.conversations.get(hex(other.identity.address));
  }

  async #write(changes: Parameters<Store['write']>[0], alive: () => boolean): Promise<void> {
    if (!alive()) throw new Error('a former life');
    const fault = this.fault;
    if (fault !== 'lost') await this.#store.write(changes);
    if (fault) throw new Error('crashed');
  }
}

type Channel = { id: number; toward: Map<User, Uint8Array[]> };

/** Channels between two users, where each frame waits until the test says what becomes of it. */
export class Net {
  readonly users: readonly [User, User];
  readonly channels: Channel[] = [];
  /** Codes of what was refused. */
  readonly refusals: string[] = [];
  readonly sizes: number[] = [];
  #nextId = 1;

  constructor(a: User, b: User) {
    this.users = [a, b];
    for (const user of this.users) {
      user.outgoing = (id, frame) => {
        const channel = this.channels.find((open) => open.id === id);
        channel?.toward.get(this.other(user))?.push(frame);
        this.sizes.push(frame.length);
      };
    }
  }

  other(user: User): User {
    return user === this.users[0] ? this.users[1] : this.users[0];
  }

  async open(from: User): Promise<void> {
    const session = from.with(this.other(from));
    if (!session) return;
    const channel = { id: this.#nextId, toward: new Map(this.users.map((user) => [user, []])) };
    this.#nextId += 1;
    this.channels.push(channel);
    await this.guard(from, () => from.conversations.opened(session.id, channel.id));
  }

  async cut(channel: Channel): Promise<void> {
    const at = this.channels.indexOf(channel);
    if (at >= 0) this.channels.splice(at, 1);
    for (const user of this.users) await this.guard(user, () => user.conversations.closed(channel.id));
  }

  /** What was under way to the other still arrives. */
  async crash(user: User): Promise<void> {
    const other = this.other(user);
    const orphans = this.channels.splice(0);
    await user.boot();
    for (const channel of orphans) {
      for (const frame of channel.toward.get(other) ?? []) {
        await this.guard(other, () => other.conversations.receive(channel.id, frame)).catch(() => undefined);
      }
      await this.guard(other, () => other.conversations.closed(channel.id));
    }
  }

  /** Hands over the frame at `at` of those that wait on a channel for `user`. */
  async deliver(channel: Channel, user: User, at = 0, keep = false): Promise<void> {
    const queue = channel.toward.get(user) ?? [];
    const [frame] = keep ? [queue[at]] : queue.splice(at, 1);
    if (!frame) return;
    try {
      await this.guard(user, async () => {
        await user.conversations.receive(channel.id, frame);
      });
    } catch (error) {
      this.refusals.push((error as { code?: string }).code ?? String(error));
      await this.cut(channel);
    }
  }

  /** A failing write ends the life of its user. */
  async guard(user: User, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!user.fault) throw error;
      await this.crash(user);
    }
  }

  /** Everything arrives in order, acks too, until nothing is under way. */
  async settle(): Promise<void> {
    for (;;) {
      const waiting = this.channels.flatMap((channel) =>
        this.users
          .filter((user) => (channel.toward.get(user)?.length ?? 0) > 0)
          .map((user) => ({ channel, user })),
      );
      for (const { channel, user } of waiting) await this.deliver(channel, user);
      if (waiting.length > 0) continue;
      const due = this.users.flatMap((user) => user.conversations.list()).filter(({ acksDue }) => acksDue);
      for (const session of due) await session.flushAcks();
      if (!this.channels.some(({ toward }) => [...toward.values()].some(({ length }) => length > 0))) return;
    }
  }
}

export const textsFrom = (session: Session | undefined, mine: boolean): string[] =>
  (session?.messages() ?? []).filter((message) => message.mine === mine).map(({ text }) => text);
