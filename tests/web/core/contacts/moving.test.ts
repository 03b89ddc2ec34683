import { beforeEach, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { seededRng } from '#shared/crypto/rng.ts';
import { signKeypair } from '#shared/crypto/sign.ts';
import { makeIdentity, makeKeyPackage, type Identity } from '#web/core/conversation/identity.ts';
import type { Session } from '#web/core/conversation/session.ts';
import { ASKING, Net, START, textsFrom, User } from '#tests/support/conversation-net.ts';

const YEAR = 365 * 86_400_000;

let alice: User;
let bob: User;
let net: Net;
let alias: Identity;
let asked: Session;

/** Alice asks Bob at the address of his handle. */
beforeEach(async () => {
  alice = new User('Alice', 1);
  bob = new User('Bob', 2);
  net = new Net(alice, bob);
  await alice.boot();
  await bob.boot();
  alias = makeIdentity(
    seededRng(new Uint8Array(32).fill(7)),
    signKeypair(new Uint8Array(32).fill(7)),
    START + YEAR,
  );
  const own = await makeKeyPackage(alias);
  bob.alias = { identity: alias, keyPackages: [own] };
  asked = await alice.conversations.start({
    ...{ contact: alias.address, name: '@bob', token: ASKING, keyPackage: own.public },
    ...{ ownName: 'Alice', handle: 'bob' },
  });
});

const settle = async (session: Session): Promise<void> => {
  await net.open(alice, session);
  await net.settle();
};

const move = async (): Promise<Session> => {
  const { public: keyPackage } = await bob.keyPackage();
  const to = {
    contact: bob.identity.address,
    name: 'Bob',
    token: new Uint8Array(16).fill(3),
    keyPackage,
    ownName: 'Alice',
  };
  return alice.conversations.move(asked.id, to, () => [alice.contacts.forget(asked.id)]);
};

it('who is asked at the address of a handle answers there as who it names', async () => {
  await asked.send('Is this Bob?');
  await settle(asked);
  const session = bob.with(alice);
  expect(session?.parties.own.address).toEqual(alias.address);
  expect(bob.contacts.state(hex(alice.identity.address))).toBe('invited');
  expect(textsFrom(session, false)).toEqual(['Is this Bob?']);
  expect(alice.with(bob)).toBeUndefined();
});

it('the conversation moves to their own address with all that was said, and what was to be', async () => {
  await asked.send('Is this Bob?');
  await settle(asked);
  const id = hex(alice.identity.address);
  await bob.with(alice)?.also(() => [bob.contacts.change(id, { wanted: true })]);
  await bob.with(alice)?.released();
  await bob.with(alice)?.send('It is.');
  await net.settle();
  for (const channel of [...net.channels]) await net.cut(channel);
  await asked.send('Good.');
  const before = asked.messages().map((message) => message.id);

  const moved = await move();
  expect(alice.conversations.list()).toEqual([moved]);
  expect(moved.id).toBe(hex(bob.identity.address));
  expect(alice.contacts.get(asked.id)).toBeUndefined();
  expect(alice.contacts.get(moved.id)).toMatchObject({ wanted: true, wants: true, handle: undefined });
  await expect(asked.send('too late')).rejects.toMatchObject({ code: 'unknown-conversation' });
  for (const table of ['conversations', 'messages', 'outbox'] as const)
    expect((await alice.stored(table)).filter(([key]) => key.startsWith(asked.id))).toEqual([]);

  // As it stands in the store.
  await alice.boot();
  const again = alice.with(bob);
  if (!again) throw new Error('no conversation');
  await settle(again);
  expect(again.messages().map((message) => message.id)).toEqual(before);
  expect(again.messages().every((message) => message.conversation === moved.id)).toBe(true);
  expect(textsFrom(bob.with(alice), false)).toEqual(['Is this Bob?', 'Good.']);
  expect(bob.with(alice)?.parties.own.address).toEqual(bob.identity.address);
  expect(again.messages().map(({ state }) => state)).toEqual(['delivered', 'delivered', 'delivered']);
  await bob.with(alice)?.send('See you');
  await net.settle();
  expect(textsFrom(again, false)).toEqual(['It is.', 'See you']);
});

it('a contact who asks by the handle too does not learn whose it is', async () => {
  await alice.accept(bob);
  await settle(alice.with(bob) as Session);
  await asked.send('Who is this?');
  await net.open(alice, asked);
  await net.settle();
  expect(net.refusals).toEqual(['finished']);
  expect(bob.conversations.list().length).toBe(1);
  expect(bob.with(alice)?.parties.own.address).toEqual(bob.identity.address);
});

it('whoever is a contact already keeps the conversation that there is', async () => {
  await alice.accept(bob);
  await settle(alice.with(bob) as Session);
  const kept = await move();
  expect(kept).toBe(alice.with(bob));
  expect(alice.conversations.list()).toEqual([kept]);
  await kept.send('still here');
  await net.settle();
  expect(textsFrom(bob.with(alice), false)).toEqual(['still here']);
});
