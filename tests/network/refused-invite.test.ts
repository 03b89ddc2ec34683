import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryStore } from '#web/core/store/memory.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

describe('an invite that its owner does not know any more', () => {
  let network: TestNetwork;
  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 4 });
  });
  afterAll(() => network.stop());

  it('fails the messages of who uses it, with the reason', async () => {
    const store = memoryStore();
    const { client: bob } = await network.addClient({ store });
    await bob.start({ name: 'Bob' });
    const { link } = await bob.createInvite();
    // As a revoked or used one: the token is gone, the address is not.
    await store.write(
      (await store.all('invites')).map(([key]) => ({ table: 'invites', key, value: undefined })),
    );
    await bob.stop();
    const { client: again } = await network.addClient({ store });
    const { client: alice } = await network.addClient();
    await alice.start({ name: 'Alice' });
    const conversation = await alice.acceptInvite(link);
    await alice.send(conversation, 'Hello?');
    await eventually('the refusal', async () => (await alice.messages(conversation))[0]?.state === 'failed');
    expect((await alice.messages(conversation))[0]?.reason).toBe('bad-invite');
    expect((await again.state()).conversations).toEqual([]);

    // A new invite of the same person mends it, and the message leaves after all; then it is used up.
    const { link: fresh } = await again.createInvite();
    expect(await alice.acceptInvite(fresh)).toBe(conversation);
    await eventually('delivery', async () => (await alice.messages(conversation))[0]?.state === 'delivered');
    expect(await store.all('invites')).toEqual([]);
  });
});
