import { beforeAll, describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { replaceSuite } from '#web/core/conversation/suite.ts';
import type { Group } from '#web/core/groups/group.ts';
import { SILENT_MS } from '#web/core/groups/order.ts';
import { encodeParts, type Packet } from '#web/core/groups/packets.ts';
import { cheapSuite } from '#tests/support/cheap-suite.ts';
import { DAY, GroupNet, settled, type Person } from '#tests/support/group-net.ts';

type Four = [Person, Person, Person, Person];

/** The first four people, of whom the first made a group with the others up to `members`. */
const begin = async (members: number, count = 4): Promise<{ net: GroupNet; id: string; people: Four }> => {
  const net = await GroupNet.of(count);
  const people = net.people.slice(0, 4) as Four;
  const [first] = people;
  const { id } = await first.groups.create(
    'Trip',
    people.slice(1, members).map((each) => first.adding(each)),
  );
  await net.heal();
  return { net, id, people };
};

const of = (person: Person, id: string): Group => {
  const group = person.groups.get(id);
  if (!group) throw new Error(`${person.name} knows no such group`);
  return group;
};

const textsOf = (group: Group): string[] =>
  group.messages().flatMap(({ text }) => (text === '' ? [] : [text]));
const eventsOf = (group: Group): string[] => group.messages().flatMap(({ event }) => event?.type ?? []);
const removing = ({ identity }: Person) => ({ type: 'remove', address: identity.address }) as const;

/** Whoever is in it says so of just those. */
const checkAgreed = (people: readonly Person[], id: string): void => {
  const active = people.filter((each) => each.groups.get(id)?.summary.state === 'active');
  const ids = active.map((each) => each.id).sort();
  expect(active.map((each) => of(each, id).members.map(hex).sort())).toEqual(active.map(() => ids));
  for (const each of active)
    expect(of(each, id).state.record).toMatchObject({ wants: [], held: [], unsettled: [] });
};

/** Everything that waits in streams which `which` is true for arrives, and everybody in `who` does what is due. */
const pass = async (
  net: GroupNet,
  id: string,
  who: readonly Person[],
  which: (from: Person, to: Person) => boolean = () => true,
): Promise<void> => {
  for (let left = 20; left > 0; left--) {
    for (const each of who) if (each.groups.get(id)) await each.groups.advance(id);
    await settled();
    const within = net.waiting.filter(
      ({ from, to }) => who.includes(from) && who.includes(to) && which(from, to),
    );
    for (const stream of within) await net.deliver(stream);
  }
};

/** Everything that waits in streams which `which` is true for arrives, and nobody does more than that. */
const arrive = async (net: GroupNet, which: (from: Person, to: Person) => boolean): Promise<void> => {
  for (const stream of net.waiting)
    while (which(stream.from, stream.to) && stream.queue.length > 0) await net.deliver(stream);
};

beforeAll(() => {
  replaceSuite(cheapSuite);
});

describe('a message', () => {
  it('is delivered once all have it who were there, and read once all have seen it', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c, d] = people;
    for (const person of people) person.receipts = true;
    const sent = await of(a, id).send('hello');
    const state = (): string | undefined =>
      of(a, id)
        .messages()
        .find((each) => each.id === sent.id)?.state;
    const got = (): string[] =>
      of(a, id)
        .messages()
        .find((each) => each.id === sent.id)?.deliveredTo ?? [];
    await settled();
    for (const stream of net.waiting.filter(({ to }) => to === b)) await net.deliver(stream);
    for (const stream of net.waiting.filter(({ to }) => to === a)) await net.deliver(stream);
    expect([state(), got()]).toEqual(['sending', [b.id]]);
    await of(a, id).want([a.adding(d)]);
    await net.heal();
    expect([state(), got().sort()]).toEqual(['delivered', [b.id, c.id].sort()]);
    await of(b, id).markRead();
    await of(c, id).markRead();
    await net.heal();
    expect(state()).toBe('read');
    expect(textsOf(of(d, id))).toEqual([]);
  });

  it('of who was removed is not taken, and the last words of who left are', async () => {
    const { net, id, people } = await begin(4);
    const [a, b, c, d] = people;
    await of(c, id).send('I go');
    await of(c, id).leave();
    await of(d, id).send('me too');
    await of(a, id).want([removing(d)]);
    await settled();
    // What the two say to Ben comes last of all.
    for (let left = 20; left > 0; left--) {
      for (const each of [a, c]) await each.groups.advance(id);
      await settled();
      for (const stream of net.waiting) if (stream.to !== b || stream.from === a) await net.deliver(stream);
    }
    expect(of(b, id).members.map(hex)).toEqual([a.id, b.id]);
    await net.heal();
    expect(textsOf(of(b, id))).toEqual(['I go']);
  });

  it('is reacted to, taken back and timed as in any conversation', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    const { id: first } = await of(a, id).send('one');
    const { id: second } = await of(a, id).send('two', { replyTo: new Uint8Array(16).fill(1) });
    await net.heal();
    await of(b, id).react(first, '👍');
    await of(a, id).remove(second, true);
    await of(c, id).setTimer(5000);
    await net.heal();
    for (const person of [a, b, c]) {
      const messages = of(person, id).messages();
      const by = person === b ? null : b.id;
      expect(messages.find((each) => each.id === first)?.reactions).toEqual([{ by, emoji: '👍' }]);
      expect(messages.find((each) => each.id === second)).toMatchObject({
        deleted: true,
        text: '',
        author: a.id,
      });
      expect(of(person, id).summary.timerMs).toBe(5000);
    }
    await expect(of(b, id).remove(first, true)).rejects.toMatchObject({ code: 'refused' });
    await of(b, id).send('three');
    await net.heal();
    net.now += 6000;
    await of(a, id).expire();
    expect(textsOf(of(a, id))).toEqual(['one']);
  });
});

describe('who is in a group', () => {
  it('was brought there by a contact, or is not', async () => {
    const { net, id, people } = await begin(2);
    const [a, b, , d] = people;
    d.strangers.add(a.id);
    await of(a, id).want([a.adding(d)]);
    await net.heal();
    expect(d.groups.list()).toEqual([]);
    await of(b, id).want([removing(d)]);
    await net.heal();
    await of(b, id).want([b.adding(d)]);
    await net.heal();
    expect(of(d, id).members.map(hex)).toEqual([a.id, b.id, d.id]);
  });

  it('is not brought there by way of a contact who did not want it', async () => {
    const { net, id, people } = await begin(2);
    const [a, b, , d] = people;
    d.strangers.add(a.id);
    await of(a, id).want([a.adding(d)]);
    await settled();
    const stream = net.waiting.find(({ from, to }) => from === a && to === d);
    await pass(net, id, [a, b]);
    for (const content of stream?.queue ?? []) await b.receive(a, content);
    expect(stream?.queue.length).toBeGreaterThan(0);
    await net.heal();
    expect(d.groups.list()).toEqual([]);
  });

  it('reads what was said since, though the welcome is slower by weeks', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c, d] = people;
    await of(b, id).want([b.adding(d)]);
    await pass(net, id, [a, b, c]);
    await of(a, id).want([{ type: 'rename', name: 'Tour' }]);
    await of(a, id).send('hello');
    await pass(net, id, people, (from) => from !== b);
    expect(d.groups.list()).toEqual([]);
    net.now += 24 * DAY;
    await net.heal();
    checkAgreed(people, id);
    expect([of(d, id).summary.name, ...textsOf(of(d, id))]).toEqual(['Tour', 'hello']);
  });

  it('is brought into 256 groups and no more', async () => {
    const { net, people } = await begin(2);
    const [a, b] = people;
    await b.remember(254);
    for (const name of ['the last', 'one too many']) {
      await a.groups.create(name, [a.adding(b)]);
      await settled();
      await arrive(net, () => true);
    }
    expect(b.groups.list().map(({ summary }) => summary.name)).toContain('the last');
    expect(b.groups.list()).toHaveLength(256);
    expect(await b.stored('group-inbox')).toEqual([]);
  });

  it('is at most 16', async () => {
    const net = await GroupNet.of(18);
    const [first, ...others] = net.people as [Person, ...Person[]];
    const wants = others.map((each) => first.adding(each));
    await expect(first.groups.create('Many', wants.slice(0, 16))).rejects.toMatchObject({ code: 'too-many' });
    expect(first.groups.list()).toEqual([]);
    const group = await first.groups.create('Many', wants.slice(0, 15));
    await net.heal();
    expect(group.members).toHaveLength(16);
    await expect(group.want([first.adding(others[15] ?? first)])).rejects.toMatchObject({
      code: 'too-many',
    });
  });

  it('may come back, to a group that then begins again for them', async () => {
    const { net, id, people } = await begin(3);
    const [a, , c] = people;
    await of(a, id).send('before');
    await net.heal();
    await of(a, id).want([removing(c)]);
    await net.heal();
    expect(of(c, id).summary).toMatchObject({ state: 'left', members: [] });
    expect(of(c, id).summary.former.length).toBeGreaterThan(0);
    await of(a, id).send('without');
    await of(a, id).want([a.adding(c)]);
    await net.heal();
    await of(a, id).send('after');
    await net.heal();
    expect(textsOf(of(c, id))).toEqual(['before', 'after']);
    expect(eventsOf(of(c, id))).toEqual(['added', 'removed', 'added']);
  });

  it('can all leave, one after another and at once', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    await of(a, id).leave();
    await net.heal();
    expect(of(b, id).members.map(hex)).toEqual([b.id, c.id]);
    await of(b, id).leave();
    await of(c, id).leave();
    await net.heal();
    for (const person of [a, b, c]) {
      expect(of(person, id).state.record).toMatchObject({
        state: 'left',
        mls: undefined,
        held: [],
        wants: [],
      });
      expect(of(person, id).state.pasts.size + of(person, id).state.formers.size).toBe(0);
    }
  });

  it('is removed though it is the one who commits', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    await of(c, id).want([removing(a)]);
    await net.heal();
    expect(of(a, id).summary.state).toBe('left');
    expect(of(b, id).members.map(hex)).toEqual([b.id, c.id]);
  });
});

describe('a commit', () => {
  /** Everything arrives but what comes from `away` or goes there. */
  const without = (net: GroupNet, id: string, away: Person): Promise<void> =>
    pass(
      net,
      id,
      net.people.filter((each) => each !== away),
    );

  it('is another’s to make after seven days of silence, and not before', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    await of(c, id).want([{ type: 'rename', name: 'Tour' }]);
    await without(net, id, a);
    net.now += SILENT_MS - 1;
    await without(net, id, a);
    expect(of(b, id).summary.name).toBe('Trip');
    net.now += 1;
    await without(net, id, a);
    expect([b, c].map((each) => of(each, id).summary.name)).toEqual(['Tour', 'Tour']);
    await net.heal();
    expect(of(a, id).summary.name).toBe('Tour');
    expect(of(b, id).state.record.unsettled).toEqual([]);
  });

  it('of the lower leaf counts: the others go back, and say and want again what they did since', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c, d] = people;
    await of(a, id).want([{ type: 'rename', name: 'Of Anna' }]);
    await of(c, id).want([{ type: 'rename', name: 'Of Cleo' }, c.adding(d)]);
    await without(net, id, a);
    net.now += SILENT_MS;
    await without(net, id, a);
    expect(of(c, id).summary.name).toBe('Of Cleo');
    await of(b, id).send('in the branch that goes');
    await of(d, id).send('from who is not there yet');
    await without(net, id, a);
    const said = ['from who is not there yet', 'in the branch that goes'];
    expect(textsOf(of(d, id)).sort()).toEqual(said);
    await net.heal();
    for (const person of people) {
      expect(of(person, id).members.map(hex)).toEqual([a.id, b.id, c.id, d.id]);
      expect(of(person, id).summary.name).toBe('Of Cleo');
    }
    for (const person of people) expect(textsOf(of(person, id)).sort()).toEqual(said);
    expect(eventsOf(of(c, id))).toEqual(['added', 'renamed', 'added', 'renamed']);
  });

  it('that left nobody else in it can be undone, though its maker wants to leave', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    await of(c, id).want([removing(a), removing(b)]);
    net.now += 2 * SILENT_MS;
    await c.groups.advance(id);
    await of(c, id).leave();
    expect(of(c, id).members.map(hex)).toEqual([c.id]);
    await of(a, id).want([{ type: 'rename', name: 'Tour' }]);
    await net.heal();
    checkAgreed(people, id);
    expect([a, b, c].map((each) => of(each, id).summary.state)).toEqual(['active', 'left', 'left']);
  });

  it('that takes somebody out loses nothing that was said to them, if it is undone', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    await of(c, id).want([removing(b)]);
    net.now += 2 * SILENT_MS;
    await c.groups.advance(id);
    await of(a, id).send('hello');
    await of(a, id).want([{ type: 'rename', name: 'Tour' }]);
    await settled();
    await pass(net, id, [b, c]);
    expect(of(b, id).summary.state).toBe('left');
    await pass(net, id, [a, b]);
    expect([of(b, id).summary.name, ...textsOf(of(b, id))]).toEqual(['Tour', 'hello']);
    await net.heal();
    checkAgreed(people, id);
    expect(textsOf(of(b, id))).toEqual(['hello']);
  });

  it('that is undone undoes as well what those did whom it brought', async () => {
    const { net, id, people } = await begin(2);
    const [a, b, c, d] = people;
    await of(b, id).want([b.adding(c)]);
    net.now += SILENT_MS;
    await pass(net, id, [b, c]);
    await of(b, id).leave();
    await pass(net, id, [b, c]);
    await of(c, id).want([c.adding(d)]);
    await pass(net, id, [b, c, d]);
    expect(of(d, id).members.map(hex)).toContain(c.id);
    await of(a, id).want([{ type: 'rename', name: 'Tour' }]);
    await net.heal();
    checkAgreed(people, id);
    expect(of(d, id).summary.state).toBe('left');
  });

  it('that was settled for who was out since is so when they are back', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c, d] = people;
    await of(c, id).want([removing(a)]);
    net.now += 2 * SILENT_MS;
    await c.groups.advance(id);
    await of(c, id).want([c.adding(d)]);
    await of(c, id).want([c.adding(a)]);
    await settled();
    // D adds A while B may yet undo how A went, which A knows to be settled before they are back.
    await arrive(net, (from, to) => from === c && to === d);
    await d.groups.advance(id);
    await arrive(net, (from, to) => from === c && to === b);
    await arrive(net, (from, to) => from === b && to === a);
    await arrive(net, (from, to) => from === c && to === a);
    expect(of(a, id).summary.state).toBe('left');
    await arrive(net, (from, to) => from === b && to === c);
    await arrive(net, (_, to) => to === d);
    await arrive(net, (from, to) => from === d && to === a);
    await net.heal();
    checkAgreed(people, id);
    expect(of(a, id).members).toHaveLength(4);
  });

  it('that does not count brings back nobody who knows that', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    await of(c, id).want([removing(a), removing(b)]);
    net.now += 2 * SILENT_MS;
    await c.groups.advance(id);
    await of(c, id).want([c.adding(a)]);
    await of(b, id).want([removing(a)]);
    net.now += SILENT_MS;
    await b.groups.advance(id);
    await settled();
    await arrive(net, (from, to) => from === b && to === a);
    await arrive(net, (from, to) => from === c && to === a);
    expect(of(a, id).summary.state).toBe('left');
    await net.heal();
    checkAgreed(people, id);
    expect(of(c, id).members).toHaveLength(2);
  });

  it('is made by nobody who leaves, though all are to go', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    await of(c, id).want([removing(b)]);
    await of(c, id).leave();
    await of(a, id).leave();
    await settled();
    await pass(net, id, [a, c]);
    await pass(net, id, [a, b], (from) => from === a);
    await net.heal();
    checkAgreed(people, id);
    expect([a, b, c].map((each) => of(each, id).summary.state)).toEqual(['left', 'active', 'left']);
  });

  it('holds what was wanted twice once, and the rest as well', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    await of(a, id).leave();
    for (let times = 0; times < 2; times++)
      await of(b, id).want([removing(c), { type: 'rename', name: `Tour ${String(times)}` }]);
    await net.heal();
    expect([of(b, id).members.map(hex), of(b, id).summary.name]).toEqual([[b.id], 'Tour 1']);
    expect([a, c].map((each) => of(each, id).state.record.mls)).toEqual([undefined, undefined]);
  });

  it('holds what there is room for, though more is proposed than is kept', async () => {
    const net = await GroupNet.of(16);
    const members = net.people.slice(0, 6) as Four;
    const [first, second, ...others] = members;
    const { id } = await first.groups.create(
      'Trip',
      [second, ...others].map((each) => first.adding(each)),
    );
    await net.heal();
    for (const each of [second, ...others])
      await of(each, id).want(net.people.slice(6).map((guest) => each.adding(guest)));
    await settled();
    await arrive(net, (_, to) => to === second || to === first);
    expect(of(second, id).state.record.held).toHaveLength(48);
    expect(await second.stored('group-inbox')).toEqual([]);
    await pass(net, id, [first, second]);
    for (const each of [first, second]) expect(of(each, id).members).toHaveLength(16);
  });

  it('is not kept from being made by what nobody can commit', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c, d] = people;
    const bad = { ...b.adding(d), name: 'Nobody' };
    if (bad.type !== 'add') throw new Error('another want');
    const keyPackage = bad.keyPackage.slice();
    // Its last byte belongs to its signature, which a commit alone checks.
    keyPackage[keyPackage.length - 1] = (keyPackage.at(-1) ?? 0) ^ 1;
    await of(b, id).want([
      { ...bad, keyPackage },
      { type: 'rename', name: 'Tour' },
    ]);
    await net.heal();
    expect([a, b, c].map((each) => of(each, id).summary.name)).toEqual(['Tour', 'Tour', 'Tour']);
    expect(of(a, id).members).toHaveLength(3);
  });
});

describe('what somebody tells a group', () => {
  it('has no effect when they are not in it', async () => {
    const { net, id, people } = await begin(2);
    const [a, b, , d] = people;
    const at = { epoch: 1, tag: new Uint8Array(8) };
    const group = of(a, id).state.record.id;
    const packets: Packet[] = [
      { type: 'message', at, message: new Uint8Array(9) },
      { type: 'commit', at, proposals: [], commit: new Uint8Array(9), named: [] },
      { type: 'has', messages: [new Uint8Array(16)] },
      { type: 'undone', at },
    ];
    for (const message of packets.flatMap(encodeParts)) await a.receive(d, { type: 'group', group, message });
    await a.receive(d, { type: 'group', group, message: Uint8Array.of(7, 7) });
    const before = of(a, id).state.record;
    await of(b, id).send('still here');
    await net.heal();
    expect(textsOf(of(a, id))).toEqual(['still here']);
    expect(of(a, id).members).toEqual(before.mls ? [a, b].map((each) => each.identity.address) : []);
  });

  it('does not fill the store, whether the group is known or not', async () => {
    const { net, people } = await begin(2);
    const [a, , c, d] = people;
    const at = { epoch: 1_000_000, tag: new Uint8Array(8) };
    const [message] = encodeParts({ type: 'message', at, message: new Uint8Array(24_000) });
    for (let n = 0; n < 40; n++) {
      const group = new Uint8Array(16).fill(n % 20);
      for (let times = 0; times < 4; times++)
        await a.receive(d, { type: 'group', group, message: message ?? new Uint8Array(0) });
    }
    const kept = (await a.stored('group-inbox')).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(8 * 44);
    // Packets that never become whole count as well.
    for (let n = 100; n < 140; n++) {
      const begun = Uint8Array.of(0, 4, ...new Uint8Array(1000));
      await a.receive(c, { type: 'group', group: new Uint8Array(16).fill(n), message: begun });
    }
    const both = (await a.stored('group-inbox')).length;
    expect(both - kept).toBe(8);
    const own = a.groups.list()[0]?.state.record.id ?? new Uint8Array(16);
    for (let times = 0; times < 100; times++)
      await a.receive(d, { type: 'group', group: own, message: message ?? new Uint8Array(0) });
    expect((await a.stored('group-inbox')).length - both).toBeLessThanOrEqual(44);
    await net.heal();
  });
});

describe('who lost the keys of a group', () => {
  it('is let in again, and reads what is said from then on', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, c] = people;
    await of(c, id).send('before');
    await net.heal();
    await c.restore();
    await net.heal();
    for (const person of [a, b, c])
      expect(of(person, id).members.map(hex).sort()).toEqual([a.id, b.id, c.id].sort());
    await of(b, id).send('after');
    await of(c, id).send('and I');
    await net.heal();
    expect(textsOf(of(c, id)).sort()).toEqual(['after', 'and I', 'before']);
    expect(textsOf(of(a, id)).sort()).toEqual(['after', 'and I', 'before']);
    expect(of(c, id).state.record).toMatchObject({ wants: [], unsettled: [] });
  });

  it('is let in again though it is the one who commits, and nobody is by another’s key package', async () => {
    const { net, id, people } = await begin(3);
    const [a, b, , d] = people;
    const group = of(b, id).state.record.id;
    for (const message of encodeParts({ type: 'again', keyPackage: d.keyPackage.public }))
      await b.receive(a, { type: 'group', group, message });
    expect(of(b, id).state.record.wants).toEqual([]);
    await a.restore();
    await net.heal();
    await of(a, id).send('here again');
    await net.heal();
    expect(textsOf(of(b, id))).toEqual(['here again']);
    expect(of(b, id).members).toHaveLength(3);
  });
});
