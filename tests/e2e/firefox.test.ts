import type { Browser } from 'playwright-core';
import type { Browser as Firefox } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, webDir, type Tab } from '#tests/support/browser.ts';
import { delivered, hopsOf, say, type Side } from '#tests/support/chat.ts';
import { FirefoxTab, launchFirefox } from '#tests/support/firefox.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';
import { inState, inviteOf, message, openChat, person, write } from '#tests/support/thread.ts';

describe('a Chromium and a Firefox', () => {
  let network: TestNetwork;
  let chromium: Browser;
  let firefox: Firefox;
  let ada: Tab;
  let bea: FirefoxTab;

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 5, webDir });
    [chromium, firefox] = await Promise.all([launch(), launchFirefox(network.url)]);
  });
  afterAll(async () => {
    await Promise.all([chromium.close(), firefox.close()]);
    await network.stop();
  });

  it('come from the first start to a message that is delivered, each way', async () => {
    ada = await person(chromium, network.url, 'Ada');
    bea = await FirefoxTab.open(firefox, network.url);
    await bea.at('name').fill('Bea');
    await bea.at('start').click();
    await bea.at('steps-skip').click();
    await bea.at('invite').wait();

    await bea.show('#/invite');
    await bea.at('invite-paste').fill(await inviteOf(ada));
    await bea.at('invite-accept').click();
    await bea.at('composer').fill('Out of a Firefox');
    await bea.at('send').click();
    await openChat(ada, 'Bea');
    await message(ada, 'Out of a Firefox').waitFor();
    await bea.at('message', '[data-mine=true][data-state=delivered]').wait();

    await write(ada, 'Out of a Chromium');
    await inState(ada, 'Out of a Chromium', 'delivered');
    await bea.at('message', '[data-mine=false]').wait();
    const heard = await bea.page.$$eval('[data-testid=message]', (all) =>
      all.map((one) => one.textContent ?? ''),
    );
    expect(heard.some((text) => text.includes('Out of a Chromium'))).toBe(true);
  });

  it("carry each other's circuits", async () => {
    for (const [own, other] of [
      [ada, bea],
      [bea, ada],
    ] as const) {
      const { conversations } = await own.client.state();
      const side: Side = { client: own.client, conversation: conversations[0]?.id ?? '' };
      const { node } = await other.client.state();
      // Chance draws the path, of six nodes.
      while (!(await hopsOf(side)).includes(node?.id ?? '-')) {
        await own.client.newCircuit(side.conversation);
        await delivered(side, [await say(side, 'Through you?')]);
      }
      await delivered(side, [await say(side, 'Through you.')]);
      const carries = async (): Promise<boolean> => (await other.client.state()).helping.carried > 0;
      await eventually('what the other carries is shown', carries);
    }
  });

  it('have a direct link', async () => {
    const linked = async (): Promise<boolean> => {
      const [{ node }, { links }] = await Promise.all([ada.client.state(), bea.client.state()]);
      return links.some((each) => each.node === node?.id && each.kind === 'direct' && each.state === 'open');
    };
    await eventually('a link between the two', linked);
  });

  it('meet no error', () => {
    expect([ada, bea].flatMap(({ problems }) => problems)).toEqual([]);
  });
});
