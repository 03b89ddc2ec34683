import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex, text } from '#shared/bytes/bytes.ts';
import { keptInBrowser } from '#tests/support/browser-store.ts';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { delivered, heard, meet, say, type Side } from '#tests/support/chat.ts';
import { eventually, TestNetwork, type TestClient } from '#tests/support/test-network.ts';

describe('a profile in a real browser', () => {
  let network: TestNetwork;
  let browser: Browser;
  let context: BrowserContext;
  let tab: Tab;
  let friend: TestClient;
  let sides: { guest: Side; host: Side };

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 5, webDir });
    browser = await launch();
    context = await newContext(browser, network.url);
    tab = await Tab.open(context, network.url);
    await tab.start('Ada Lovelace');
    friend = await network.addClient();
    await friend.client.start({ name: 'Grace' });
    sides = await meet(friend.client, tab.client);
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  it('is the same person, the same node and the same conversation after a reload', async () => {
    const before = await tab.client.state();
    await tab.reload();
    const after = await tab.client.state();
    expect(after.profile).toEqual(before.profile);
    expect(after.node?.id).toBe(before.node?.id);
    await delivered(sides.guest, [await say(sides.guest, 'Still there?')]);
    await delivered(sides.host, [await say(sides.host, 'Still here.')]);
    expect(await heard(sides.host, 'Still')).toEqual(['Still there?']);
    expect(tab.problems).toEqual([]);
  });

  it('keeps nothing in clear, and no key that can be taken out', async () => {
    const { conversations, profile } = await tab.client.state();
    const kept = await keptInBrowser(tab);
    expect(kept.keys).toEqual([false, false]);
    for (const secret of [
      'Still there?',
      'Is this you?',
      'Lovelace',
      'Grace',
      profile.address ?? '-',
      conversations[0]?.id ?? '-',
    ]) {
      expect(kept.hex).not.toContain(hex(text(secret)));
    }
  });

  it('is held by one tab, until another takes it over', async () => {
    const second = await context.newPage();
    await second.goto(`${network.url}/?trace`);
    await second.getByTestId('use-here').click();
    await second.getByTestId('conversation').filter({ hasText: 'Grace' }).waitFor();
    await tab.page.getByTestId('use-here').waitFor();
    await tab.page.getByTestId('use-here').click();
    await tab.page.getByTestId('conversation').filter({ hasText: 'Grace' }).waitFor();
    await second.getByTestId('use-here').waitFor();
    await eventually('the app', () => tab.page.evaluate(() => 'hourglass' in globalThis));
    await delivered(sides.guest, [await say(sides.guest, 'And now?')]);
  });
});
