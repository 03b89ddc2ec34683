import { hex } from '#shared/bytes/bytes.ts';
import { seededRng, type Rng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { Contacts } from '#web/core/contacts/contacts.ts';
import { Conversations } from '#web/core/conversation/conversations.ts';
import {
  makeIdentity,
  makeKeyPackage,
  type Identity,
  type OwnKeyPackage,
} from '#web/core/conversation/identity.ts';
import { staleConversation } from '#web/core/conversation/reestablish.ts';
import type { FileFrame } from '#web/core/conversation/frames.ts';
import type { Session, SessionEnv, SessionEvent } from '#web/core/conversation/session.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Store, Table } from '#web/core/store/ports.ts';

export const START = 1_800_000_000_000;
const YEAR = 365 * 86_400_000;
const TOKEN = new Uint8Array(16).fill(3);
/** Of an invite by which one asks first. */
export const ASKING = new Uint8Array(16).fill(4);

/** A write that fails, and whether the store kept it nonetheless: a crash before or after the write was durable. */
export type Fault = 'lost' | 'kept';

const secretOf = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);

type Alarm = { at: number; task: () => void };

/** One user with a store that survives crashes of everything else. */
export class User {
  readonly rng: Rng;
  identity: Identity;
  readonly name: string;
  readonly events: SessionEvent[] = [];
  fault: Fault | undefined;
  /** Says what was seen, and heeds it. */
  receipts = true;
  outgoing: (channel: number, frame: Uint8Array) => void = () => undefined;
  keep: SessionEnv['keep'] = () => [];
  /** Another identity, by which one asks. */
  alias: { identity: Identity; keyPackages: readonly OwnKeyPackage[] } | undefined;
  file: (conversation: string, channel: number, frame: FileFrame) => void = () => undefined;
  #clock = START;
  readonly #alarms = new Set<Alarm>();
  #life = 0;
  #keyPackage: OwnKeyPackage | undefined;
  #conversations: Conversations | undefined;
  #contacts: Contacts | undefined;
  readonly #seed: number;
  readonly #store: Store = memoryStore();

  /** `like`: one who has the same keys, which take time to make. */
  constructor(name: string, seed: number, like?: User) {
    this.name = name;
    this.#seed = seed;
    this.rng = seededRng(secretOf(seed));
    this.identity = like?.identity ?? makeIdentity(this.rng, signKeypair(secretOf(seed)), START + YEAR);
    this.#keyPackage = like ? like.#keyPackage : undefined;
  }

  get conversations(): Conversations {
    if (!this.#conversations) throw new Error('not booted');
    return this.#conversations;
  }

  get contacts(): Contacts {
    if (!this.#contacts) throw new Error('not booted');
    return this.#contacts;
  }

  /** What the store holds of a table. */
  stored(table: Table): Promise<[string, Uint8Array][]> {
    return this.#store.all(table);
  }

  /** Time moves a little whenever it is asked for. */
  now(): number {
    return (this.#clock += 1);
  }

  /** Time passes to `end`; what was to happen by then has begun. */
  passTo(end: number): void {
    for (;;) {
      const [next] = [...this.#alarms].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#alarms.delete(next);
      this.#clock = Math.max(this.#clock, next.at);
      next.task();
    }
    this.#clock = Math.max(this.#clock, end);
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
    const contacts = await Contacts.load(this.#store);
    this.#contacts = contacts;
    this.#conversations = await Conversations.load({
      store: { ...this.#store, write: (changes) => this.#write(changes, alive) },
      rng: this.rng,
      now: () => this.now(),
      send: (channel, frame) => {
        if (alive()) this.outgoing(channel, frame);
      },
      timer: (delayMs, task) => {
        const alarm = { at: this.#clock + delayMs, task: () => void (alive() && task()) };
        this.#alarms.add(alarm);
        return () => this.#alarms.delete(alarm);
      },
      keep: (contact, envelope) => this.keep(contact, envelope),
      drop: () => [],
      receipts: () => this.receipts,
      emit: (event) => {
        if (alive()) this.events.push(event);
      },
      identity: this.identity,
      keyPackages: () => [keyPackage],
      redeem: (token) =>
        [TOKEN, ASKING].some((each) => hex(each) === hex(token))
          ? { wanted: hex(token) === hex(TOKEN), use: () => [] }
          : undefined,
      contacts,
      alias: () => this.alias,
      holds: (id) => contacts.holds(id),
      file: (conversation, channel, frame) => this.file(conversation, channel, frame),
    });
  }

  async accept(other: User, token: Uint8Array = TOKEN): Promise<Session> {
    const { public: keyPackage } = await other.keyPackage();
    const contact = other.identity.address;
    return this.conversations.start({ contact, name: other.name, token, keyPackage, ownName: this.name });
  }

  /** The keys of the conversations may have been used by another life, as after a copy of the store was put back. */
  async lapse(): Promise<void> {
    const records = await this.#store.all('conversations');
    await this.#store.write(
      records.map(([key, value]) => ({ table: 'conversations', key, value: staleConversation(value) })),
    );
    await this.boot();
  }

  /** As `lapse`, and under the same address the user goes by other keys. */
  async rekey(): Promise<void> {
    this.identity = makeIdentity(this.rng, signKeypair(secretOf(this.#seed)), START + YEAR);
    this.#keyPackage = undefined;
    await this.lapse();
  }

  /** Makes new groups where the old ones are of no use. */
  async restart(other: User): Promise<void> {
    const { public: keyPackage } = await other.keyPackage();
    await this.conversations.restart(hex(other.identity.address), keyPackage, this.name);
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
  /** What the directory keeps for each, the oldest first. */
  readonly mail: Map<User, Uint8Array[]>;
  #nextId = 1;

  constructor(a: User, b: User) {
    this.users = [a, b];
    this.mail = new Map(this.users.map((user) => [user, []]));
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

  async open(from: User, session = from.with(this.other(from))): Promise<void> {
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
  async crash(user: User, boot = (): Promise<void> => user.boot()): Promise<void> {
    const other = this.other(user);
    const orphans = this.channels.splice(0);
    await boot();
    for (const channel of orphans) {
      for (const frame of channel.toward.get(other) ?? []) {
        await this.guard(other, () => other.conversations.receive(channel.id, frame)).catch(() => undefined);
      }
      await this.guard(other, () => other.conversations.closed(channel.id));
    }
  }

  /** The same time passes for both; what ends by then has ended. */
  async pass(ms: number): Promise<void> {
    const end = Math.max(...this.users.map((user) => user.now())) + ms;
    for (const user of this.users) {
      user.passTo(end);
      await this.guard(user, () => Promise.all(user.conversations.list().map((each) => each.expire())));
    }
  }

  /** The user's keys are of no use any more: all channels are gone, and they begin anew with the other. */
  async lapse(user: User): Promise<void> {
    await this.crash(user, () => user.lapse());
    await this.guard(user, () => user.restart(this.other(user)));
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

  /** Leaves for the other what they do not have; `again`: also what the directory took before. */
  async post(from: User, again = false): Promise<void> {
    const session = from.with(this.other(from));
    if (!session) return;
    await this.guard(from, async () => {
      const { welcome, items, ack } = await session.undelivered();
      const due = items.filter(({ stored }) => again || stored === undefined);
      const first = welcome && (again || welcome.stored === undefined) ? [welcome.frame] : [];
      const frames = [...first, ...due.map(({ frame }) => frame), ...(ack ? [ack.frame] : [])];
      this.mail.get(this.other(from))?.push(...frames);
      await session.markStored({
        ...{ welcome: first.length > 0, items: due.map(({ seq }) => seq) },
        ...(ack && { ack: ack.upTo }),
      });
    });
  }

  /** Takes the letter at `at`, which is erased only after it is stored; or is not, for its erasing may fail. */
  async collect(user: User, at = 0, keep = false): Promise<void> {
    const box = this.mail.get(user) ?? [];
    const frame = box[at];
    if (!frame) return;
    try {
      let stored = false;
      await this.guard(user, async () => {
        await user.conversations.receive(undefined, frame);
        stored = true;
      });
      if (!stored || keep) return;
    } catch (error) {
      this.refusals.push((error as { code?: string }).code ?? String(error));
    }
    const place = box.indexOf(frame);
    if (place >= 0) box.splice(place, 1);
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
