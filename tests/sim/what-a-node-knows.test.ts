import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text } from '#shared/bytes/bytes.ts';
import { decodeAddress } from '#shared/rendezvous/address.ts';
import { blindedAddress, periodOf } from '#shared/rendezvous/contact.ts';
import { nodeIdBytes, type NodeId } from '#shared/units.ts';
import { allOf, found, names, Notes, type Note } from './notes.ts';
import { SimClient } from './sim-client.ts';
import { World } from './world.ts';

const SECOND = 1_000;
const RELAYS = 10;
const SAID = ['the tide turns at a quarter to seven', 'then I shall be there by eight'] as const;

/** A user: what nobody but a contact may learn, and what they have around them. */
type User = {
  client: SimClient;
  note: Note;
  address: Uint8Array;
  blinded: Uint8Array;
};

/** Bob calls Alice: his guard, middle and exit; her exit; her middle and guard. */
type Way = { guard: NodeId; middle: NodeId; exit: NodeId };

describe('what they see who carry a conversation of two, line by line of what each may learn:', () => {
  let world: World;
  let notes: Notes;
  let alice: User;
  let bob: User;
  let his: Way;
  let hers: Way;
  let tags: Uint8Array[];

  const noteOf = (id: NodeId): Note => notes.of.get(world.byId(id).node) as Note;
  const userOf = async (client: SimClient, note: Note): Promise<User> => {
    const address = decodeAddress((await client.api.state()).profile.address ?? '');
    const blinded = blindedAddress(address, periodOf(world.clock.now()));
    return { client, note, address, blinded };
  };
  /** What a node opened as a hop of each circuit that it extended to `next`. */
  const layersTo = (id: NodeId, next: NodeId): Uint8Array[][] =>
    [...noteOf(id).layers.values()].filter((layers) => found(layers, nodeIdBytes(next)));
  const lacks = (layers: Uint8Array[], values: Uint8Array[]): void => {
    for (const value of values) expect(found(layers, value)).toBe(false);
  };
  const hasNone = (note: Note, addresses: Set<string>): void => {
    for (const address of addresses) expect(names(note, address)).toBe(false);
  };
  /** Each user with their way. */
  const both = (): [Way, User][] => [
    [his, bob],
    [hers, alice],
  ];
  const ids = (): NodeId[] => world.nodes.map(({ id }) => id);

  beforeAll(async () => {
    notes = new Notes();
    world = await new World({ seed: 61, directoryHops: 4 }).start();
    await world.relays(RELAYS);
    const open = async (name: string): Promise<[SimClient, Note]> => {
      const client = await SimClient.open(world, name);
      return [client, notes.newest];
    };
    const [[a, aNote], [b, bNote]] = [await open('alice'), await open('bob')];
    await a.does((api) => api.start({ name: 'Alice' }));
    await b.does((api) => api.start({ name: 'Bob' }));
    const { link } = await a.does((api) => api.createInvite());
    await world.clock.pass(8 * SECOND);
    const atBob = await b.does((api) => api.acceptInvite(link));
    await b.does((api) => api.send(atBob, SAID[0]));
    await b.until('is heard', async () => (await b.messages(atBob, true))[0]?.state === 'delivered', 60_000);
    const atAlice = (await a.api.state()).conversations[0]?.id ?? '';
    await a.does((api) => api.send(atAlice, SAID[1]));
    await a.until(
      'is heard',
      async () => (await a.messages(atAlice, true))[0]?.state === 'delivered',
      60_000,
    );
    alice = await userOf(a, aNote);
    bob = await userOf(b, bNote);
    const wayOf = async ({ client }: User, purpose: string, end?: NodeId): Promise<NodeId[]> => {
      const { circuits } = await client.api.state();
      const fitting = circuits.filter(
        (each) =>
          each.purpose === purpose &&
          each.state === 'open' &&
          (end === undefined || each.hops[2]?.node === end),
      );
      return (fitting[0]?.hops ?? []).map(({ node }) => node as NodeId);
    };
    const [guard, middle, exit, meeting] = (await wayOf(bob, 'conversation')) as NodeId[];
    his = { guard, middle, exit } as Way;
    const [herGuard, herMiddle] = await wayOf(alice, 'inbox', meeting);
    hers = { guard: herGuard, middle: herMiddle, exit: meeting } as Way;
    tags = bob.note.tags.filter((each) => each.exit === meeting).map(({ tag }) => tag);
    expect(world.faults()).toEqual([]);
  }, 200_000);
  afterAll(() => notes.end());

  /** What no node may see anywhere, of any user. */
  const forbidden = (): Uint8Array[] => [
    ...SAID.map(text),
    ...[alice, bob].flatMap(({ address, blinded }) => [address, blinded]),
  ];

  it('has something to find: two ways of three nodes, which meet', () => {
    for (const way of [his, hers]) expect(new Set([way.guard, way.middle, way.exit, undefined]).size).toBe(4);
    expect(his.exit).not.toBe(hers.exit);
    expect(tags.length).toBeGreaterThan(0);
    for (const { note } of [alice, bob]) expect(note.addresses.size).toBeGreaterThan(0);
  });

  it('no node sees a user`s address, nor what is said', () => {
    for (const id of ids()) {
      const all = allOf(noteOf(id));
      lacks(all, forbidden());
    }
  });

  it('no node learns of more than one other by what it opens of a circuit: the next one', () => {
    let extended = 0;
    for (const id of ids()) {
      for (const layers of noteOf(id).layers.values()) {
        const named = [...ids(), world.directoryId].filter((each) => found(layers, nodeIdBytes(each)));
        expect(named.length).toBeLessThan(2);
        extended += named.length;
      }
    }
    expect(extended).toBeGreaterThan(2 * RELAYS);
  });

  it('a guard has its neighbour`s IP address, and the next node; not the exit, nor an inbox', () => {
    for (const [{ guard, middle, exit }, { note }] of both()) {
      expect([...note.addresses].some((address) => noteOf(guard).texts.has(address))).toBe(true);
      const circuits = layersTo(guard, middle);
      expect(circuits.length).toBeGreaterThan(0);
      for (const layers of circuits) lacks(layers, [nodeIdBytes(exit), ...tags]);
    }
  });

  it('a middle has its two neighbours alone', () => {
    for (const [{ guard, middle, exit }, { note }] of both()) {
      hasNone(noteOf(middle), note.addresses);
      const circuits = layersTo(middle, exit);
      expect(circuits.length).toBeGreaterThan(0);
      const others = ids().filter((id) => id !== exit);
      expect(others).toContain(guard);
      for (const layers of circuits) lacks(layers, [...others.map(nodeIdBytes), ...tags]);
    }
  });

  it('one`s own exit has the exit that comes next; not one`s IP address or guard, nor the inbox', () => {
    hasNone(noteOf(his.exit), bob.note.addresses);
    const circuits = layersTo(his.exit, hers.exit);
    expect(circuits.length).toBeGreaterThan(0);
    for (const layers of circuits) lacks(layers, [...[his.guard, his.middle].map(nodeIdBytes), ...tags]);
  });

  it('the contact`s exit has a tag; neither IP address, and no node but those that extend to it', () => {
    const note = noteOf(hers.exit);
    for (const { note: user } of [alice, bob]) hasNone(note, user.addresses);
    const circuits = [...note.layers.values()].filter((layers) => tags.some((tag) => found(layers, tag)));
    expect(circuits.length).toBeGreaterThan(0);
    for (const layers of circuits) lacks(layers, ids().map(nodeIdBytes));
  });

  it('the contact has one`s address and words; neither IP address, guard nor path', async () => {
    for (const [one, other, way] of [
      [alice, bob, his],
      [bob, alice, hers],
    ] as const) {
      const { conversations } = await one.client.api.state();
      const heard = await one.client.texts(conversations[0]?.id ?? '', false);
      expect(SAID.some((said) => heard.includes(said))).toBe(true);
      hasNone(one.note, other.note.addresses);
      const layers = [...one.note.layers.values(), ...one.note.own.values()].flat();
      lacks(layers, [way.guard, way.middle].map(nodeIdBytes));
    }
  });

  it('the directory has blinded keys and sealed signals; no address, IP address of a link, tag or word', () => {
    const note = notes.of.get(world.directory.node) as Note;
    const all = allOf(note);
    for (const { blinded, address, note: user } of [alice, bob]) {
      expect(found(all, blinded)).toBe(true);
      expect(found(all, address)).toBe(false);
      hasNone(note, user.addresses);
    }
    lacks(all, [...SAID.map(text), ...tags]);
  });
});
