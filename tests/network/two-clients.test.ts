import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

describe('two cores in Node, driven through ClientApi alone', () => {
  let network: TestNetwork;
  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 8 });
  }, 60_000);
  afterAll(() => network.stop());

  it('exchange messages', async () => {
    const { client: alice } = await network.addClient();
    const { client: bob } = await network.addClient();
    await alice.start({ name: 'Alice' });
    await bob.start({ name: 'Bob' });
    const { link } = await bob.createInvite();
    expect(await alice.previewInvite(link)).toMatchObject({ name: 'Bob' });
    const conversation = await alice.acceptInvite(link);
    const sent = await alice.send(conversation, 'Hello, Bob');
    const stateOf = async (id: string) => (await alice.messages(conversation)).find((m) => m.id === id)?.state;
    await eventually('delivery to Bob', async () => (await stateOf(sent.id)) === 'delivered');
    const [back] = (await bob.state()).conversations;
    expect(back?.name).toBe('Alice');
    const answer = await bob.send(back!.id, 'Hello, Alice');
    await eventually('delivery to Alice', async () => {
      const message = (await bob.messages(back!.id)).find(({ id }) => id === answer.id);
      return message?.state === 'delivered';
    });
    expect((await alice.messages(conversation)).map(({ text }) => text)).toEqual(['Hello, Bob', 'Hello, Alice']);
    console.log(JSON.stringify((await alice.state()).circuits, null, 1).slice(0, 1500), (await alice.state()).status);
  }, 60_000);
});
