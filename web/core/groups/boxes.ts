import { hex, unhex } from '#shared/bytes/bytes.ts';
import { bytes, decode, encode, struct, u64 } from '#shared/bytes/codec.ts';
import { codeOf, RemoteError } from '#shared/errors.ts';
import type { Millis } from '#shared/units.ts';
import { MAX_GROUP_MESSAGE, type ContentOf } from '#web/core/conversation/content.ts';
import type { Fate } from '#web/core/groups/fate.ts';
import { decodeParts, isLast, isTalk, MAX_PARTS, mayGoOn, type Packet } from '#web/core/groups/packets.ts';
import { boxKey } from '#web/core/groups/records.ts';
import type { Change, Store } from '#web/core/store/ports.ts';

/** Of what one member told one group and what has to wait, at most; what is more is dropped, and messages are before the rest. */
const MAX_WAITING = 1024;
const MAX_TALK = 512;
const MAX_BYTES = 1 << 20;
const MAX_DROPPING = 1024;
/** Groups that this user is not in of which one contact may tell: a welcome may be slower than the others' words. */
const MAX_UNKNOWN = 8;
/** A welcome comes before that, or never: by way of another, and mail is under way for 15 days at most. */
const UNKNOWN_MS: Millis = 30 * 86_400_000;

const entryCodec = struct({ at: u64, part: bytes(MAX_GROUP_MESSAGE) });

type Part = { key: string; at: Millis; part: Uint8Array };
/** A whole packet, and where its parts lie. */
export type Arrived = {
  group: string;
  from: Uint8Array;
  packet: Packet;
  keys: string[];
  at: Millis;
  size: number;
};

type Env = {
  store: Store;
  now: () => Millis;
  /** True for a group that this user is in. */
  isKnown: (group: string) => boolean;
  /** A packet's turn. `early`: it is kept for another. Rejects where it could not be found out. */
  take: (arrived: Arrived) => Promise<Fate>;
  /** Says what `early` depends on: while it is the same, no packet that waits is tried again. */
  mark: (group: string) => string;
};

const removal = (key: string): Change => ({ table: 'group-inbox', key, value: undefined });

/** The changes that take a packet out of the inbox. */
export const taking = ({ keys }: Arrived): Change[] => keys.map(removal);

/** What members told, from its coming until it has had its effect. */
export class Inbox {
  readonly #env: Env;
  #order = 0;
  /** Parts of packets that are not whole, by group and member. */
  readonly #parts = new Map<string, Part[]>();
  /** Groups and members whose packet was dropped before its last part. */
  readonly #dropping = new Set<string>();
  /** By group, in the order in which they came. */
  readonly #waiting = new Map<string, Arrived[]>();
  readonly #runs = new Map<string, Promise<void>>();

  constructor(env: Env) {
    this.#env = env;
  }

  async load(): Promise<void> {
    const stored = await this.#env.store.all('group-inbox');
    const entries = stored.map(([key, value]) => {
      const [group = '', from = '', order = ''] = key.split('/');
      return { key, group, from, order: Number(order), ...decode(entryCodec, value) };
    });
    for (const { key, group, from, order, at, part } of entries.sort((a, b) => a.order - b.order)) {
      this.#order = Math.max(this.#order, order + 1);
      await this.#add(group, unhex(from), { key, at, part });
    }
    for (const group of this.#waiting.keys()) void this.run(group);
  }

  /** Groups of which something waits. */
  get groups(): string[] {
    return [...this.#waiting.keys()];
  }

  /** What a content changes in the store; nothing where it is dropped. */
  keep(
    contact: Uint8Array,
    { group, message }: ContentOf<'group'>,
  ): { changes: Change[]; key: string } | undefined {
    const id = hex(group);
    const source = `${id}/${hex(contact)}`;
    const isDropped =
      this.#dropping.has(source) ||
      (!this.#parts.has(source) && !this.#hasRoom(id, hex(contact), isTalk(message)));
    this.#dropping.delete(source);
    if (isDropped && mayGoOn(message)) this.#drop(source);
    if (isDropped) return undefined;
    const key = boxKey(id, hex(contact), this.#order);
    this.#order += 1;
    const value = encode(entryCodec, { at: this.#env.now(), part: message });
    return { changes: [{ table: 'group-inbox', key, value }], key };
  }

  /** It is stored under that key. */
  async taken(contact: Uint8Array, { group, message }: ContentOf<'group'>, key: string): Promise<void> {
    await this.#add(hex(group), contact, { key, at: this.#env.now(), part: message });
    await this.run(hex(group));
  }

  /** Gives each packet its turn, and those that came too early another one after something changed. */
  run(group: string): Promise<void> {
    const before = this.#runs.get(group) ?? Promise.resolve();
    const run = before.then(() => this.#run(group)).catch(() => undefined);
    this.#runs.set(group, run);
    return run;
  }

  async #run(group: string): Promise<void> {
    const waiting = this.#waiting.get(group) ?? [];
    let mark: string;
    do {
      mark = this.#env.mark(group);
      for (let at = 0; at < waiting.length;) {
        const arrived = waiting[at];
        if (arrived && (await this.#fateOf(arrived)) === 'early') at += 1;
        else waiting.splice(at, 1);
      }
    } while (waiting.length > 0 && this.#env.mark(group) !== mark);
    if (waiting.length === 0) this.#waiting.delete(group);
  }

  async #fateOf(arrived: Arrived): Promise<Fate> {
    const fate = await this.#env.take(arrived);
    if (fate === 'done' || this.#env.isKnown(arrived.group)) return fate;
    if (arrived.at > this.#env.now() - UNKNOWN_MS) return fate;
    await this.#env.store.write(taking(arrived));
    return 'done';
  }

  async #add(group: string, from: Uint8Array, part: Part): Promise<void> {
    const source = `${group}/${hex(from)}`;
    const parts = [...(this.#parts.get(source) ?? []), part];
    const keys = parts.map(({ key }) => key);
    try {
      if (parts.length > MAX_PARTS) throw new RemoteError('oversized');
      if (!isLast(part.part)) {
        this.#parts.set(source, parts);
        return;
      }
      this.#parts.delete(source);
      const packet = decodeParts(parts.map((each) => each.part));
      const size = parts.reduce((sum, each) => sum + each.part.length, 0);
      const waiting = this.#waiting.get(group) ?? [];
      waiting.push({ group, from, packet, keys, at: part.at, size });
      this.#waiting.set(group, waiting);
    } catch (error) {
      if (codeOf(error) === 'internal') throw error;
      this.#parts.delete(source);
      await this.#env.store.write(keys.map(removal));
    }
  }

  /** What goes on of a packet whose start was dropped goes with it; of the one that was dropped longest ago it is refused as it comes. */
  #drop(source: string): void {
    this.#dropping.add(source);
    const [first] = this.#dropping;
    if (this.#dropping.size > MAX_DROPPING && first !== undefined) this.#dropping.delete(first);
  }

  #hasRoom(group: string, from: string, talk: boolean): boolean {
    const own = (id: string): Arrived[] =>
      (this.#waiting.get(id) ?? []).filter((each) => hex(each.from) === from);
    const isBegun = (id: string): boolean => own(id).length > 0 || this.#parts.has(`${id}/${from}`);
    const waiting = own(group);
    const size = waiting.reduce((sum, each) => sum + each.size, 0);
    if (waiting.length >= (talk ? MAX_TALK : MAX_WAITING) || size >= (talk ? MAX_BYTES : 2 * MAX_BYTES))
      return false;
    if (this.#env.isKnown(group) || isBegun(group)) return true;
    const parted = [...this.#parts.keys()].map((source) => source.split('/')[0] ?? '');
    const ids = new Set([...this.#waiting.keys(), ...parted]);
    const unknown = [...ids].filter((id) => !this.#env.isKnown(id) && isBegun(id));
    return unknown.length < MAX_UNKNOWN;
  }
}

/** What is to be told to members, each part once and in order. */
export class Outbox {
  readonly #store: Store;
  readonly #tell: OutboxEnv['tell'];
  readonly #queues = new Map<string, { key: string; part: Uint8Array }[]>();
  readonly #busy = new Set<string>();

  constructor({ store, tell }: OutboxEnv) {
    this.#store = store;
    this.#tell = tell;
  }

  async load(): Promise<void> {
    const stored = await this.#store.all('group-outbox');
    for (const [key, part] of stored.sort(([a], [b]) => (a < b ? -1 : 1))) this.#push(key, part);
  }

  get members(): string[] {
    return [...this.#queues.keys()];
  }

  /** These are stored. */
  add(parts: readonly { to: string; key: string; part: Uint8Array }[]): void {
    for (const { key, part } of parts) this.#push(key, part);
    for (const to of new Set(parts.map((each) => each.to))) void this.run(to);
  }

  /** Tells a member what is due, as far as there is a conversation with them. Never rejects: what fails is told another time. */
  async run(to: string): Promise<void> {
    const queue = this.#queues.get(to);
    if (!queue || this.#busy.has(to)) return;
    this.#busy.add(to);
    try {
      for (let next = queue[0]; next; next = queue[0]) {
        const { key, part } = next;
        const group = unhex(key.split('/')[0] ?? '');
        const told = this.#tell(to, { type: 'group', group, message: part }, [
          { table: 'group-outbox', key, value: undefined },
        ]);
        if (!told) return;
        await told;
        queue.shift();
      }
      this.#queues.delete(to);
    } catch {
      // It is still stored, and told when there is another occasion.
    } finally {
      this.#busy.delete(to);
    }
  }

  #push(key: string, part: Uint8Array): void {
    const [, to = ''] = key.split('/');
    const queue = this.#queues.get(to) ?? [];
    queue.push({ key, part });
    this.#queues.set(to, queue);
  }
}

type OutboxEnv = {
  store: Store;
  /** Undefined where there is no conversation with them. */
  tell: (to: string, content: ContentOf<'group'>, extra: readonly Change[]) => Promise<void> | undefined;
};
