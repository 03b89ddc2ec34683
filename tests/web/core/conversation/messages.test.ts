import { beforeEach, describe, expect, it } from 'vitest';
import { hex, unhex } from '#shared/bytes/bytes.ts';
import type { MessageView } from '#web/api.ts';
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
const first = (user: User): MessageView => {
  const [message] = of(user).messages();
  if (!message) throw new Error('no message');
  return message;
};
/** Alice has sent `texts`, and Bob has them. */
const wrote = async (...texts: string[]): Promise<MessageView[]> => {
  for (const text of texts) await of(alice).send(text);
  await net.settle();
  return of(bob).messages();
};

beforeEach(async () => {
  alice = new User('Alice', 1);
  bob = new User('Bob', 2);
  net = new Net(alice, bob);
  await alice.boot();
  await bob.boot();
  await alice.accept(bob);
  await net.open(alice);
  await net.settle();
});

describe('an answer', () => {
  it('names the message that it answers', async () => {
    const [message] = await wrote('Who is there?');
    await of(bob).send('Me.', { replyTo: unhex(message?.id ?? '') });
    await net.settle();
    expect(of(alice).messages().at(-1)).toMatchObject({ text: 'Me.', replyTo: message?.id });
  });
});

describe('a reaction', () => {
  it('is one a person, seen by both, and taken back', async () => {
    await wrote('hello');
    const { id } = first(bob);
    await of(bob).react(id, '👍');
    await of(alice).react(id, '🎉');
    await of(bob).react(id, '❤️');
    await net.settle();
    const [a, b] = [alice, bob].map((user) => hex(user.identity.address));
    expect(first(alice).reactions).toEqual([
      { by: null, emoji: '🎉' },
      { by: b, emoji: '❤️' },
    ]);
    expect(first(bob).reactions).toEqual([
      { by: null, emoji: '❤️' },
      { by: a, emoji: '🎉' },
    ]);
    await of(bob).react(id, null);
    await net.settle();
    expect(first(alice).reactions).toEqual([{ by: null, emoji: '🎉' }]);
    expect(first(bob).reactions).toEqual([{ by: a, emoji: '🎉' }]);
  });

  it('needs a message, and has a bound', async () => {
    await wrote('hello');
    await expect(of(bob).react('00'.repeat(16), '👍')).rejects.toMatchObject({ code: 'not-found' });
    await expect(of(bob).react(first(bob).id, 'x'.repeat(33))).rejects.toMatchObject({ code: 'too-long' });
    expect(first(bob).reactions).toEqual([]);
  });
});

describe('a message that is taken back', () => {
  it('is blank on both sides', async () => {
    await wrote('oh no');
    await of(bob).react(first(bob).id, '👍');
    await net.settle();
    await of(alice).remove(first(alice).id, true);
    await net.settle();
    for (const user of [alice, bob]) {
      expect(first(user)).toMatchObject({ text: '', deleted: true, reactions: [] });
      await user.boot();
      expect(first(user)).toMatchObject({ text: '', deleted: true });
    }
    await expect(of(bob).react(first(bob).id, '👍')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('was written by who takes it back', async () => {
    await wrote('mine');
    await expect(of(bob).remove(first(bob).id, true)).rejects.toMatchObject({ code: 'refused' });
    await of(bob).tell({ type: 'deletion', message: unhex(first(bob).id) });
    await net.settle();
    expect(first(alice)).toMatchObject({ text: 'mine', deleted: false });
  });

  it('never shows where word of that comes first', async () => {
    const id = new Uint8Array(16).fill(5);
    await of(alice).tell({ type: 'deletion', message: id });
    await of(alice).say({ type: 'text', text: 'too late', replyTo: undefined, expires: undefined }, { id });
    await of(alice).send('in time');
    await net.settle();
    expect(textsFrom(of(bob), false)).toEqual(['in time']);
  });

  it('is not sent at all while it waits', async () => {
    for (const channel of net.channels.slice()) await net.cut(channel);
    const { id } = await of(alice).send('never');
    const kept = await of(alice).send('ever');
    await of(alice).remove(id, true);
    expect(
      of(alice)
        .messages()
        .map((each) => each.id),
    ).toEqual([kept.id]);
    expect(alice.events).toContainEqual({ type: 'gone', conversation: of(alice).id, messages: [id] });
    expect(of(alice).unacknowledged).toBe(1);
    await net.open(alice);
    await net.settle();
    expect(textsFrom(of(bob), false)).toEqual(['ever']);
  });
});

describe('a message that is removed here', () => {
  it('stays with the other, and is gone for good', async () => {
    await wrote('one', 'two');
    const { id } = first(bob);
    await of(bob).remove(id, false);
    await bob.boot();
    expect(textsFrom(of(bob), false)).toEqual(['two']);
    expect(textsFrom(of(alice), true)).toEqual(['one', 'two']);
    await of(alice).react(id, '👍');
    await net.open(alice);
    await net.settle();
    expect(textsFrom(of(bob), false)).toEqual(['two']);
  });

  it('does not come again in a new group either', async () => {
    // Bob takes it and his word of that is lost, so Alice has to send it again.
    await of(alice).send('again?');
    const [channel] = net.channels;
    if (channel) await net.deliver(channel, bob);
    await of(bob).remove(first(bob).id, false);
    await net.lapse(alice);
    await net.open(alice);
    await net.settle();
    expect(of(alice).unacknowledged).toBe(0);
    expect(of(bob).messages()).toEqual([]);
  });
});

describe('what was seen', () => {
  it('is told and shown where both want it', async () => {
    await wrote('one', 'two');
    await of(bob).markRead();
    await net.settle();
    expect(
      of(alice)
        .messages()
        .map(({ state }) => state),
    ).toEqual(['read', 'read']);
    expect(of(bob).summary.unread).toBe(0);
  });

  it.each([
    ['told', 'bob'],
    ['shown', 'alice'],
  ])('is not %s by who does not want it', async (_, name) => {
    (name === 'bob' ? bob : alice).receipts = false;
    await wrote('one');
    const before = net.sizes.length;
    await of(bob).markRead();
    if (name === 'bob') expect(net.sizes.length).toBe(before);
    await net.settle();
    expect(first(alice).state).toBe('delivered');
    expect(of(bob).summary.unread).toBe(0);
  });

  it('is told of many in several parts, and is delivered although the acknowledgement is lost', async () => {
    await wrote(...Array.from({ length: 300 }, (_, n) => `message ${n}`));
    await of(alice).send('last');
    const [channel] = net.channels;
    if (channel) await net.deliver(channel, bob);
    await of(bob).markRead();
    if (channel) while (channel.toward.get(alice)?.length) await net.deliver(channel, alice);
    expect(
      of(alice)
        .messages()
        .every(({ state }) => state === 'read'),
    ).toBe(true);
    expect(
      of(alice)
        .messages()
        .at(-1)
        ?.timeline.map(({ state }) => state),
    ).toEqual(['queued', 'sending', 'delivered', 'read']);
  });
});

describe('messages that disappear', () => {
  it('do so on both sides at one time, and both see who set it', async () => {
    await wrote('stays');
    await of(alice).setTimer(60_000);
    await net.settle();
    for (const user of [alice, bob]) {
      expect(of(user).summary.timerMs).toBe(60_000);
      const { event, mine } = of(user).messages().at(-1) ?? {};
      expect({ event, mine }).toEqual({
        event: { type: 'timer', member: null, ms: 60_000 },
        mine: user === alice,
      });
    }
    const { id, expiresAt, sentAt } = await of(bob).send('goes');
    expect(expiresAt).toBe(sentAt + 60_000);
    await net.settle();
    expect(of(alice).messages().at(-1)).toMatchObject({ text: 'goes', expiresAt });
    await net.pass(59_000);
    expect(textsFrom(of(alice), false)).toContain('goes');
    await net.pass(1_000);
    for (const user of [alice, bob]) {
      expect(user.events).toContainEqual({ type: 'gone', conversation: of(user).id, messages: [id] });
      expect(
        of(user)
          .messages()
          .map(({ text }) => text),
      ).toEqual(['stays', '']);
      await user.boot();
      expect(
        of(user)
          .messages()
          .map(({ text }) => text),
      ).toEqual(['stays', '']);
    }
  });

  it('are gone when the app is opened later, and do not come late', async () => {
    await of(alice).setTimer(1_000);
    await wrote('while closed');
    for (const channel of net.channels.slice()) await net.cut(channel);
    await of(alice).send('under way');
    await net.post(alice);
    const end = bob.now() + 5_000;
    for (const user of [alice, bob]) {
      await user.boot();
      user.passTo(end);
      await user.boot();
    }
    await net.collect(bob);
    await net.collect(bob);
    for (const user of [alice, bob])
      expect(
        of(user)
          .messages()
          .map(({ text }) => text),
      ).toEqual(['']);
  });

  it('follow the last setting, whoever made it', async () => {
    await of(alice).setTimer(1_000);
    await of(bob).setTimer(2_000);
    await net.settle();
    expect(of(alice).summary.timerMs).toBe(of(bob).summary.timerMs);
    await of(alice).setTimer(null);
    await net.settle();
    expect([alice, bob].map((user) => of(user).summary.timerMs)).toEqual([null, null]);
    await expect(of(alice).setTimer(0)).rejects.toMatchObject({ code: 'refused' });
    await expect(of(alice).setTimer(400 * 86_400_000)).rejects.toMatchObject({ code: 'refused' });
  });
});

describe('search', () => {
  it('finds what was written, whatever its case and however it is composed', async () => {
    await wrote('Crème brûlée', 'creme', 'ＣＡＦＥ');
    const found = (query: string): string[] =>
      of(bob)
        .search(query.normalize('NFKC').toLowerCase())
        .map(({ text }) => text);
    expect(found('CRE\u0300ME BRU\u0302')).toEqual(['Crème brûlée']);
    expect(found('cafe')).toEqual(['ＣＡＦＥ']);
    await of(alice).remove(first(alice).id, true);
    await net.settle();
    expect(found('brûlée')).toEqual([]);
  });
});
