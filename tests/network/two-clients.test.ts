import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { burst, burstTexts, delivered, heard, meet, say, type Side } from '#tests/support/chat.ts';
import { TestNetwork } from '#tests/support/test-network.ts';

const COUNT = 50;

describe('two cores in Node, driven through ClientApi alone', () => {
  let network: TestNetwork;
  let alice: Side;
  let bob: Side;

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 8 });
  }, 60_000);
  afterAll(() => network.stop());

  it('meet by an invite and exchange messages', async () => {
    const [{ client: guest }, { client: host }] = [await network.addClient(), await network.addClient()];
    await guest.start({ name: 'Alice' });
    await host.start({ name: 'Bob' });
    const { link } = await host.createInvite();
    expect(await guest.previewInvite(link)).toMatchObject({ name: 'Bob' });
    ({ guest: alice, host: bob } = await meet(guest, host));
    expect((await guest.state()).conversations).toMatchObject([
      { name: 'Bob', state: 'active', reachable: true },
    ]);
    expect((await host.state()).conversations).toMatchObject([
      { name: 'Alice', state: 'active', reachable: true },
    ]);
  });

  it(`exchange ${String(COUNT)} messages each way at once: each arrives once, in order`, async () => {
    const [sent, back] = await Promise.all([burst(alice, 'ping', COUNT), burst(bob, 'pong', COUNT)]);
    await Promise.all([delivered(alice, sent), delivered(bob, back)]);
    expect(await heard(bob, 'ping')).toEqual(burstTexts('ping', COUNT));
    expect(await heard(alice, 'pong')).toEqual(burstTexts('pong', COUNT));
  });

  it('go on over a new circuit', async () => {
    const { client, conversation } = alice;
    const paths = async (): Promise<string[]> =>
      (await client.state()).circuits
        .filter((each) => each.conversation === conversation)
        .map(({ id }) => id);
    const before = await paths();
    await client.newCircuit(conversation);
    expect((await paths()).some((id) => !before.includes(id))).toBe(true);
    await delivered(alice, [await say(alice, 'by another way')]);
  });
});
