import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { burst, burstTexts, delivered, heard, meet, say, type Side } from '#tests/support/chat.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';

const RELAYS = 8;
const COUNT = 20;
const BACK_MS = 15_000;

describe('a server that is killed in mid-conversation', () => {
  let network: TestNetwork;
  let alice: Side;
  let bob: Side;

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: RELAYS, apart: true });
    const [{ client: guest }, { client: host }] = [await network.addClient(), await network.addClient()];
    await guest.start({ name: 'Alice' });
    await host.start({ name: 'Bob' });
    ({ guest: alice, host: bob } = await meet(guest, host));
  }, 60_000);
  afterAll(() => network.stop());

  it('is not missed by conversations that are open', async () => {
    const underWay = burst(alice, 'before and after', COUNT);
    await network.killServer();
    const sent = [...(await underWay), ...(await burst(alice, 'without', COUNT))];
    const back = await burst(bob, 'without', COUNT);
    await Promise.all([delivered(alice, sent), delivered(bob, back)]);
    await expect(network.nodes()).rejects.toThrow();
    expect(await heard(bob, 'before and after')).toEqual(burstTexts('before and after', COUNT));
    expect(await heard(bob, 'without')).toEqual(burstTexts('without', COUNT));
    expect(await heard(alice, 'without')).toEqual(burstTexts('without', COUNT));
    await eventually('word of it', async () => {
      return (await alice.client.state()).status.kind === 'server-unreachable';
    });
  });

  it(`has registrations, consensus and descriptors back within ${String(BACK_MS / 1000)} s`, async () => {
    const registrations = network.relays.map(({ events }) => events.length);
    await network.startServer();
    const end = Date.now() + BACK_MS;
    const left = (): number => Math.max(0, end - Date.now());
    const again = (): boolean =>
      network.relays.every(({ events }, i) =>
        events.slice(registrations[i]).some((event) => event.type === 'registered' && event.on),
      );
    await eventually('registrations', again, left());
    await eventually('consensus', async () => (await network.nodes()).length === RELAYS, left());
    const known = async ({ client }: Side): Promise<boolean> =>
      (await client.state()).status.kind === 'ready';
    await eventually('clients', async () => (await known(alice)) && (await known(bob)), left());
    const { client: carol } = await network.addClient();
    await carol.start({ name: 'Carol' });
    const { link } = await bob.client.createInvite();
    const side = { client: carol, conversation: await carol.acceptInvite(link) };
    await delivered(side, [await say(side, 'Hello from a third')], left());
  });

  it('is followed by the same conversations', async () => {
    await delivered(alice, [await say(alice, 'still here')]);
    await delivered(bob, [await say(bob, 'and here')]);
  });
});
