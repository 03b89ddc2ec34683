import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, Tab, webDir } from '#tests/support/browser.ts';
import { meet } from '#tests/support/chat.ts';
import { MortalBrowser } from '#tests/support/mortal-browser.ts';
import { TestNetwork } from '#tests/support/test-network.ts';
import { inState, line, message, openChat, passes, person, write } from '#tests/support/thread.ts';

const texts = ['The first', 'The second', 'The third'];

describe('a browser that crashes', () => {
  let network: TestNetwork;
  let browser: Browser;
  const mortal = new MortalBrowser();
  let ada: Tab;
  let bea: Tab;

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 6, webDir });
    browser = await launch();
    ada = await mortal.open(network.url);
    await ada.start('Ada');
    bea = await person(browser, network.url, 'Bea');
    await meet(bea.client, ada.client);
    await openChat(ada, 'Bea');
    await openChat(bea, 'Ada');
  });
  afterAll(async () => {
    await mortal.end();
    await browser.close();
    await network.stop();
  });

  it('keeps what was written and has not left, and sends it once', async () => {
    const context = bea.page.context();
    await bea.close();
    await ada.page.getByTestId('reachability').getByText('Waiting for Bea').waitFor();
    for (const text of texts) await write(ada, text);
    for (const text of texts) await message(ada, text).waitFor();
    await line(ada, 'The third').getByText('Waiting for Bea').waitFor();
    expect(ada.problems).toEqual([]);
    await mortal.kill();

    ada = await mortal.open(network.url);
    await openChat(ada, 'Bea');
    for (const text of texts) await message(ada, text).waitFor();
    bea = await Tab.open(context, network.url);
    await openChat(bea, 'Ada');
    for (const text of texts) await message(bea, text).waitFor();
    for (const text of texts) await inState(ada, text, 'delivered');
    await passes(bea, ada, 'You are back');
    const heard = bea.page.locator('[data-testid=message][data-mine=false] [data-testid=message-text]');
    expect(await heard.allTextContents()).toEqual(['It is.', ...texts]);
    expect([ada, bea].flatMap(({ problems }) => problems)).toEqual([]);
  });
});
