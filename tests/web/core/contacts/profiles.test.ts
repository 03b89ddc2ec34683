import { beforeEach, describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { recordId } from '#shared/directory/records.ts';
import { Contacts } from '#web/core/contacts/contacts.ts';
import { sealProfile } from '#web/core/contacts/profile-record.ts';
import { Profiles } from '#web/core/contacts/profiles.ts';
import type { Content, ContentOf, Envelope } from '#web/core/conversation/content.ts';
import type { Session } from '#web/core/conversation/session.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import type { Change, Store } from '#web/core/store/ports.ts';
import { RecordsNet } from '#tests/support/records-net.ts';

const CONTACTS = ['aa'.repeat(32), 'bb'.repeat(32)];
const [A = '', B = ''] = CONTACTS;
const DAY = 86_400_000;

const jpeg = (length: number, fill = 1): Uint8Array => {
  const picture = new Uint8Array(length).fill(fill);
  picture.set([0xff, 0xd8, 0xff]);
  return picture;
};

/** A user with two contacts, to whom what is told is what `told` has. */
class Side {
  readonly store: Store = memoryStore();
  readonly told: { to: string; content: Content }[] = [];
  readonly net: RecordsNet;
  contacts!: Contacts;
  profiles!: Profiles;
  name = 'Bob';

  constructor(net: RecordsNet) {
    this.net = net;
  }

  async boot(seed: number): Promise<void> {
    this.contacts = await Contacts.load(this.store);
    const made = { current: undefined as Profiles | undefined };
    const name = (): string => this.name;
    made.current = new Profiles({
      ...{
        store: this.store,
        ports: this.net.portsOf(seed),
        network: this.net.network,
        contacts: this.contacts,
      },
      profile: {
        get settings() {
          return { name: name() };
        },
      } as never,
      sessions: () => CONTACTS.map((id) => this.#session(id)),
      session: (id) => this.#session(id),
      changed: () => undefined,
    });
    this.profiles = made.current;
    await this.profiles.load();
    for (const id of CONTACTS) this.profiles.begun(this.#session(id));
  }

  async meet(id: string): Promise<void> {
    await this.store.write([this.contacts.change(id, { wanted: true, wants: true, told: true })]);
    this.profiles.begun(this.#session(id));
  }

  /** The contact says where their profile stands. */
  async hear(id: string, content: ContentOf<'profile'>): Promise<void> {
    const envelope: Envelope = { id: new Uint8Array(16), time: 1, content };
    await this.store.write(this.profiles.keep(Buffer.from(id, 'hex'), envelope));
    this.profiles.taken(id, envelope);
  }

  get last(): ContentOf<'profile'> | undefined {
    return this.told.at(-1)?.content as ContentOf<'profile'> | undefined;
  }

  #session(id: string): Session {
    const write = async (make: readonly Change[] | (() => readonly Change[])): Promise<void> =>
      this.store.write(typeof make === 'function' ? make() : make);
    return {
      id,
      tell: async (content: Content, extra: Parameters<Session['tell']>[1] = []) => {
        await write(extra);
        this.told.push({ to: id, content });
      },
      also: write,
    } as unknown as Session;
  }
}

let net: RecordsNet;
let bob: Side;

beforeEach(async () => {
  net = new RecordsNet();
  bob = new Side(net);
  await bob.boot(1);
});

const pass = (ms = 1000): Promise<void> => net.clock.pass(ms);

describe('the own picture', () => {
  it('is told to contacts once the directory has it, and to each once', async () => {
    await bob.meet(A);
    net.fault = 'unreachable';
    await bob.profiles.setPicture(jpeg(100));
    expect(bob.profiles.picture).toEqual(jpeg(100));
    await pass(60_000);
    expect(bob.told).toEqual([]);
    net.fault = undefined;
    await pass(60_000);
    expect(bob.told.map(({ to }) => to)).toEqual([A]);
    expect(bob.last?.record).toBeDefined();
    await bob.meet(B);
    await pass();
    expect(bob.told.map(({ to }) => to)).toEqual([A, B]);
    bob.profiles.stop();
    await bob.boot(2);
    await pass(DAY);
    expect(bob.told.length).toBe(2);
    expect(bob.profiles.picture).toEqual(jpeg(100));
  });

  it('and the name go to nobody who is not let in, or blocked', async () => {
    await bob.profiles.setPicture(jpeg(100));
    await bob.store.write([bob.contacts.change(A, { wants: true })]);
    await bob.store.write([bob.contacts.change(B, { wanted: true, wants: true, blocked: true })]);
    await bob.profiles.renamed();
    await pass();
    expect(bob.told).toEqual([]);
  });

  it('moves away from who is blocked', async () => {
    await bob.meet(A);
    await bob.meet(B);
    await bob.profiles.setPicture(jpeg(100));
    await pass();
    const before = bob.last?.record;
    await bob.store.write([bob.contacts.change(B, { blocked: true })]);
    bob.told.length = 0;
    await bob.profiles.moveAway();
    await pass();
    expect(bob.told.map(({ to }) => to)).toEqual([A]);
    expect(bob.last?.record?.owner).not.toEqual(before?.owner);
    expect(bob.last?.record?.key).not.toEqual(before?.key);
    const former = net.records.get(hex(recordId(before?.owner ?? new Uint8Array(32), 0)));
    expect(former?.blob.length).toBe(0);
  });

  it('that is removed is erased', async () => {
    await bob.meet(A);
    await bob.profiles.setPicture(jpeg(100));
    await pass();
    await bob.profiles.setPicture(null);
    await pass();
    expect(bob.last).toMatchObject({ name: 'Bob', record: undefined });
    expect([...net.records.values()].map(({ blob }) => blob.length)).toEqual([0]);
  });

  it('is written again before the directory drops it', async () => {
    await bob.profiles.setPicture(jpeg(100));
    await pass();
    const [first] = net.records.values();
    for (let day = 0; day < 32; day++) await pass(DAY);
    const [second] = net.records.values();
    expect(second?.revision).toBeGreaterThan(first?.revision ?? 0);
    expect(bob.profiles.picture).toEqual(jpeg(100));
  });

  it('is withdrawn with everything', async () => {
    await bob.profiles.setPicture(jpeg(100));
    await pass();
    await bob.profiles.withdraw();
    expect([...net.records.values()].map(({ blob }) => blob.length)).toEqual([0]);
  });
});

it('a new name is told with the picture that there is', async () => {
  await bob.meet(A);
  await bob.profiles.setPicture(jpeg(100));
  await pass();
  bob.name = 'Robert';
  await bob.profiles.renamed();
  await pass();
  expect(bob.last?.name).toBe('Robert');
  expect(bob.last?.record).toBeDefined();
});

describe('a contact`s picture', () => {
  const owner = signKeypair(new Uint8Array(32).fill(5));
  const key = new Uint8Array(32).fill(6);
  const record = { owner: owner.public, key };
  const publish = (revision: number, picture: Uint8Array): void => {
    const rng = net.portsOf(7).rng;
    net.records.set(hex(recordId(owner.public, 0)), sealProfile(rng, owner, key, revision, picture));
  };

  beforeEach(() => bob.meet(A));

  it('is fetched and kept', async () => {
    publish(1, jpeg(200));
    await bob.hear(A, { type: 'profile', name: 'Alice', record });
    await pass();
    expect(bob.profiles.pictureOf(A)).toEqual(jpeg(200));
    publish(2, jpeg(300, 2));
    await bob.hear(A, { type: 'profile', name: 'Alice', record });
    await pass();
    expect(bob.profiles.pictureOf(A)).toEqual(jpeg(300, 2));
    bob.profiles.stop();
    net.asked.length = 0;
    await bob.boot(2);
    await pass();
    expect(bob.profiles.pictureOf(A)).toEqual(jpeg(300, 2));
    expect(net.asked).toEqual([]);
  });

  it('is tried for until it is there, over a restart too', async () => {
    await bob.hear(A, { type: 'profile', name: 'Alice', record });
    await pass(60_000);
    expect(bob.profiles.pictureOf(A)).toBeNull();
    bob.profiles.stop();
    publish(1, jpeg(200));
    await bob.boot(2);
    await pass();
    expect(bob.profiles.pictureOf(A)).toEqual(jpeg(200));
  });

  it('that is older than what is kept, or none, is not taken', async () => {
    publish(5, jpeg(200));
    await bob.hear(A, { type: 'profile', name: 'Alice', record });
    await pass();
    publish(4, jpeg(300));
    await bob.hear(A, { type: 'profile', name: 'Alice', record });
    await pass();
    expect(bob.profiles.pictureOf(A)).toEqual(jpeg(200));
    publish(6, new Uint8Array(300));
    await bob.hear(A, { type: 'profile', name: 'Alice', record });
    await pass();
    expect(bob.profiles.pictureOf(A)).toEqual(jpeg(200));
    net.asked.length = 0;
    await pass(DAY);
    expect(net.asked).toEqual([]);
  });

  it('that they took back is gone', async () => {
    publish(1, jpeg(200));
    await bob.hear(A, { type: 'profile', name: 'Alice', record });
    await pass();
    await bob.hear(A, { type: 'profile', name: 'Alice', record: undefined });
    expect(bob.profiles.pictureOf(A)).toBeNull();
    expect((await bob.store.all('contacts')).map(([id]) => id)).toEqual([A]);
  });

  it('of who waits to be let in is not fetched before that', async () => {
    publish(1, jpeg(200));
    await bob.hear(B, { type: 'profile', name: 'Eve', record });
    await pass(60_000);
    expect(net.asked).toEqual([]);
    await bob.meet(B);
    await pass();
    expect(bob.profiles.pictureOf(B)).toEqual(jpeg(200));
  });
});
