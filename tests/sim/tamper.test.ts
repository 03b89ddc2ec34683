import { beforeAll, describe, expect, it } from 'vitest';
import type { SimNode } from './sim-node.ts';
import {
  cellFaults,
  garble,
  messageFaults,
  Saboteur,
  spotsOf,
  type CellFault,
  type Direction,
  type MessageFault,
  type Spot,
} from './saboteur.ts';
import { closing, exchange, heard, openInboxes, reconnect, say, type Talk } from './talk.ts';
import { World } from './world.ts';

const LINKS = 7;
/** Links 1 to 4 are the caller's circuit, 5 to 7 the owner's. */
const CALLERS = 4;
const three = new Uint8Array(2500).fill(7);

type Case = { link: number; direction: Direction };
const cases: Case[] = Array.from({ length: LINKS }, (_, i) => i + 1).flatMap((link) => [
  { link, direction: 'to the owner' },
  { link, direction: 'to the caller' },
]);

const worldWith = async (seed: number): Promise<World> => {
  const world = await new World({ seed }).start();
  await world.relays(6);
  return world;
};

/** Alice and Bob, whose conversation is broken again and again; and two others over the same relays. */
class Victims {
  readonly world: World;
  readonly alice: SimNode;
  readonly bob: SimNode;
  talk!: Talk;
  bystanders!: Talk;

  constructor(world: World) {
    this.world = world;
    this.alice = world.add('alice', false);
    this.bob = world.add('bob', false);
  }

  async start(): Promise<this> {
    const { world, alice, bob } = this;
    const [carol, dave] = [world.add('carol', false), world.add('dave', false)];
    await openInboxes(world, dave);
    await openInboxes(world, bob);
    this.bystanders = await reconnect(world, carol, dave, 30_000);
    this.talk = await reconnect(world, alice, bob, 30_000);
    return this;
  }

  /** A link of the conversation, which is opened again when the last fault ended it. */
  async spotOf({ link, direction }: Case): Promise<Spot> {
    const { world } = this;
    if (this.codes().some((code) => code !== undefined)) await this.again();
    const spots = await spotsOf(world, this.talk, direction);
    const spot = spots[direction === 'to the owner' ? link - 1 : LINKS - link];
    if (!spot) throw new Error('no such link');
    return spot;
  }

  async again(): Promise<void> {
    const { world, alice, bob } = this;
    await world.until('both inboxes are there', () => bob.inboxes.length === 2, 60_000);
    this.talk = await reconnect(world, alice, bob, 60_000);
  }

  codes(): (string | undefined)[] {
    const { alice, bob, talk } = this;
    return [closing(alice, talk.callerChannel), closing(bob, talk.ownerChannel)];
  }

  /** Sends three cells into the fault. Returns what was refused, and which own circuits and links ended. */
  async suffer(direction: Direction) {
    const { world, alice, bob, talk } = this;
    const before = world.nodes.map((node) => ({
      node,
      mark: node.events.length,
      circuits: circuitsOf(node),
      links: [...node.carriers.keys()],
    }));
    const heardBefore = this.#heard();
    if (direction === 'to the owner') say(alice, talk.callerChannel, three);
    else say(bob, talk.ownerChannel, three);
    await world.clock.pass(400);
    const refused = before.flatMap(({ node, mark }) =>
      node.events
        .slice(mark)
        .flatMap((event) => (event.type === 'refused' ? [`${node.name}: ${event.where} ${event.code}`] : [])),
    );
    const ended = before.flatMap(({ node, circuits }) =>
      [...circuits].flatMap(([handle, what]) => (circuitsOf(node).has(handle) ? [] : [what])),
    );
    const lost = before.flatMap(({ node, links }) =>
      links.filter((link) => !node.carriers.has(link)).map(() => node.name),
    );
    expect(this.#heard()).toBe(heardBefore);
    return { refused, ended: ended.sort(), lost: lost.sort() };
  }

  /** Both users know by a code that this conversation is over, and can have another. */
  async expectOver(): Promise<void> {
    expect(this.codes()).not.toContain(undefined);
    expect(this.codes()).not.toContain('finished');
    await this.again();
    await exchange(this.world, this.talk, three);
    expect(this.world.faults()).toEqual([]);
  }

  #heard(): number {
    const { alice, bob, talk } = this;
    return heard(alice, talk.callerChannel).length + heard(bob, talk.ownerChannel).length;
  }
}

const circuitsOf = (node: SimNode): Map<number, string> =>
  new Map(node.node.circuits.map(({ handle, purpose }) => [handle, `${node.name}: ${purpose}`]));

const goesForward = ({ link, direction }: Case): boolean =>
  (direction === 'to the owner') === link <= CALLERS;

describe('a bad cell', () => {
  let victims: Victims;
  let saboteur: Saboteur;

  beforeAll(async () => {
    victims = await new Victims(await worldWith(31)).start();
    saboteur = new Saboteur(victims.world);
  }, 60_000);

  /** Whoever opens the layer first finds out: a hop for what comes from the origin, else the origin. */
  const finder = (each: Case, spot: Spot, fault: CellFault): SimNode => {
    if (goesForward(each) || fault === 'a changed command') return spot.to;
    return each.link <= CALLERS ? victims.alice : victims.bob;
  };

  const codesOf = (each: Case, fault: CellFault): string[] => {
    if (fault !== 'a changed command') return ['bad-layer'];
    // The hop next to the origin has seen its eight early cells, and a further one is too many.
    return goesForward(each) ? ['bad-early', 'bad-layer'] : ['unexpected'];
  };

  describe.each(Object.keys(cellFaults) as CellFault[])('(%s)', (fault) => {
    it.each(cases)('on link $link, $direction, ends that circuit and nothing else', async (each) => {
      const spot = await victims.spotOf(each);
      saboteur.strike(spot, cellFaults[fault]);
      const { refused, ended, lost } = await victims.suffer(each.direction);
      const { name } = finder(each, spot, fault);
      expect(codesOf(each, fault).map((code) => `${name}: circuit ${code}`)).toContain(refused[0]);
      expect(refused).toHaveLength(1);
      const inbox = each.link > CALLERS ? ['bob: inbox'] : [];
      expect(ended).toEqual(['alice: conversation', ...inbox]);
      expect(lost).toEqual([]);
      await victims.expectOver();
    });
  });

  it('never touched the others’ conversation over the same relays', async () => {
    const { world, bystanders } = victims;
    await exchange(world, bystanders, three);
    for (const user of [bystanders.caller, bystanders.owner]) expect(user.seen('channel-closed')).toEqual([]);
    for (const node of world.nodes)
      expect(node.seen('refused').filter(({ where }) => where === 'link')).toEqual([]);
  });
});

describe('a bad message', () => {
  let victims: Victims;

  beforeAll(async () => {
    victims = await new Victims(await worldWith(32)).start();
  }, 60_000);

  describe.each(Object.keys(messageFaults) as MessageFault[])('(%s)', (fault) => {
    it.each(cases)('on link $link, $direction, ends that link and no other', async (each) => {
      const spot = await victims.spotOf(each);
      garble(victims.world, spot, messageFaults[fault]);
      const { refused, lost } = await victims.suffer(each.direction);
      expect(refused).toEqual([`${spot.to.name}: link malformed`]);
      expect(lost).toEqual([spot.from.name, spot.to.name].sort());
      await victims.expectOver();
    });
  });
});
