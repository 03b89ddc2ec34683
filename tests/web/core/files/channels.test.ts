import { beforeEach, expect, it } from 'vitest';
import { encodeFrame, type FileFrame } from '#web/core/conversation/frames.ts';
import { Net, User } from '#tests/support/conversation-net.ts';

let alice: User;
let bob: User;
let net: Net;
let came: [string, number, FileFrame][];

beforeEach(async () => {
  alice = new User('Alice', 1);
  bob = new User('Bob', 2);
  net = new Net(alice, bob);
  await alice.boot();
  await bob.boot();
  await alice.accept(bob);
  await net.open(alice);
  await net.settle();
  came = [];
  bob.file = (...each) => void came.push(each);
});

const got = (groupId = bob.with(alice)?.groupId ?? new Uint8Array(16)): FileFrame => ({
  ...{ type: 'got', groupId, file: new Uint8Array(16).fill(1), bytes: 5, again: true },
  tag: new Uint8Array(16),
});

it('what belongs to a file comes with its conversation and channel', async () => {
  const [channel] = net.channels;
  const session = await bob.conversations.receive(channel?.id ?? 0, encodeFrame(got()));
  expect(session.id).toBe(bob.with(alice)?.id);
  expect(came).toEqual([[session.id, channel?.id, got()]]);
});

it('on a channel that the contact has not spoken on it is refused', async () => {
  const receiving = bob.conversations.receive(99, encodeFrame(got()));
  await expect(receiving).rejects.toMatchObject({ code: 'unexpected' });
  const unknown = bob.conversations.receive(99, encodeFrame(got(new Uint8Array(16))));
  await expect(unknown).rejects.toMatchObject({ code: 'unknown-conversation' });
  expect(came).toEqual([]);
});
