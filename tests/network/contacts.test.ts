import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientApi, ConversationView } from '#web/api.ts';
import { memoryStore } from '#web/core/store/memory.ts';
import { delivered, meet, say, type Side } from '#tests/support/chat.ts';
import { rekey } from '#tests/support/rekey.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

const view = async ({ client, conversation }: Side): Promise<ConversationView | undefined> =>
  (await client.state()).conversations.find(({ id }) => id === conversation);

const becomes = (side: Side, what: Partial<ConversationView>): Promise<void> =>
  eventually(JSON.stringify(what), async () => {
    const found = await view(side);
    return (
      found !== undefined &&
      Object.entries(what).every(([key, value]) => found[key as keyof ConversationView] === value)
    );
  });

const texts = async ({ client, conversation }: Side): Promise<string[]> =>
  (await client.messages(conversation)).map(({ text }) => text);

const state = async ({ client, conversation }: Side, id: string): Promise<string | undefined> =>
  (await client.messages(conversation)).find((message) => message.id === id)?.state;

/** A conversation of this name, once there is one. */
const named = async (client: ClientApi, name: string): Promise<Side> => {
  let found: ConversationView | undefined;
  await eventually(name, async () => {
    found = (await client.state()).conversations.find((each) => each.name === name);
    return found !== undefined;
  });
  return { client, conversation: found?.id ?? '' };
};

/** Bytes that begin as a JPEG does. */
const jpeg = (length: number, fill: number): Uint8Array => {
  const picture = new Uint8Array(length).fill(fill);
  picture.set([0xff, 0xd8, 0xff]);
  return picture;
};

describe('contacts', () => {
  let network: TestNetwork;
  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 6 });
  }, 60_000);
  afterAll(() => network.stop());

  const started = async (name: string): Promise<ClientApi> => {
    const { client } = await network.addClient();
    await client.start({ name });
    return client;
  };

  it('by a reusable invite ask first: nothing goes back before they are let in', async () => {
    const [host, guest] = [await started('Host'), await started('Guest')];
    const { link, id: invite } = await host.createInvite({ reusable: true, days: 30 });
    const own: Side = { client: guest, conversation: await guest.acceptInvite(link) };
    const hello = await say(own, 'May I?');
    const other = await named(host, 'Guest');
    await eventually('the request', async () => (await texts(other)).length > 0);
    expect(await texts(other)).toEqual(['May I?']);
    expect((await view(other))?.state).toBe('invited');
    expect(await view(own)).toMatchObject({ state: 'requested', reachable: false });
    expect(['queued', 'sending']).toContain(await state(own, hello));
    expect(await host.invites()).toMatchObject([{ id: invite, reusable: true, uses: 1 }]);

    await host.answerRequest(other.conversation, true);
    await Promise.all([becomes(own, { state: 'active' }), becomes(other, { state: 'active' })]);
    await delivered(own, [hello]);
    await delivered(other, [await say(other, 'You may.')]);
    expect(await texts(own)).toEqual(['May I?', 'You may.']);

    await host.revokeInvite(invite);
    expect(await host.invites()).toEqual([]);
  });

  it('who are refused are gone, and come no further', async () => {
    const [host, guest] = [await started('Host'), await started('Bore')];
    const { link } = await host.createInvite({ reusable: true });
    const own: Side = { client: guest, conversation: await guest.acceptInvite(link) };
    const hello = await say(own, 'Buy this');
    const other = await named(host, 'Bore');
    await eventually('the request', async () => (await texts(other)).length > 0);
    await host.answerRequest(other.conversation, false);
    expect((await host.state()).conversations).toEqual([]);
    await expect(host.messages(other.conversation)).rejects.toMatchObject({ code: 'unknown-conversation' });
    await becomes(own, { state: 'requested', reachable: false, waiting: 'contact' });
    const more = await say(own, 'And this');
    // Somebody else comes by the same invite meanwhile, so what the first sent has had its time.
    const friend = await started('Friend');
    await say({ client: friend, conversation: await friend.acceptInvite(link) }, 'It is me');
    await named(host, 'Friend');
    expect((await host.state()).conversations.map(({ name }) => name)).toEqual(['Friend']);
    for (const id of [hello, more]) expect(['queued', 'sending', 'stored']).toContain(await state(own, id));
  });

  it('that are blocked seem to talk to nobody, and go on once they are not', async () => {
    const met = await meet(await started('Alice'), await started('Bob'));
    const { guest: alice, host: bob } = met;
    await bob.client.block(bob.conversation, true);
    expect(await view(bob)).toMatchObject({ blocked: true, reachable: false });
    await becomes(alice, { reachable: false, waiting: 'contact', state: 'active' });
    const unheard = await say(alice, 'Are you there?');
    const kept = await say(bob, 'Not for you yet');
    expect((await bob.client.messages(bob.conversation)).at(-1)?.reason).toBe('blocked');
    await eventually('no answer', async () => (await state(alice, unheard)) === 'stored');
    expect(await texts(bob)).not.toContain('Are you there?');

    await bob.client.block(bob.conversation, false);
    await delivered(alice, [unheard]);
    await delivered(bob, [kept]);
    expect(await texts(bob)).toContain('Are you there?');
    expect(await texts(alice)).toContain('Not for you yet');
  }, 60_000);

  it('compare their numbers', async () => {
    const { guest: alice, host: bob } = await meet(await started('Alice'), await started('Bob'));
    const [hers, his] = await Promise.all(
      [alice, bob].map(({ client, conversation }) => client.safetyNumber(conversation)),
    );
    expect(hers).toEqual(his);
    expect(await alice.client.compareCode(alice.conversation, his?.code ?? '')).toBe(true);
    expect(await view(alice)).toMatchObject({ verified: 'yes' });
    const { guest: other } = await meet(await started('Eve'), bob.client);
    const { code } = await other.client.safetyNumber(other.conversation);
    expect(await alice.client.compareCode(alice.conversation, code)).toBe(false);
    await alice.client.setVerified(alice.conversation, false);
    expect(await view(alice)).toMatchObject({ verified: 'no' });
  });

  it('that go by another key are sent nothing before the user goes on with it', async () => {
    const store = memoryStore();
    const { client: before } = await network.addClient({ store });
    await before.start({ name: 'Bob' });
    const { guest: alice, host } = await meet(await started('Alice'), before);
    await before.stop();
    await rekey(store);
    const { client } = await network.addClient({ store });
    const bob: Side = { client, conversation: host.conversation };

    await becomes(alice, { verified: 'changed' });
    const held = await say(alice, 'Is it still you?');
    const events = (await alice.client.messages(alice.conversation)).map(({ event }) => event?.type);
    expect(events.filter((type) => type === 'key-changed').length).toBe(1);
    await delivered(bob, [await say(bob, 'I lost my old browser')]);
    const [last] = (await alice.client.messages(alice.conversation)).filter(({ id }) => id === held);
    expect(last).toMatchObject({ state: 'queued', reason: 'key-changed' });
    expect(await texts(bob)).not.toContain('Is it still you?');
    const numbers = await Promise.all(
      [alice, bob].map((side) => side.client.safetyNumber(side.conversation)),
    );
    expect(numbers[0]).toEqual(numbers[1]);

    await alice.client.acknowledgeKey(alice.conversation);
    await delivered(alice, [held]);
    expect(await view(alice)).toMatchObject({ verified: 'no' });
  }, 60_000);

  it('find each other by a handle, which tells nothing of an address before they are let in', async () => {
    const [host, guest] = [await started('Ondine'), await started('Guest')];
    await host.setHandle('@Ondine');
    const { address, handle } = (await host.state()).profile;
    expect(handle).toBe('ondine');
    await expect(guest.setHandle('ondine')).rejects.toMatchObject({ code: 'refused' });
    await expect(guest.setHandle('1st')).rejects.toMatchObject({ code: 'malformed' });
    await expect(guest.addByHandle('nobody')).rejects.toMatchObject({ code: 'not-found' });
    await expect(host.addByHandle('ondine')).rejects.toMatchObject({ code: 'bad-invite' });
    const asked = await guest.addByHandle('@ondine');
    const own: Side = { client: guest, conversation: asked };
    expect(await view(own)).toMatchObject({ name: '@ondine', state: 'requested' });
    expect((await view(own))?.address).not.toBe(address);
    const hello = await say(own, 'Is this Ondine?');
    const other = await named(host, 'Guest');
    await eventually('the request', async () => (await texts(other)).includes('Is this Ondine?'));
    expect((await view(other))?.state).toBe('invited');
    expect(JSON.stringify(await guest.state())).not.toContain(address);

    await host.answerRequest(other.conversation, true);
    const moved = await named(guest, 'Ondine');
    expect(moved.conversation).not.toBe(asked);
    expect((await guest.state()).conversations.length).toBe(1);
    expect((await view(moved))?.address).toBe(address);
    await Promise.all([becomes(moved, { state: 'active' }), becomes(other, { state: 'active' })]);
    await delivered(moved, [hello]);
    await delivered(other, [await say(other, 'It is.')]);
    await delivered(moved, [await say(moved, 'Good.')]);
    expect(await texts(moved)).toEqual(['Is this Ondine?', 'It is.', 'Good.']);
    expect(await texts(other)).toEqual(['Is this Ondine?', 'It is.', 'Good.']);
    expect((await view(other))?.verified).toBe('no');

    await host.setHandle(null);
    expect((await host.state()).profile.handle).toBeNull();
    await eventually('the end of the handle', async () =>
      guest.addByHandle('ondine').then(
        () => false,
        (error: { code?: string }) => error.code === 'not-found',
      ),
    );
  }, 90_000);

  it('see each other`s pictures, and who is blocked sees no other', async () => {
    const { guest: alice, host: bob } = await meet(await started('Alice'), await started('Bob'));
    const { guest: carol, host: again } = await meet(await started('Carol'), bob.client);
    expect(again.conversation).not.toBe(bob.conversation);
    const shown = (side: Side, picture: Uint8Array | null): Promise<void> =>
      eventually('the picture', async () => {
        const found = (await view(side))?.picture ?? null;
        return Buffer.from(found ?? []).equals(Buffer.from(picture ?? []));
      });
    const first = jpeg(20_000, 1);
    await bob.client.setPicture(first);
    expect((await bob.client.state()).profile.picture).toEqual(first);
    await Promise.all([shown(alice, first), shown(carol, first)]);

    await bob.client.block(again.conversation, true);
    const second = jpeg(2_000, 2);
    await bob.client.setPicture(second);
    await shown(alice, second);
    expect((await view(carol))?.picture).toEqual(first);

    await bob.client.setPicture(null);
    await shown(alice, null);
    await expect(bob.client.setPicture(jpeg(32_769, 1))).rejects.toMatchObject({ code: 'too-long' });
    await expect(bob.client.setPicture(new Uint8Array(100))).rejects.toMatchObject({ code: 'malformed' });
  }, 60_000);
});
