import { hex } from '#shared/bytes/bytes.ts';
import { decode } from '#shared/bytes/codec.ts';
import { seededRng, type Rng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import type { Millis } from '#shared/units.ts';
import type { Content } from '#web/core/conversation/content.ts';
import {
  makeIdentity,
  makeKeyPackage,
  type Identity,
  type OwnKeyPackage,
} from '#web/core/conversation/identity.ts';
import { Groups } from '#web/core/groups/groups.ts';
import type { GroupEvent } from '#web/core/groups/group.ts';
import { encodeRecord, groupCodec, withoutKeys, type Want } from '#web/core/groups/records.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Change, Store, Table } from '#web/core/store/ports.ts';

export const START = 1_800_000_000_000;
export const DAY: Millis = 86_400_000;
const YEAR = 365 * DAY;

/** A write that fails, and whether the store kept it nonetheless. */
export type Fault = 'lost' | 'kept';

/** Somebody in groups, with a store that survives crashes of everything else. */
export class Person {
  readonly name: string;
  readonly identity: Identity;
  readonly id: string;
  readonly net: GroupNet;
  readonly #rng: Rng;
  readonly #store: Store = memoryStore();
  readonly events: GroupEvent[] = [];
  keyPackage!: OwnKeyPackage;
  groups!: Groups;
  fault: Fault | undefined;
  receipts = false;
  /** Ids of those who are no contact. */
  readonly strangers = new Set<string>();
  #life = 0;

  constructor(net: GroupNet, name: string, seed: number) {
    this.net = net;
    this.name = name;
    this.#rng = seededRng(new Uint8Array(32).fill(seed));
    this.identity = identityFor(seed);
    this.id = hex(this.identity.address);
  }

  /** Begins anew from the store; whatever the former life still does reaches nobody. */
  async boot(): Promise<void> {
    this.fault = undefined;
    this.#life += 1;
    const life = this.#life;
    const alive = (): boolean => life === this.#life;
    this.keyPackage ??= await makeKeyPackage(this.identity);
    const store = { ...this.#store, write: (changes: readonly Change[]) => this.#write(changes, alive) };
    this.groups = new Groups({
      store,
      ...{ rng: this.#rng, now: () => this.net.now, identity: this.identity },
      timer: () => () => undefined,
      keyPackages: () => [this.keyPackage],
      ownName: () => this.name,
      nameOf: (id) => this.net.nameOf(id),
      isContact: (id) => !this.strangers.has(id),
      keep: () => [],
      taken: () => undefined,
      drop: () => [],
      receipts: () => this.receipts,
      emit: (event) => void this.events.push(event),
      tell: (to, content, extra) => this.#tell(to, content, extra, alive),
      membersChanged: () => undefined,
    });
    await this.groups.load();
  }

  /** Begins anew from a backup: without the keys of any group. */
  async restore(): Promise<void> {
    const groups = await this.stored('groups');
    const changes = groups.map(([key, value]): Change => {
      if (key.includes('/')) return { table: 'groups', key, value: undefined };
      return { table: 'groups', key, value: encodeRecord(withoutKeys(decode(groupCodec, value))) };
    });
    await this.#store.write(changes);
    await this.boot();
  }

  /** Begins anew with so many groups more, which this user left. */
  async remember(count: number): Promise<void> {
    const [[, value] = []] = (await this.stored('groups')).filter(([key]) => !key.includes('/'));
    if (!value) throw new Error('no group to take them from');
    const record = withoutKeys(decode(groupCodec, value));
    const changes = Array.from({ length: count }, (): Change => {
      const id = this.#rng(16);
      return { table: 'groups', key: hex(id), value: encodeRecord({ ...record, id, state: 'left' }) };
    });
    await this.#store.write(changes);
    await this.boot();
  }

  /** Records that the store holds. */
  stored(table: Table): Promise<[string, Uint8Array][]> {
    return this.#store.all(table);
  }

  /** What this user wants to be true of somebody: that they are in a group. */
  adding(other: Person): Want['what'] {
    return {
      type: 'add',
      address: other.identity.address,
      name: other.name,
      keyPackage: other.keyPackage.public,
    };
  }

  /** The content that comes next from somebody: kept with a write, as a conversation does it. */
  async receive(from: Person, content: Content): Promise<void> {
    const envelope = { id: this.#rng(16), time: this.net.now, content };
    const changes = this.groups.keep(from.identity.address, envelope);
    if (this.fault !== 'lost') this.net.arrived(from, this);
    await this.#write(changes, () => true);
    await this.groups.taken(from.id, envelope);
  }

  async #tell(to: string, content: Content, extra: readonly Change[], alive: () => boolean): Promise<void> {
    if (!alive()) throw new Error('a former life');
    const fault = this.fault;
    if (fault !== 'lost') {
      await this.#store.write(extra);
      this.net.sent(this, to, content);
    }
    if (fault) throw new Error('crashed');
  }

  async #write(changes: readonly Change[], alive: () => boolean): Promise<void> {
    if (!alive()) throw new Error('a former life');
    const fault = this.fault;
    if (fault !== 'lost') await this.#store.write(changes);
    if (fault) throw new Error('crashed');
  }
}

const identities = new Map<number, Identity>();
const identityFor = (seed: number): Identity => {
  const bytes = new Uint8Array(32).fill(seed);
  const known = identities.get(seed) ?? makeIdentity(seededRng(bytes), signKeypair(bytes), START + YEAR);
  identities.set(seed, known);
  return known;
};

type Stream = { from: Person; to: Person; queue: Content[] };

/** People with a stream from each to each other, in which contents wait until the test says which comes next. */
export class GroupNet {
  readonly people: Person[];
  readonly #streams: Stream[];
  now: Millis = START;

  private constructor(count: number) {
    this.people = Array.from({ length: count }, (_, at) => new Person(this, `P${String(at)}`, at + 1));
    this.#streams = this.people.flatMap((from) =>
      this.people.filter((to) => to !== from).map((to) => ({ from, to, queue: [] })),
    );
  }

  static async of(count: number): Promise<GroupNet> {
    const net = new GroupNet(count);
    for (const person of net.people) await person.boot();
    return net;
  }

  nameOf(id: string): string | undefined {
    return this.people.find((each) => each.id === id)?.name;
  }

  /** Those in which something waits. */
  get waiting(): Stream[] {
    return this.#streams.filter(({ queue }) => queue.length > 0);
  }

  sent(from: Person, to: string, content: Content): void {
    this.#streams.find((each) => each.from === from && each.to.id === to)?.queue.push(content);
  }

  arrived(from: Person, to: Person): void {
    this.#streams.find((each) => each.from === from && each.to === to)?.queue.shift();
  }

  async deliver({ from, to, queue }: Stream): Promise<void> {
    const [content] = queue;
    if (content) await this.guard(to, () => to.receive(from, content));
  }

  /** A failing write ends the life of its user. */
  async guard(person: Person, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      await settled();
      if (person.fault === undefined) return;
    } catch (error) {
      if (!person.fault) throw error;
    }
    await person.boot();
    await settled();
  }

  /** Everything arrives and everybody does what is due, until nothing is. */
  async heal(): Promise<void> {
    for (let left = 2000; left > 0; left--) {
      for (const person of this.people) {
        for (const group of person.groups.list()) await person.groups.advance(group.id);
        for (const to of person.groups.waitingFor) person.groups.begun(to);
      }
      await settled();
      if (this.waiting.length === 0) return;
      while (this.waiting.length > 0) for (const stream of this.waiting) await this.deliver(stream);
    }
    throw new Error('it does not come to rest');
  }
}

/** What was begun without being awaited is through; every step of it is a microtask, of the store in memory. */
export const settled = (): Promise<void> => new Promise((done) => setImmediate(done));
