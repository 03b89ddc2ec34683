import type { Browser, BrowserContext, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { meet } from '#tests/support/chat.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';
import { act, message, write } from '#tests/support/thread.ts';

const HOUR_MS = 3_600_000;
/** A mailbox is looked into within seconds of a start; what waits for an absent contact goes there after ten. */
const MAIL_MS = 60_000;
/** One white pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAASUVORK5CYII=',
  'base64',
);

describe('two people in their chat', () => {
  let network: TestNetwork;
  let browser: Browser;
  let contexts: [BrowserContext, BrowserContext];
  let ada: Tab;
  let bea: Tab;
  /** Each one's conversation with the other. */
  let chats: Map<Tab, string>;

  const idOf = async (tab: Tab, text: string): Promise<string> =>
    (await message(tab, text).last().getAttribute('data-id')) ?? '';
  const byId = (tab: Tab, id: string): Locator => tab.page.locator(`[data-testid=message][data-id="${id}"]`);

  const openChat = async (tab: Tab): Promise<void> => {
    await tab.show(`#/chats/${chats.get(tab) ?? ''}`);
    await tab.page.getByTestId('composer').waitFor();
  };

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 6, webDir });
    browser = await launch();
    contexts = [await newContext(browser, network.url), await newContext(browser, network.url)];
    [ada, bea] = [await Tab.open(contexts[0], network.url), await Tab.open(contexts[1], network.url)];
    await ada.start('Ada');
    await bea.start('Bea');
    const { guest, host } = await meet(ada.client, bea.client);
    chats = new Map([
      [ada, guest.conversation],
      [bea, host.conversation],
    ]);
    await openChat(ada);
    await openChat(bea);
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  it('see what the other wrote, and that it was delivered', async () => {
    await write(ada, 'The ferry moved to seven');
    await message(bea, 'The ferry moved to seven').waitFor();
    const id = await idOf(bea, 'The ferry moved to seven');
    await ada.page.locator(`[data-id="${id}"][data-state=delivered]`).waitFor();
  });

  it('see that it was seen, once both say so', async () => {
    for (const tab of [ada, bea]) await tab.client.setReadReceipts(true);
    await bea.page.bringToFront();
    await write(ada, 'Are you there?');
    await message(bea, 'Are you there?').waitFor();
    await ada.page.locator(`[data-id="${await idOf(bea, 'Are you there?')}"][data-state=read]`).waitFor();
    // One comes while the last is being marked.
    const many = Array.from({ length: 12 }, (_, i) => `Hello ${String(i)}`);
    for (const text of many) await write(ada, text);
    for (const text of many)
      await ada.page.locator(`[data-id="${await idOf(ada, text)}"][data-state=read]`).waitFor();
  });

  it('answer a message, with a word or a sign', async () => {
    await act(bea, 'The ferry moved to seven', 'act-reply');
    await write(bea, 'Seven it is');
    const answer = message(ada, 'Seven it is');
    await answer.waitFor();
    expect(await answer.getByTestId('quote').textContent()).toContain('The ferry moved to seven');
    await act(ada, 'Seven it is', 'react');
    await bea.page.locator('[data-testid=reaction][data-mine=false]').waitFor();
    await ada.page.locator('[data-testid=reaction][data-mine=true]').click();
    await bea.page.getByTestId('reaction').waitFor({ state: 'detached' });
  });

  it('take back what they wrote', async () => {
    await write(bea, 'What I should not have said');
    await message(ada, 'What I should not have said').waitFor();
    const id = await idOf(ada, 'What I should not have said');
    await act(bea, 'What I should not have said', 'act-deleteAll');
    await bea.page.getByTestId('confirm-yes').click();
    for (const tab of [ada, bea]) {
      await tab.page.locator(`[data-id="${id}"][data-deleted=true]`).waitFor();
      expect(await message(tab, 'What I should not have said').count()).toBe(0);
    }
  });

  it('let what they write disappear', async () => {
    await ada.page.getByTestId('thread-menu').click();
    await ada.page.locator(`[data-testid=timer-choice][data-ms="${String(HOUR_MS)}"]`).click();
    for (const tab of [ada, bea]) await tab.page.locator('[data-testid=event][data-type=timer]').waitFor();
    await write(bea, 'Gone in an hour');
    await message(ada, 'Gone in an hour').waitFor();
    const ends = (await ada.client.messages(chats.get(ada) ?? '')).find(
      ({ text }) => text === 'Gone in an hour',
    );
    expect((ends?.expiresAt ?? 0) - (ends?.sentAt ?? 0)).toBe(HOUR_MS);
    await ada.page.getByTestId('expiry').first().waitFor();
    await ada.client.setTimer(chats.get(ada) ?? '', null);
  });

  it('send a picture', async () => {
    await ada.page
      .getByTestId('file-input')
      .setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: PNG });
    await ada.page.locator('[data-testid=attached][data-state=cleaned]').waitFor();
    await ada.page.getByTestId('send').click();
    await bea.page.locator('[data-testid=file][data-state=done]').waitFor();
    const [file] = await bea.client.files(chats.get(bea) ?? '');
    expect(file).toMatchObject({ name: 'dot.png', type: 'image/png', state: 'done' });
  });

  it('find what was said', async () => {
    await bea.page.keyboard.press('Control+k');
    await bea.page.getByTestId('search-field').fill('FERRY');
    await bea.page.locator('[data-testid=hit][data-kind=message]').click();
    await byId(bea, await idOf(bea, 'The ferry moved to seven'))
      .first()
      .waitFor();
  });

  it('find what they began to write as they left it', async () => {
    await openChat(bea);
    await bea.page.getByTestId('composer').fill('I was about to');
    const draft = async (): Promise<boolean> =>
      (await bea.client.state()).conversations.some((each) => each.draft === 'I was about to');
    await eventually('the draft is kept', draft);
    await bea.reload();
    await openChat(bea);
    expect(await bea.page.getByTestId('composer').inputValue()).toBe('I was about to');
    await bea.page.getByTestId('composer').fill('');
  });

  it('reach each other though they are never there together', async () => {
    await bea.close();
    await write(ada, 'Read this when you are back');
    await message(ada, 'Read this when you are back').waitFor();
    const id = await idOf(ada, 'Read this when you are back');
    await ada.page.locator(`[data-id="${id}"][data-state=stored]`).waitFor({ timeout: MAIL_MS });
    await ada.close();
    bea = await Tab.open(contexts[1], network.url);
    const conversation = (await bea.client.state()).conversations[0]?.id ?? '';
    chats.set(bea, conversation);
    await openChat(bea);
    await message(bea, 'Read this when you are back').waitFor({ timeout: MAIL_MS });
  });

  it('meet no error', () => {
    expect([ada, bea].flatMap(({ problems }) => problems)).toEqual([]);
  });
});
