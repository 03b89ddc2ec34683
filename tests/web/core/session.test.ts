import { beforeEach, describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { decodeFrame, encodeFrame } from '#web/core/conversation/frames.ts';
import { Net, textsFrom, User } from '#tests/support/conversation-net.ts';

let alice: User;
let bob: User;
let net: Net;

beforeEach(async () => {
  alice = new User('Alice', 1);
  bob = new User('Bob', 2);
  net = new Net(alice, bob);
  await alice.boot();
  await bob.boot();
});

const none = new Uint8Array(0);

const meet = async (): Promise<void> => {
  await alice.accept(bob);
  await net.open(alice);
  await net.settle();
};

describe('a conversation', () => {
  it('begins with a welcome, and what was written before it arrives', async () => {
    const session = await alice.accept(bob);
    const sent = await session.send('first');
    expect(sent.state).toBe('queued');
    expect(session.summary).toMatchObject({ name: 'Bob', state: 'requested', reachable: false });
    await net.open(alice);
    await net.settle();
    expect(session.summary).toMatchObject({ state: 'active', reachable: true });
    expect(session.messages()[0]?.timeline.map(({ state }) => state)).toEqual([
      'queued',
      'sending',
      'delivered',
    ]);
    expect(bob.with(alice)?.summary).toMatchObject({ name: 'Alice', state: 'active', unread: 1 });
    expect(textsFrom(bob.with(alice), false)).toEqual(['first']);
    expect(net.refusals).toEqual([]);
  });

  it('renews the key of the joiner at once', async () => {
    await meet();
    expect(alice.with(bob)?.unacknowledged).toBe(0);
    expect(bob.with(alice)?.unacknowledged).toBe(0);
    const before = await bob.with(alice)?.send('after the update');
    await net.settle();
    expect(before?.state).toBe('sending');
    expect(textsFrom(alice.with(bob), false)).toEqual(['after the update']);
    for (const user of [alice, bob]) {
      await user.with(net.other(user))?.renewKeys();
      await net.settle();
    }
    await alice.with(bob)?.send('still here');
    await net.settle();
    expect(textsFrom(bob.with(alice), false)).toEqual(['still here']);
  });

  it('shows names, and what was read', async () => {
    await meet();
    await bob.with(alice)?.tell({ type: 'profile', name: 'Robert', record: undefined });
    await bob.with(alice)?.send('one');
    await net.settle();
    expect(alice.with(bob)?.summary).toMatchObject({ name: 'Robert', unread: 1, last: { text: 'one' } });
    await alice.with(bob)?.markRead();
    expect(alice.with(bob)?.summary.unread).toBe(0);
    await alice.boot();
    expect(alice.with(bob)?.summary).toMatchObject({ name: 'Robert', unread: 0, reachable: false });
  });

  it('moves to a new channel and sends again there what was not acknowledged, byte for byte', async () => {
    await meet();
    const [first] = net.channels;
    await alice.with(bob)?.send('lost');
    const lost = first?.toward.get(bob)?.at(-1);
    if (first) await net.cut(first);
    expect(alice.with(bob)?.summary.reachable).toBe(false);
    await net.open(bob);
    const [second] = net.channels;
    if (second) await net.deliver(second, alice);
    expect(second?.toward.get(bob)?.at(-1)).toEqual(lost);
    await net.settle();
    expect(textsFrom(bob.with(alice), false)).toEqual(['lost']);
    expect(alice.with(bob)?.summary.resent).toBe(1);
  });

  it('holds many at a time within its window', async () => {
    await meet();
    const texts = Array.from({ length: 200 }, (_, at) => `message ${at}`);
    for (const text of texts) await alice.with(bob)?.send(text);
    expect(net.channels[0]?.toward.get(bob)?.length).toBe(64);
    await net.settle();
    expect(textsFrom(bob.with(alice), false)).toEqual(texts);
    expect(
      alice
        .with(bob)
        ?.messages()
        .every(({ state }) => state === 'delivered'),
    ).toBe(true);
  });

  it('marks as failed, and tries again when asked', async () => {
    const session = await alice.accept(bob);
    const sent = await session.send('first');
    await session.fail('expired');
    expect(session.messages()[0]).toMatchObject({ state: 'failed', reason: 'expired' });
    await session.retry(sent.id);
    expect(session.messages()[0]).toMatchObject({ state: 'queued', reason: null });
    await expect(session.retry('00')).rejects.toMatchObject({ code: 'not-found' });
    await net.open(alice);
    await net.settle();
    expect(session.messages()[0]?.state).toBe('delivered');
  });

  it('tells the world nothing by the length of a text', async () => {
    await meet();
    const sizes = new Set<number>();
    for (const length of [1, 50, 150, 200]) {
      net.sizes.length = 0;
      await alice.with(bob)?.send('x'.repeat(length));
      sizes.add(net.sizes[0] ?? 0);
    }
    expect(sizes.size).toBe(1);
    net.sizes.length = 0;
    await alice.with(bob)?.send('x'.repeat(300));
    expect(net.sizes[0]).toBe(([...sizes][0] ?? 0) + 256);
    await expect(alice.with(bob)?.send('x'.repeat(16_385))).rejects.toMatchObject({ code: 'too-long' });
  });
});

describe('two who invite each other at once', () => {
  const both = async (): Promise<void> => {
    await alice.accept(bob);
    await bob.accept(alice);
    for (const user of [alice, bob]) await user.with(net.other(user))?.send(`one of ${user.name}`);
  };
  const check = async (): Promise<void> => {
    await net.settle();
    for (const user of [alice, bob]) await user.with(net.other(user))?.send(`two of ${user.name}`);
    await net.settle();
    expect(alice.with(bob)?.groupId).toEqual(bob.with(alice)?.groupId);
    expect(textsFrom(alice.with(bob), false)).toEqual(['one of Bob', 'two of Bob']);
    expect(textsFrom(bob.with(alice), false)).toEqual(['one of Alice', 'two of Alice']);
    expect(net.refusals).toEqual([]);
  };

  it.each([
    [0, 1],
    [1, 0],
  ])('end in one group and lose nothing, whoever comes first', async (first, second) => {
    await both();
    for (const at of [first, second]) await net.open(net.users[at] ?? alice);
    await check();
  });

  it('need no more than the channel of the one whose group loses', async () => {
    await both();
    const loser = hex(alice.identity.address) < hex(bob.identity.address) ? bob : alice;
    await net.open(loser);
    await check();
    await loser.boot();
    expect(textsFrom(loser.with(net.other(loser)), true)).toHaveLength(2);
  });
});

describe('what is refused', () => {
  it('is a welcome under an unknown token', async () => {
    await alice.accept(bob, new Uint8Array(16));
    await net.open(alice);
    await net.settle();
    expect(net.refusals[0]).toBe('bad-invite');
    expect(bob.conversations.list()).toEqual([]);
  });

  it('is a frame that does not parse, or of an unknown group', async () => {
    await meet();
    const [channel] = net.channels;
    await expect(bob.conversations.receive(99, new Uint8Array(0))).rejects.toMatchObject({
      code: 'malformed',
    });
    await alice.with(bob)?.send('x');
    const frame = decodeFrame(channel?.toward.get(bob)?.at(-1) ?? new Uint8Array(0));
    const unknown = encodeFrame({ ...frame, groupId: new Uint8Array(16) });
    await expect(bob.conversations.receive(99, unknown)).rejects.toMatchObject({
      code: 'unknown-conversation',
    });
  });

  it('is an altered item or ack, after which the true one is still taken', async () => {
    await meet();
    await alice.with(bob)?.send('x');
    const [channel] = net.channels;
    const frame = decodeFrame(channel?.toward.get(bob)?.at(-1) ?? new Uint8Array(0));
    if (frame.type !== 'item') throw new Error('an item was due');
    const ciphertext = frame.ciphertext.slice();
    ciphertext[ciphertext.length - 1] = (ciphertext.at(-1) ?? 0) ^ 1;
    const altered = bob.conversations.receive(5, encodeFrame({ ...frame, ciphertext }));
    await expect(altered).rejects.toMatchObject({ code: 'bad-layer' });
    const { groupId } = frame;
    const forged = {
      type: 'ack',
      groupId,
      epoch: 2,
      nonce: new Uint8Array(12),
      sealed: new Uint8Array(24),
    } as const;
    await expect(bob.conversations.receive(5, encodeFrame(forged))).rejects.toMatchObject({
      code: 'bad-layer',
    });
    await net.settle();
    expect(textsFrom(bob.with(alice), false)).toEqual(['x']);
  });

  it('is an earlier welcome from a contact, and a later one goes on with them', async () => {
    await meet();
    const { groupId } = bob.with(alice) ?? {};
    const [early, late] = [new User('Alice', 1), new User('Alice', 1)];
    late.passTo(alice.now() + 1000);
    for (const [user, taken] of [
      [early, false],
      [late, true],
    ] as const) {
      await user.boot();
      user.rng(1);
      const again = new Net(user, bob);
      await user.accept(bob);
      await again.open(user);
      await again.settle();
      expect(bob.conversations.list()).toHaveLength(1);
      expect(hex(bob.with(alice)?.groupId ?? none) !== hex(groupId ?? none)).toBe(taken);
    }
  });
});
