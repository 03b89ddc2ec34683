import { beforeEach, describe, expect, it } from 'vitest';
import { hex, unhex } from '#shared/bytes/bytes.ts';
import { CHUNK_LENGTH } from '#web/core/conversation/content.ts';
import { encodeFrame } from '#web/core/conversation/frames.ts';
import { FILE_WINDOW, MAX_FILE, MOST_MOVING } from '#web/core/files/records.ts';
import { fileKeys, sealChunk } from '#web/core/files/sealing.ts';
import {
  about,
  content,
  contentOf,
  GROUP,
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

describe('the end of a file before its time', () => {
  const begun = async (): Promise<void> => {
    await net.open();
    await offer();
    await take();
    const [channel] = net.channels;
    for (let i = 0; i < 8 && channel; i++) for (const user of net.users) await net.deliver(channel, user);
  };

  it.each(['sender', 'receiver'])('comes from its %s, and leaves nothing', async (who) => {
    await begun();
    expect(await piecesOf(bob)).toBeGreaterThan(0);
    const user = who === 'sender' ? alice : bob;
    await user.files.cancel(user.id);
    await net.settle();
    for (const each of net.users) {
      expect(each.view()).toMatchObject({ state: 'cancelled', done: 0 });
      expect(await piecesOf(each)).toBe(0);
      await net.crash(each);
      expect(each.view()).toMatchObject({ state: 'cancelled' });
    }
    expect(net.refusals).toEqual([]);
  });

  it('comes before it was taken', async () => {
    await offer();
    await alice.files.cancel(alice.id);
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'cancelled' });
    await expect(bob.files.take(bob.id)).rejects.toMatchObject({ code: 'finished' });
  });

  it('comes too late for one that is there', async () => {
    await net.open();
    await offer();
    await take();
    await net.settle();
    await bob.files.cancel(bob.id);
    await alice.files.cancel(alice.id);
    await net.settle();
    expect(await contentOf(bob)).toEqual(largeBytes);
    expect([alice.view()?.state, bob.view()?.state]).toEqual(['done', 'done']);
  });

  it('outlives what was being written at the time', async () => {
    await begun();
    const write = bob.stored.write.bind(bob.stored);
    let release = (): void => undefined;
    bob.stored.write = async (changes) => {
      bob.stored.write = write;
      await new Promise<void>((done) => (release = done));
      await write(changes);
    };
    const [channel] = net.channels;
    for (let i = 0; i < 8 && channel; i++) await net.deliver(channel, bob);
    await alice.files.cancel(alice.id);
    while (bob.mail.length > 0) await net.read(bob);
    expect(bob.view()).toMatchObject({ state: 'cancelled' });
    release();
    await net.rest();
    expect(await piecesOf(bob)).toBe(0);
    await net.crash(bob);
    expect(bob.view()).toMatchObject({ state: 'cancelled' });
  });

  it.each(['deleted', 'gone'])('comes when its message is %s', async (how) => {
    await begun();
    const [{ id = '' } = {}] = alice.shown;
    const message = { id, conversation: alice.conversation, deleted: true };
    alice.files.told(
      how === 'gone'
        ? { type: 'gone', conversation: alice.conversation, messages: [id] }
        : { type: 'message', message: message as never },
    );
    await net.settle();
    expect(alice.view()).toBeUndefined();
    expect(await alice.stored.all('files')).toEqual([]);
    expect(await piecesOf(alice)).toBe(0);
    expect(bob.view()).toMatchObject({ state: 'cancelled' });
    expect(await piecesOf(bob)).toBe(0);
  });

  it('is made up for at the next start, and whoever waits is told', async () => {
    await begun();
    alice.shown = [];
    await alice.stored.write(
      alice.files.drop({ conversation: alice.conversation, id: unhex(alice.view()?.message ?? '') }),
    );
    await net.crash(alice);
    expect(await piecesOf(alice)).toBe(0);
    await net.open();
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'cancelled' });
  });

  it('at a crash while it was being made leaves nothing', async () => {
    alice.fault = { after: 4, kept: true };
    await expect(alice.files.offer(alice.conversation, new Blob([largeBytes]), about())).rejects.toThrow();
    expect(await piecesOf(alice)).toBe(4);
    await net.crash(alice);
    expect(await piecesOf(alice)).toBe(0);
    expect(await alice.stored.all('files')).toEqual([]);
  });
});

describe('what a stranger to good manners sends', () => {
  it('is no file of another conversation, nor of this user', async () => {
    await offer(content(10));
    await net.settle();
    const stolen = await offerOf(alice);
    const said = {
      type: 'file',
      offer: { ...stolen, name: 'mine now' },
      replyTo: undefined,
      expires: undefined,
    } as const;
    const envelope = { id: new Uint8Array(16).fill(8), time: 1, content: said };
    expect(alice.files.keep(new Uint8Array(32).fill(3), envelope)).toEqual([]);
    expect(alice.files.keep(bob.contact, envelope)).toEqual([]);
    expect(alice.view()).toMatchObject({ name: 'a.bin', state: 'done' });
  });

  it('is not larger than a file may be', async () => {
    const blob = { size: MAX_FILE + 1 } as Blob;
    await expect(alice.files.offer(alice.conversation, blob, about())).rejects.toMatchObject({
      code: 'too-long',
    });
    await expect(alice.files.offer('nobody', new Blob([]), about())).rejects.toMatchObject({
      code: 'unknown-conversation',
    });
    const long = about({ name: 'ä'.repeat(128) });
    await expect(alice.files.offer(alice.conversation, new Blob([]), long)).rejects.toMatchObject({
      code: 'too-long',
    });
    await offer();
    const huge = { ...(await offerOf(alice)), file: new Uint8Array(16).fill(7), size: MAX_FILE + 1 };
    const said = { type: 'file', offer: huge, replyTo: undefined, expires: undefined } as const;
    bob.mail.push({ id: new Uint8Array(16).fill(8), time: 1, content: said });
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'failed', reason: 'too-long' });
  });

  it('is gone with its message, whatever size it claimed to have', async () => {
    await offer();
    const size = Number.MAX_SAFE_INTEGER;
    const huge = { ...(await offerOf(alice)), file: new Uint8Array(16).fill(7), size };
    const id = new Uint8Array(16).fill(8);
    const said = { type: 'file', offer: huge, replyTo: undefined, expires: undefined } as const;
    bob.mail.push({ id, time: 1, content: said });
    await net.settle();
    const { conversation } = bob;
    expect(bob.files.drop({ conversation, id })).toEqual([
      { table: 'files', key: hex(huge.file), value: undefined },
    ]);
    bob.files.told({ type: 'gone', conversation, messages: [hex(id)] });
    await net.rest();
    expect(await bob.stored.all('files')).toHaveLength(1);
  });

  it('is not more at once than is under way by the rules', async () => {
    await net.open();
    await offer();
    const keys = fileKeys(await offerOf(alice));
    await take();
    const [channel] = net.channels;
    if (!channel) return;
    // The store is slow: nothing is kept, so nothing may follow.
    bob.stored.write = () => new Promise(() => undefined);
    const queue = channel.toward.get(bob) ?? [];
    for (let offset = 0; offset <= FILE_WINDOW; offset += CHUNK_LENGTH)
      queue.push(
        encodeFrame(sealChunk(keys, GROUP, offset, largeBytes.subarray(offset, offset + CHUNK_LENGTH))),
      );
    for (let left = queue.length; left > 1; left--) await net.deliver(channel, bob);
    expect(net.refusals).toEqual([]);
    await net.deliver(channel, bob);
    expect(net.refusals).toEqual(['credit-exceeded']);
  });

  it('is not sealed by somebody else', async () => {
    await net.open();
    await offer();
    const keys = fileKeys({ ...(await offerOf(alice)), key: new Uint8Array(32) });
    await take();
    const [channel] = net.channels;
    if (!channel) return;
    channel.toward
      .get(bob)
      ?.push(encodeFrame(sealChunk(keys, GROUP, 0, largeBytes.subarray(0, CHUNK_LENGTH))));
    await net.deliver(channel, bob);
    expect(net.refusals).toEqual(['bad-layer']);
  });

  it('is a few files at a time', async () => {
    await net.open();
    for (let i = 0; i <= MOST_MOVING; i++) await offer();
    const ids = bob.files.views(bob.conversation).map(({ id }) => id);
    for (const id of ids.slice(0, MOST_MOVING)) await bob.files.take(id);
    await expect(bob.files.take(ids[MOST_MOVING] ?? '')).rejects.toMatchObject({ code: 'too-many' });
    await net.settle();
    expect(bob.files.views(bob.conversation).filter(({ state }) => state === 'done')).toHaveLength(
      MOST_MOVING,
    );
    await bob.files.take(ids[MOST_MOVING] ?? '');
    await net.settle();
    expect(bob.view()).toMatchObject({ state: 'done' });
    expect(net.refusals).toEqual([]);
  });

  it('has a name that is shown for what it is, and a type that runs nothing', async () => {
    await offer(content(10), { name: '../a\u202egpj.exe', type: 'text/html' });
    await net.settle();
    expect(bob.view()).toMatchObject({ name: '.._a_gpj.exe', type: 'text/html' });
    expect((await bob.files.content(bob.id)).type).toBe('application/octet-stream');
  });
});
