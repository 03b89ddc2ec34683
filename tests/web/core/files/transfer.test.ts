import { beforeEach, describe, expect, it } from 'vitest';
import { hex } from '#shared/bytes/bytes.ts';
import { encode } from '#shared/bytes/codec.ts';
import { sha256 } from '#shared/crypto/kdf.ts';
import { CHUNK_LENGTH, fileOfferCodec } from '#web/core/conversation/content.ts';
import { decodeFrame } from '#web/core/conversation/frames.ts';
import { FILE_WINDOW, MOST_PARTIAL, PIECE_LENGTH, SMALL } from '#web/core/files/records.ts';
import {
  about,
  content,
  contentOf,
  GROUP,
  LARGE,
  largeBytes,
  offerOf,
  filePair,
  piecesOf,
  type FileNet,
  type FilePair,
  type FileUser,
} from '#tests/support/file-net.ts';

let net: FileNet;
let alice: FileUser;
let bob: FileUser;
let offer: FilePair['offer'];
let take: FilePair['take'];

beforeEach(async () => {
  ({ net, alice, bob, offer, take } = await filePair());
});

describe('a small file', () => {
  it.each([0, 1, CHUNK_LENGTH, SMALL])('of %i bytes comes by itself, over no channel', async (size) => {
    await offer(content(size), { name: 'note.txt', type: 'text/plain' });
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'done', done: size, name: 'note.txt', size });
    expect(await contentOf(bob)).toEqual(content(size));
    expect(alice.view()).toMatchObject({ state: 'done', done: size });
    expect(await contentOf(alice)).toEqual(content(size));
    expect(bob.shown).toEqual(alice.shown);
  });

  it('is checked after a crash between its last part and that', async () => {
    await alice.files.offer(alice.conversation, new Blob([content(SMALL)]), about());
    const last = bob.mail.splice(-1);
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'moving', done: SMALL - CHUNK_LENGTH });
    const [envelope] = last;
    if (envelope) await bob.stored.write(bob.files.keep(alice.contact, envelope));
    await net.crash(bob);
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'done' });
    expect(alice.view()).toMatchObject({ state: 'done' });
  });

  it('that is not what was offered is erased', async () => {
    await alice.files.offer(alice.conversation, new Blob([content(SMALL)]), about());
    for (const { content: said } of bob.mail)
      if (said.type === 'file-chunk') said.data = said.data.map((b) => b ^ 1);
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'failed', reason: 'malformed', done: 0 });
    expect(await piecesOf(bob)).toBe(0);
    expect(alice.view()).toMatchObject({ state: 'cancelled' });
  });

  it('is one of few that wait for their parts', async () => {
    for (let i = 0; i <= MOST_PARTIAL; i++) {
      await alice.files.offer(alice.conversation, new Blob([content(10)]), about());
      bob.mail.splice(-1);
    }
    await net.settle();
    const states = bob.files.views(bob.conversation).map(({ state, reason }) => reason ?? state);
    expect(states).toEqual([...Array<string>(MOST_PARTIAL).fill('moving'), 'too-many']);
  });
});

describe('a larger file', () => {
  it('comes once it is wanted, and its progress is what was acknowledged', async () => {
    await net.open();
    await offer();
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'offered', done: 0 });
    expect(await piecesOf(bob)).toBe(0);
    expect(net.underWay(bob)).toBe(0);
    await take();
    await net.settle();
    expect(net.refusals).toEqual([]);
    for (const user of [alice, bob]) {
      expect(user.view()).toMatchObject({ state: 'done', done: LARGE });
      expect(await contentOf(user)).toEqual(largeBytes);
      const steps = user.events.map(({ done }) => done);
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
      expect(steps).toEqual(expect.arrayContaining([PIECE_LENGTH, 2 * PIECE_LENGTH, LARGE]));
    }
  });

  it('fills its window and no more while nothing is acknowledged', async () => {
    await net.open();
    await offer();
    await take();
    await net.settle();
    await offer(content(LARGE, 2));
    await take();
    const [channel] = net.channels;
    for (let rounds = 0; rounds < 100 && channel; rounds++) {
      // What Bob says does not arrive, but for his first word.
      await net.deliver(channel, alice);
      await net.rest();
      if (net.underWay(bob) > 0) break;
    }
    expect(net.underWay(bob)).toBe(FILE_WINDOW);
    expect(alice.view()?.done).toBe(0);
  });

  it('pauses without a channel, and goes on from what is kept', async () => {
    await net.open();
    await offer();
    await take();
    const [channel] = net.channels;
    for (let i = 0; i < 11 && channel; i++) {
      await net.deliver(channel, alice);
      await net.deliver(channel, bob);
    }
    const kept = bob.view()?.done ?? 0;
    expect(kept).toBe(2 * PIECE_LENGTH);
    await net.cut(channel);
    expect([alice.view()?.state, bob.view()?.state]).toEqual(['paused', 'paused']);
    await net.open();
    expect([alice.view()?.state, bob.view()?.state]).toEqual(['moving', 'moving']);
    const [second] = net.channels;
    if (second) await net.deliver(second, alice);
    const first = second?.toward.get(bob)?.map(decodeFrame)[0];
    expect(first).toMatchObject({ type: 'chunk', offset: kept });
    await net.settle();
    expect(await contentOf(bob)).toEqual(largeBytes);
  });

  it.each(['sender', 'receiver'])('goes on after a reload of its %s', async (who) => {
    await net.open();
    await offer();
    await take();
    const [channel] = net.channels;
    for (let i = 0; i < 11 && channel; i++) {
      await net.deliver(channel, alice);
      await net.deliver(channel, bob);
    }
    await net.read(alice);
    await net.crash(who === 'sender' ? alice : bob);
    expect(bob.view()?.done).toBe(2 * PIECE_LENGTH);
    expect(alice.view()?.done).toBeLessThanOrEqual(2 * PIECE_LENGTH);
    await net.open();
    await net.settle();
    expect(alice.view()).toMatchObject({ state: 'done', done: LARGE });
    expect(await contentOf(bob)).toEqual(largeBytes);
    expect(net.refusals).toEqual([]);
  });

  it('moves to a newer channel, and back when that one closes', async () => {
    await net.open();
    await offer();
    await take();
    const [first] = net.channels;
    for (let i = 0; i < 6 && first; i++) for (const user of net.users) await net.deliver(first, user);
    await net.open();
    const second = net.channels[1];
    for (let i = 0; i < 6 && second; i++) for (const user of net.users) await net.deliver(second, user);
    await net.cut(second);
    await net.settle();
    expect(await contentOf(bob)).toEqual(largeBytes);
    expect(alice.view()).toMatchObject({ state: 'done' });
    expect(net.refusals).toEqual([]);
  });

  it('is not sent twice on a channel where it is asked for twice', async () => {
    await offer();
    await take();
    await net.open();
    await net.open();
    const [first, second] = net.channels;
    await net.cut(second);
    for (let i = 0; i < 2 && first; i++) await net.deliver(first, alice);
    expect(net.underWay(bob)).toBe(FILE_WINDOW);
    await net.settle();
    expect(await contentOf(bob)).toEqual(largeBytes);
  });

  it('waits while nothing may leave toward the contact, and goes on after that', async () => {
    await net.open();
    await offer();
    await take();
    alice.hold = 'contents';
    await net.settle();
    expect([alice.view()?.state, bob.view()?.state]).toEqual(['paused', 'moving']);
    expect(await piecesOf(bob)).toBe(0);
    alice.hold = undefined;
    alice.files.told({ type: 'conversation', conversation: alice.conversation });
    await net.rest();
    expect(alice.events.at(-1)).toMatchObject({ state: 'moving' });
    await net.settle();
    expect(await contentOf(bob)).toEqual(largeBytes);
  });

  it('is offered, and taken, while nobody is there', async () => {
    await offer();
    await take();
    await net.crash(alice);
    await net.crash(bob);
    expect(bob.view()).toMatchObject({ state: 'paused' });
    await net.settle();
    expect(alice.view()).toMatchObject({ state: 'paused', done: 0 });
    await net.open();
    await net.settle();
    expect(await contentOf(bob)).toEqual(largeBytes);
  });

  it('that is not what was offered fails, and nothing of it stays', async () => {
    await net.open();
    await offer();
    const id = alice.id;
    const value = content(PIECE_LENGTH, 7);
    await alice.stored.write([{ table: 'chunks', key: `${id}/${String(PIECE_LENGTH)}`, value }]);
    await take();
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'failed', reason: 'malformed', done: 0 });
    expect(alice.view()).toMatchObject({ state: 'cancelled' });
    expect(await piecesOf(bob)).toBe(0);
    await expect(bob.files.content(id)).rejects.toMatchObject({ code: 'not-found' });
    await expect(bob.files.take(id)).rejects.toMatchObject({ code: 'finished' });
  });
});

it('a small file crosses a group, and a larger one is not taken there', async () => {
  const group = hex(GROUP);
  await alice.files.offer(group, new Blob([content(SMALL)]), about());
  expect(alice.files.views(group)).toMatchObject([{ state: 'done', done: SMALL }]);
  for (const envelope of alice.toGroup) {
    await bob.stored.write(bob.files.keep(GROUP, envelope));
    bob.files.taken(group, envelope);
  }
  await net.rest();
  const [{ id = '', state } = {}] = bob.files.views(group);
  expect(state).toBe('done');
  expect(new Uint8Array(await (await bob.files.content(id)).arrayBuffer())).toEqual(content(SMALL));
  expect(alice.mail).toEqual([]);
  await expect(alice.files.offer(group, new Blob([largeBytes]), about())).rejects.toMatchObject({
    code: 'too-long',
  });
  await offer();
  const said = { type: 'file', offer: await offerOf(alice), replyTo: undefined, expires: undefined } as const;
  const huge = { ...said, offer: { ...said.offer, file: new Uint8Array(16).fill(7), size: SMALL + 1 } };
  bob.files.keep(GROUP, { id: new Uint8Array(16), time: 1, content: huge });
  expect(bob.files.views(group).at(-1)).toMatchObject({ state: 'failed', reason: 'too-long' });
});

it('a conversation that moves takes its files along, and one that is no more does not leave any', async () => {
  await net.open();
  await offer();
  const [{ id: message = '', file = '' } = {}] = bob.shown;
  const before = bob.conversation;
  // The contact goes by another address now.
  alice.contact.fill(77);
  await net.crash(bob);
  expect(bob.files.views(bob.conversation)).toMatchObject([{ id: file, message, state: 'offered' }]);
  expect(bob.files.views(before)).toEqual([]);
  alice.contact.fill(78);
  bob.shown = [];
  await net.crash(bob);
  expect(await bob.stored.all('files')).toEqual([]);
});

it('the hash of the offer is SHA-256 of the whole', async () => {
  await offer();
  const { hash } = await offerOf(bob);
  expect(hex(hash)).toBe(hex(sha256(largeBytes)));
  expect(encode(fileOfferCodec, await offerOf(bob))).toEqual(encode(fileOfferCodec, await offerOf(alice)));
});
