import { describe, expect, it } from 'vitest';
import { coverCost, type CoverLevel } from '#shared/node/cover.ts';
import type { Millis } from '#shared/units.ts';
import { SimClient } from './sim-client.ts';
import type { SimNode } from './sim-node.ts';
import { heard, meet, openInboxes, say, type Talk } from './talk.ts';
import { World } from './world.ts';

const MOST = { off: 0, light: 1_500, full: 10_000 };
const SPAN_MS: Millis = 120_000;

type Flow = { up: number; down: number };

/** A tab with a number of conversations, all of whose contacts have the level too. */
const tabWith = async (
  seed: number,
  contacts: number,
  inboxes: number,
): Promise<{ world: World; tab: SimNode; all: SimNode[] }> => {
  const world = await new World({ seed }).start();
  await world.relays(6);
  const tab = world.add('tab', false);
  await openInboxes(world, tab, inboxes);
  const others = Array.from({ length: contacts }, (_, i) => world.add(`contact ${String(i)}`, false));
  for (const [i, other] of others.entries()) {
    await openInboxes(world, other, 1);
    // The tab calls one half of them, and is called by the other.
    const { owner, ownerChannel } =
      i % 2 === 0 ? await meet(world, tab, other) : await meet(world, other, tab);
    owner.command({ type: 'channel-trust', channel: ownerChannel });
  }
  await world.clock.pass(5_000);
  return { world, tab, all: [tab, ...others] };
};

/** Bytes a second on the links of a tab to other nodes. */
const flow = async (world: World, tab: SimNode, spanMs: Millis): Promise<Flow> => {
  const bytes = { up: 0, down: 0 };
  world.tamper = (from, to, data) => {
    if (from === tab) bytes.up += data.length;
    if (to === tab) bytes.down += data.length;
    return [data];
  };
  await world.clock.pass(spanMs);
  return { up: (bytes.up * 1000) / spanMs, down: (bytes.down * 1000) / spanMs };
};

const set = (nodes: SimNode[], level: CoverLevel): void => {
  for (const node of nodes) node.command({ type: 'cover', level });
};

const kb = (bytes: number): string => (bytes / 1000).toFixed(2);

describe('cover', () => {
  it.each([
    { contacts: 0, inboxes: 0 },
    { contacts: 0, inboxes: 2 },
    { contacts: 1, inboxes: 2 },
    { contacts: 5, inboxes: 2 },
  ])(
    'costs a tab no more than it may, with $contacts conversations and $inboxes inboxes',
    async ({ contacts, inboxes }) => {
      const { world, tab, all } = await tabWith(7, contacts, inboxes);
      const before = await flow(world, tab, SPAN_MS / 2);
      for (const level of ['light', 'full'] as const) {
        set(all, level);
        await world.clock.pass(10_000);
        const now = await flow(world, tab, SPAN_MS);
        const cost = { up: now.up - before.up, down: now.down - before.down };
        const shown = tab.node.cover;
        console.log(
          `${level}, ${String(contacts)} conversations, ${String(inboxes)} inboxes: ${kb(cost.up)} kB/s up, ${kb(cost.down)} down; shown ${kb(shown.up)}`,
        );
        expect(cost.up).toBeLessThanOrEqual(MOST[level]);
        expect(cost.down).toBeLessThanOrEqual(MOST[level]);
        expect(cost.up).toBeGreaterThan(0.2 * coverCost(level));
        expect(shown.level).toBe(level);
        // Of the last minute or two, in which chance has its part.
        expect(shown.up).toBeLessThan(1.5 * coverCost(level));
        expect(shown.up).toBeGreaterThan(0.5 * cost.up);
      }
      expect(world.faults()).toEqual([]);
    },
  );

  it('costs nothing when it is off, whatever contacts have set', async () => {
    const { world, tab, all } = await tabWith(7, 2, 1);
    const before = await flow(world, tab, SPAN_MS / 2);
    set(all, 'full');
    await world.clock.pass(10_000);
    tab.command({ type: 'cover', level: 'off' });
    await world.clock.pass(120_000);
    const after = await flow(world, tab, SPAN_MS / 2);
    expect(tab.node.cover).toEqual({ level: 'off', up: 0, down: 0 });
    console.log(
      `off: ${kb(before.up)} kB/s up, ${kb(before.down)} down; then ${kb(after.up)}, ${kb(after.down)}`,
    );
    expect(Math.abs(after.up / before.up - 1)).toBeLessThan(0.1);
    expect(Math.abs(after.down / before.down - 1)).toBeLessThan(0.1);
    expect(world.faults()).toEqual([]);
  });

  it('is after a reload what its user chose, and the client tells what it costs', async () => {
    const world = await new World({ seed: 11 }).start();
    await world.relays(6);
    const before = await SimClient.open(world, 'tab');
    await before.does((api) => api.start({ name: 'Tab' }));
    expect((await before.api.state()).settings.cover).toBe('off');
    await before.does((api) => api.setCover('full'));
    before.kill();
    const client = await SimClient.open(world, 'tab', { store: before.store });
    const costs = async (): Promise<boolean> => (await client.api.state()).cover.up > 3_000;
    await client.until('says that cover costs something', costs, 60_000);
    expect((await client.api.state()).settings.cover).toBe('full');
    const told = client.events.flatMap((event) => (event.type === 'cover' ? [event.cover] : []));
    expect(told.length).toBeGreaterThan(0);
    for (const { up, down } of told) expect(Math.max(up, down)).toBeLessThanOrEqual(1.5 * coverCost('full'));
    await client.close();
  });

  it('lets a file through, if slower', async () => {
    const parts = Array.from({ length: 3 }, () => new Uint8Array(250_000));
    const { world, tab, all } = await tabWith(8, 1, 1);
    const contact = all[1] as SimNode;
    const [mine, theirs] = [
      tab.seen('channel-open')[0]?.channel,
      contact.seen('channel-incoming')[0]?.channel,
    ];
    if (mine === undefined || theirs === undefined) throw new Error('they talk');
    for (const level of ['off', 'light', 'full'] as const) {
      set(all, level);
      await world.clock.pass(5_000);
      const begun = world.clock.now();
      const count = heard(contact, theirs).length;
      for (const part of parts) say(tab, mine, part);
      await world.until('it came', () => heard(contact, theirs).length === count + parts.length, 60_000);
      const rate = (parts.length * 250_000 * 1000) / (world.clock.now() - begun);
      console.log(`a file at level ${level}: ${kb(rate)} kB/s`);
      expect(rate).toBeGreaterThan(40_000);
    }
    expect(world.faults()).toEqual([]);
  });

  it.each([
    ['full', 'off'],
    ['off', 'full'],
  ] as const)(
    'bears files to several contacts over one inbox, lets others in meanwhile, and loses nothing: first %s, then %s',
    async (first, then) => {
      const world = await new World({ seed: 10 }).start();
      await world.relays(6);
      const tab = world.add('tab', false);
      await openInboxes(world, tab, 1);
      const call = async (name: string): Promise<Talk> => {
        const contact = world.add(name, false);
        await world.until(`${name} knows the network`, () => contact.node.directoryReachable, 5_000);
        const talk = await meet(world, contact, tab, tab.inboxes, 4_000);
        tab.command({ type: 'channel-trust', channel: talk.ownerChannel });
        return talk;
      };
      const talks = [await call('first'), await call('second'), await call('third')];
      tab.command({ type: 'cover', level: first });
      await world.clock.pass(2_000);
      // As much as each channel's credit lets be under way: all together more cells than a link queues for a circuit.
      for (const { ownerChannel } of talks)
        for (let part = 0; part < 4; part++) say(tab, ownerChannel, new Uint8Array(130_000));
      await world.clock.pass(2_000);
      talks.push(await call('fourth'));
      tab.command({ type: 'cover', level: then });
      const all = (): boolean =>
        talks.slice(0, 3).every(({ caller, callerChannel }) => heard(caller, callerChannel).length === 4);
      await world.until('all parts came', all, 60_000);
      for (const { caller } of talks) expect(caller.seen('channel-closed')).toEqual([]);
      expect(world.faults()).toEqual([]);
    },
  );

  it('keeps what is said in order, and loses nothing when its level changes or a side ends it', async () => {
    const { world, tab, all } = await tabWith(9, 1, 1);
    const contact = all[1] as SimNode;
    const [mine, theirs] = [
      tab.seen('channel-open')[0]?.channel,
      contact.seen('channel-incoming')[0]?.channel,
    ];
    if (mine === undefined || theirs === undefined) throw new Error('they talk');
    const said = Array.from({ length: 60 }, (_, i) => Uint8Array.of(i));
    for (const [i, data] of said.entries()) {
      if (i % 7 === 0) set(all, (['full', 'light', 'full', 'off'] as const)[(i / 7) % 4] ?? 'off');
      say(tab, mine, data);
      say(contact, theirs, data);
      await world.clock.pass(200);
    }
    set(all, 'full');
    say(tab, mine, Uint8Array.of(99));
    tab.command({ type: 'channel-close', channel: mine });
    await world.until(
      'the contact hears that it is over',
      () => contact.seen('channel-closed').length > 0,
      10_000,
    );
    expect(heard(contact, theirs)).toEqual([...said, Uint8Array.of(99)]);
    expect(heard(tab, mine).slice(0, 50)).toEqual(said.slice(0, 50));
    expect(world.faults()).toEqual([]);
  });
});
