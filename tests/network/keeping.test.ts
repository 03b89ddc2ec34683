import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientApi, KeepingView, MessageView } from '#web/api.ts';
import type { Store } from '#web/core/store/ports.ts';
import { delivered, heard, meet, say, type Side } from '#tests/support/chat.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

const texts = async (client: ClientApi, conversation: string): Promise<string[]> =>
  (await client.messages(conversation)).map(({ text }: MessageView) => text);

const keeping = async (client: ClientApi): Promise<KeepingView> => (await client.state()).keeping;

describe('a profile that begins again from a backup', () => {
  let network: TestNetwork;
  let old: Side;
  let friend: Side;
  let next: Side;
  let file: Blob;
  let words: string[];
  let former: Store;

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 8 });
    const { client: user, store } = await network.addClient();
    former = store;
    const { client: other } = await network.addClient();
    await user.start({ name: 'Ada' });
    await other.start({ name: 'Grace' });
    ({ guest: old, host: friend } = await meet(user, other));
  }, 60_000);
  afterAll(() => network.stop());

  it('is told what a backup holds, before anything is put in place', async () => {
    words = await old.client.recoveryPhrase();
    expect(words).toHaveLength(12);
    expect(await old.client.recoveryPhrase()).toEqual(words);
    expect(await keeping(old.client)).toMatchObject({ phraseKept: false });
    await old.client.keepPhrase();
    expect(await keeping(old.client)).toMatchObject({ phraseKept: true });
    file = await old.client.backup();
    const { client } = await network.addClient();
    expect(await client.readBackup(file, words)).toMatchObject({
      ...{ name: 'Ada', contacts: 1, groups: 0, messages: 2 },
    });
    expect((await client.state()).profile.started).toBe(false);
    const other = await friend.client.recoveryPhrase();
    await expect(client.readBackup(file, other)).rejects.toMatchObject({ code: 'bad-phrase' });
    await expect(client.readBackup(file.slice(0, -1), words)).rejects.toMatchObject({ code: 'bad-backup' });
    await expect(client.restoreBackup(file.slice(0, -1), words)).rejects.toMatchObject({
      code: 'bad-backup',
    });
    expect((await client.state()).profile.started).toBe(false);
    await expect(friend.client.restoreBackup(file, words)).rejects.toMatchObject({ code: 'refused' });
    await client.stop();
  });

  it('has contacts and messages, and talks on', async () => {
    const said = await texts(old.client, old.conversation);
    const { address } = (await old.client.state()).profile;
    await old.client.stop();
    const first = await network.addClient();
    await first.client.restoreBackup(file, words);
    await expect(first.client.start({ name: 'Eve' })).rejects.toMatchObject({ code: 'finished' });
    const { client } = await network.addClient({ store: first.store });
    const state = await client.state();
    expect(state.profile).toMatchObject({ name: 'Ada', address, started: true });
    expect(state.conversations).toMatchObject([{ id: old.conversation, name: 'Grace' }]);
    expect(await texts(client, old.conversation)).toEqual(said);
    expect(state.keeping).toMatchObject({ phraseKept: true, moved: false });
    next = { client, conversation: old.conversation };
    await delivered(next, [await say(next, 'here again')]);
    await delivered(friend, [await say(friend, 'so you are')]);
    expect(await heard(friend, 'here')).toEqual(['here again']);
    expect(await heard(next, 'so')).toEqual(['so you are']);
    expect(await client.recoveryPhrase()).toEqual(words);
  });

  it('is the one that goes on: the old one says so, stops, and can be read', async () => {
    const { client } = await network.addClient({ store: former });
    await eventually('the old one knows', async () => (await keeping(client)).moved);
    await expect(client.send(old.conversation, 'me too')).rejects.toMatchObject({ code: 'moved' });
    expect(await texts(client, old.conversation)).toEqual(['Is this you?', 'It is.']);
    await delivered(friend, [await say(friend, 'Who of you?')]);
    expect(await texts(next.client, next.conversation)).toContain('Who of you?');
    expect(await texts(client, old.conversation)).not.toContain('Who of you?');
    await client.stop();
    // It knows the next time without asking anyone.
    const again = await network.addClient({ store: former });
    expect(await keeping(again.client)).toMatchObject({ moved: true });
    await again.client.eraseEverything();
    expect(await former.all('messages').catch(() => 'gone')).toBe('gone');
    await delivered(friend, [await say(friend, 'Still you?')]);
  });

  it('keeps a copy at the directory, which the words alone find', async () => {
    await next.client.setServerBackup(true);
    await eventually('a copy', async () => typeof (await keeping(next.client)).serverBackup?.at === 'number');
    const { client } = await network.addClient();
    expect(await client.readBackup(null, words)).toMatchObject({ name: 'Ada', contacts: 1, messages: 6 });
    await next.client.setServerBackup(false);
    expect((await keeping(next.client)).serverBackup).toBeNull();
    await eventually('no copy', () =>
      client.readBackup(null, words).then(
        () => false,
        (error: unknown) => (error as { code: string }).code === 'not-found',
      ),
    );
    await client.stop();
  });
});
