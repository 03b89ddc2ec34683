import { beforeEach, describe, expect, it } from 'vitest';
import { decodeFrame } from '#web/core/conversation/frames.ts';
import type { Session } from '#web/core/conversation/session.ts';
import { replaceSuite } from '#web/core/conversation/suite.ts';
import { cheapSuite } from '#tests/support/cheap-suite.ts';
import { Net, textsFrom, User } from '#tests/support/conversation-net.ts';

replaceSuite(cheapSuite);

let alice: User;
let bob: User;
let net: Net;

const of = (user: User): Session => {
  const session = user.with(net.other(user));
  if (!session) throw new Error('no conversation');
  return session;
};
const states = (user: User): string[] =>
  of(user)
    .messages()
    .filter(({ mine }) => mine)
    .map(({ state }) => state);
const collectAll = async (user: User): Promise<void> => {
  while (net.mail.get(user)?.length) await net.collect(user);
};

beforeEach(async () => {
  alice = new User('Alice', 1);
  bob = new User('Bob', 2);
  net = new Net(alice, bob);
  await alice.boot();
  await bob.boot();
});

describe('by mail', () => {
  it('two who are never there together meet and talk', async () => {
    await alice.accept(bob);
    await of(alice).send('one');
    await net.post(alice);
    expect(states(alice)).toEqual(['stored']);
    expect((net.mail.get(bob) ?? []).map((frame) => decodeFrame(frame).type)).toEqual(['welcome', 'item']);
    await alice.boot();
    await collectAll(bob);
    expect(textsFrom(of(bob), false)).toEqual(['one']);
    // Before Alice was there again, although Bob's new key waits for her commit.
    await of(bob).send('two');
    await net.post(bob);
    expect(states(bob)).toEqual(['stored']);
    await collectAll(alice);
    expect(states(alice)).toEqual(['delivered']);
    expect(textsFrom(of(alice), false)).toEqual(['two']);
    expect(of(alice).waiting).toBe(false);
    await net.post(alice);
    await collectAll(bob);
    expect(states(bob)).toEqual(['delivered']);
    expect(net.refusals).toEqual([]);
  });

  it('more goes than a channel has under way, and twice is once', async () => {
    await alice.accept(bob);
    const texts = Array.from({ length: 150 }, (_, n) => `message ${n}`);
    for (const text of texts) await of(alice).send(text);
    await net.post(alice);
    await net.post(alice, true);
    await collectAll(bob);
    expect(textsFrom(of(bob), false)).toEqual(texts);
  });

  it('only what the directory does not have is left there, and a channel takes over', async () => {
    await alice.accept(bob);
    await of(alice).send('one');
    await net.post(alice);
    const { items, welcome } = await of(alice).undelivered();
    expect(welcome?.stored).toBeDefined();
    expect(items.map(({ stored }) => stored !== undefined)).toEqual([true]);
    await of(alice).send('two');
    await net.post(alice);
    expect(net.mail.get(bob)).toHaveLength(3);
    await net.open(alice);
    await net.settle();
    expect(states(alice)).toEqual(['delivered', 'delivered']);
    expect((await of(alice).undelivered()).items).toEqual([]);
    expect(of(alice).mailDue).toBe(false);
    await collectAll(bob);
    expect(textsFrom(of(bob), false)).toEqual(['one', 'two']);
  });

  it('the word of what was taken is left once, also after a crash', async () => {
    await alice.accept(bob);
    await of(alice).send('one');
    await net.post(alice);
    await collectAll(bob);
    await bob.boot();
    expect(of(bob).mailDue).toBe(true);
    const { ack } = await of(bob).undelivered();
    expect(ack?.upTo).toBe(1);
    await of(bob).markStored({ ack: 1 });
    expect((await of(bob).undelivered()).ack).toBeUndefined();
    await bob.boot();
    expect((await of(bob).undelivered()).ack).toBeUndefined();
  });
});

describe('a conversation whose keys were used by another life', () => {
  const meet = async (): Promise<void> => {
    await alice.accept(bob);
    await net.open(alice);
    await net.settle();
    await of(alice).send('before');
    await net.settle();
  };

  it.each(['alice', 'bob'])('goes on in a new group that %s makes, with its history', async (name) => {
    await meet();
    const user = name === 'alice' ? alice : bob;
    const other = net.other(user);
    const group = of(user).groupId;
    await of(other).send('on its way');
    await net.lapse(user);
    expect(of(user).waiting).toBe(true);
    expect(of(user).summary.state).toBe('active');
    await of(user).send('after');
    await net.open(other);
    await net.settle();
    expect(of(user).groupId).toEqual(of(other).groupId);
    expect(of(user).groupId).not.toEqual(group);
    expect(textsFrom(of(other), false)).toContain('after');
    expect(textsFrom(of(user), false)).toContain('on its way');
    expect(textsFrom(of(alice), true)[0]).toBe('before');
    for (const each of [alice, bob]) expect(of(each).unacknowledged).toBe(0);
    expect(net.refusals).toEqual([]);
  });

  it('does nothing before that', async () => {
    await meet();
    await net.crash(bob, () => bob.lapse());
    await of(bob).send('waits');
    await net.open(alice);
    await of(alice).send('x');
    net.sizes.length = 0;
    const [channel] = net.channels;
    while (channel?.toward.get(bob)?.length) await net.deliver(channel, bob);
    expect(net.sizes).toEqual([]);
    expect(await of(bob).undelivered()).toEqual({ welcome: undefined, items: [], ack: undefined });
    expect(of(bob).mailDue).toBe(false);
    await bob.restart(alice);
    await net.settle();
    expect(textsFrom(of(alice), false)).toEqual(['waits']);
    expect(textsFrom(of(bob), false)).toEqual(['before', 'x']);
  });

  it('ends in one group when both lose theirs at once', async () => {
    await meet();
    await net.lapse(alice);
    await net.lapse(bob);
    for (const user of [alice, bob]) await of(user).send(`of ${user.name}`);
    for (const user of [alice, bob]) await net.open(user);
    await net.settle();
    expect(of(alice).groupId).toEqual(of(bob).groupId);
    expect(textsFrom(of(alice), false)).toEqual(['of Bob']);
    expect(textsFrom(of(bob), false)).toEqual(['before', 'of Alice']);
  });

  it('is not led back by an old welcome', async () => {
    await alice.accept(bob);
    await net.post(alice);
    const [welcome] = net.mail.get(bob) ?? [];
    await collectAll(bob);
    await net.lapse(alice);
    await net.open(alice);
    await net.settle();
    const group = of(bob).groupId;
    if (welcome) await bob.conversations.receive(undefined, welcome);
    expect(of(bob).groupId).toEqual(group);
    await of(alice).send('still here');
    await net.settle();
    expect(textsFrom(of(bob), false)).toEqual(['still here']);
  });
});
