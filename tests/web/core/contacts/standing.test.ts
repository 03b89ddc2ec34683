import { beforeEach, describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { MOST_REQUESTS } from '#web/core/contacts/contacts.ts';
import type { Profiles } from '#web/core/contacts/profiles.ts';
import { Standing } from '#web/core/contacts/standing.ts';
import { makeIdentity } from '#web/core/conversation/identity.ts';
import { encodeFrame } from '#web/core/conversation/frames.ts';
import { createGroup, groupIdOfGroup } from '#web/core/conversation/mls.ts';
import type { Session } from '#web/core/conversation/session.ts';
import { MOST_ASKING } from '#web/core/conversation/stream.ts';
import { ASKING, Net, START, textsFrom, User } from '#tests/support/conversation-net.ts';

const YEAR = 365 * 86_400_000;

let alice: User;
let bob: User;
let net: Net;
let moved: number;

const idOf = (user: User): string => hex(user.identity.address);

const sessionOf = (user: User): Session => {
  const session = user.with(net.other(user));
  if (!session) throw new Error('no conversation');
  return session;
};

const standingOf = (user: User): Standing => {
  const profiles = { begun: () => undefined, moveAway: async () => Promise.resolve(void (moved += 1)) };
  const standing = new Standing({
    contacts: user.contacts,
    profiles: profiles as unknown as Profiles,
    changed: () => undefined,
    open: () => undefined,
    shut: () => undefined,
    user: { address: { public: user.identity.address, secret: new Uint8Array(0) }, identity: user.identity },
    inviteOne: () => {
      throw new Error('nobody came by a handle');
    },
    move: () => undefined,
    erase: (id, extra) => user.conversations.remove(id, extra),
  });
  user.keep = (contact, envelope) => standing.keep(contact, envelope);
  return standing;
};

beforeEach(async () => {
  alice = new User('Alice', 1);
  bob = new User('Bob', 2);
  net = new Net(alice, bob);
  moved = 0;
  await alice.boot();
  await bob.boot();
});

const meet = async (token?: Uint8Array): Promise<void> => {
  await alice.accept(bob, token);
  await net.open(alice);
  await net.settle();
};

const say = async (from: User, text: string): Promise<void> => {
  await sessionOf(from).send(text);
  await net.settle();
};

describe('who comes by an invite for one person', () => {
  it('is a contact at once, and hears so', async () => {
    const [hers, his] = [standingOf(alice), standingOf(bob)];
    await meet();
    expect(bob.contacts.state(idOf(alice))).toBe('active');
    expect(alice.contacts.state(idOf(bob))).toBe('requested');
    his.begun(sessionOf(bob));
    await sessionOf(bob).released();
    await net.settle();
    expect(alice.contacts.state(idOf(bob))).toBe('active');
    // Told once: nothing is left to say at the next start.
    const { length } = net.sizes;
    his.begun(sessionOf(bob));
    hers.begun(sessionOf(alice));
    await sessionOf(bob).released();
    await net.settle();
    expect(net.sizes.length).toBe(length);
  });
});

describe('who asks', () => {
  it('hears nothing, and is heard only so far, until they are let in', async () => {
    standingOf(alice);
    const standing = standingOf(bob);
    const session = await alice.accept(bob, ASKING);
    for (let i = 0; i < MOST_ASKING + 4; i++) await session.send(`message ${String(i)}`);
    await net.open(alice);
    await net.settle();
    expect(bob.contacts.state(idOf(alice))).toBe('invited');
    expect(textsFrom(sessionOf(bob), false).length).toBe(MOST_ASKING);
    await sessionOf(bob).send('held back');
    expect(await sessionOf(bob).undelivered()).toEqual({ welcome: undefined, items: [], ack: undefined });
    await net.settle();
    expect(textsFrom(session, false)).toEqual([]);
    expect(session.messages().every(({ state }) => state === 'sending')).toBe(true);

    await standing.answer(sessionOf(bob), true);
    await net.settle();
    // What went beyond the bound comes with the next channel.
    for (const channel of [...net.channels]) await net.cut(channel);
    await net.open(alice);
    await net.settle();
    expect(textsFrom(sessionOf(bob), false)).toEqual(textsFrom(session, true));
    expect(textsFrom(session, false)).toEqual(['held back']);
    expect(
      session
        .messages()
        .filter(({ mine }) => mine)
        .every(({ state }) => state === 'delivered'),
    ).toBe(true);
    expect([alice.contacts.state(idOf(bob)), bob.contacts.state(idOf(alice))]).toEqual(['active', 'active']);
  });

  it('and is refused leaves nothing behind but that they are shut out', async () => {
    standingOf(alice);
    const standing = standingOf(bob);
    await meet(ASKING);
    await say(alice, 'Let me in');
    await standing.answer(sessionOf(bob), false);
    expect(bob.with(alice)).toBeUndefined();
    for (const table of ['conversations', 'messages', 'outbox', 'tombstones'] as const)
      expect(await bob.stored(table)).toEqual([]);
    await say(alice, 'Please');
    expect(net.refusals).toEqual(['unknown-conversation']);
    await alice.lapse();
    await alice.restart(bob);
    await net.open(alice);
    await net.settle();
    expect(net.refusals).toEqual(['unknown-conversation', 'finished']);
    await bob.boot();
    expect(bob.contacts.blocked(idOf(alice))).toBe(true);
    await expect(standing.answer(sessionOf(alice), true)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('is one of a bounded number', async () => {
    for (let i = 0; i < MOST_REQUESTS; i++) bob.contacts.change(String(i), { wants: true });
    await meet(ASKING);
    expect(net.refusals).toEqual(['try-later']);
    // By an invite for one person there is always a way.
    net.refusals.length = 0;
    await meet();
    expect(net.refusals).toEqual([]);
    expect(bob.contacts.state(idOf(alice))).toBe('active');
  });
});

describe('who is blocked', () => {
  it('reaches nothing and gets nothing, and goes on after that', async () => {
    const standing = standingOf(bob);
    await meet();
    await standing.block(sessionOf(bob), true);
    expect(moved).toBe(0);
    await say(alice, 'Are you there?');
    await say(bob, 'No');
    expect(net.refusals).toEqual(['finished']);
    expect(textsFrom(sessionOf(bob), false)).toEqual([]);
    await expect(bob.conversations.receive(undefined, new Uint8Array([9]))).rejects.toMatchObject({
      code: 'malformed',
    });
    expect(await sessionOf(bob).undelivered()).toEqual({ welcome: undefined, items: [], ack: undefined });

    await standing.block(sessionOf(bob), false);
    await net.open(alice);
    await net.settle();
    expect(textsFrom(sessionOf(bob), false)).toEqual(['Are you there?']);
    expect(textsFrom(sessionOf(alice), false)).toEqual(['No']);
  });

  it('knows no longer where the profile stands', async () => {
    const standing = standingOf(bob);
    await meet();
    await sessionOf(bob).also(() => [bob.contacts.change(idOf(alice), { edition: 1 })]);
    await standing.block(sessionOf(bob), true);
    await standing.block(sessionOf(bob), true);
    expect(moved).toBe(1);
  });
});

describe('who goes by another key', () => {
  const shown = (user: User): (string | undefined)[] =>
    sessionOf(user)
      .messages()
      .map(({ event, text }) => event?.type ?? text);

  const rekeyed = async (): Promise<Standing> => {
    const standing = standingOf(alice);
    await meet();
    await standing.setVerified(sessionOf(alice), true);
    expect(alice.contacts.verified(idOf(bob))).toBe('yes');
    await net.crash(bob, () => bob.rekey());
    await bob.restart(alice);
    await net.open(bob);
    await net.settle();
    return standing;
  };

  it('is sent nothing until the user goes on with it, while what they say arrives', async () => {
    const before = standingOf(alice).safetyNumber(await alice.accept(bob));
    const standing = await rekeyed();
    expect(alice.contacts.verified(idOf(bob))).toBe('changed');
    expect(alice.contacts.waits(idOf(bob))).toBe('key-changed');
    expect(shown(alice)).toEqual(['key-changed']);
    expect(standing.safetyNumber(sessionOf(alice))).not.toEqual(before);
    expect(standing.safetyNumber(sessionOf(alice))).toEqual(standing.safetyNumber(sessionOf(bob)));
    await say(alice, 'for your old key');
    await say(bob, 'from a new key');
    expect(shown(alice)).toEqual(['key-changed', 'for your old key', 'from a new key']);
    expect(sessionOf(alice).messages()[1]?.state).toBe('queued');
    expect((await sessionOf(alice).undelivered()).items).toEqual([]);
    expect(textsFrom(sessionOf(bob), false)).toEqual([]);
    // It stays so over a restart.
    await alice.boot();
    expect(alice.contacts.holds(idOf(bob))).toBe('contents');

    const again = standingOf(alice);
    await again.acknowledge(sessionOf(alice));
    expect(alice.contacts.verified(idOf(bob))).toBe('no');
    for (const channel of [...net.channels]) await net.cut(channel);
    await net.open(bob);
    await net.settle();
    expect(textsFrom(sessionOf(bob), false)).toEqual(['for your old key']);
  });

  it('is gone on with by comparing numbers', async () => {
    const standing = await rekeyed();
    const { code } = standing.safetyNumber(sessionOf(bob));
    expect(await standing.compare(sessionOf(alice), code)).toBe(true);
    expect(alice.contacts.verified(idOf(bob))).toBe('yes');
    expect(alice.contacts.holds(idOf(bob))).toBeUndefined();
  });

  it('is not one who made a new group with the key that is known', async () => {
    const standing = standingOf(alice);
    await meet();
    await standing.setVerified(sessionOf(alice), true);
    await net.lapse(bob);
    await net.open(bob);
    await net.settle();
    expect(alice.contacts.verified(idOf(bob))).toBe('yes');
    expect(shown(alice)).toEqual([]);
    await say(bob, 'back');
    await say(alice, 'good');
    expect(textsFrom(sessionOf(bob), false)).toEqual(['good']);
  });

  it('cannot be anyone whose key the address did not sign', async () => {
    standingOf(alice);
    await meet();
    const { address, credential } = bob.identity;
    const mallory = {
      ...makeIdentity(bob.rng, signKeypair(new Uint8Array(32).fill(9)), START + YEAR),
      address,
      credential,
    };
    const contact = { address: alice.identity.address, keyPackage: (await alice.keyPackage()).public };
    const { group, welcome } = await createGroup(bob.rng, mallory, contact, START + YEAR / 2);
    const groupId = groupIdOfGroup(group);
    const frame = encodeFrame({ type: 'welcome', groupId, token: new Uint8Array(16), name: 'Bob', welcome });
    await expect(alice.conversations.receive(77, frame)).rejects.toMatchObject({ code: 'bad-signature' });
    expect(alice.contacts.verified(idOf(bob))).toBe('no');
    expect(shown(alice)).toEqual([]);
  });
});
