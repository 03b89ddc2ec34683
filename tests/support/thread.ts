import type { Browser, Locator } from 'playwright-core';
import { newContext, Tab } from '#tests/support/browser.ts';

/** What is waited for on a page comes after a few round trips through circuits, on a machine that may be busy. */
export const PATIENCE_MS = 60_000;

/** Somebody new, in a browser of their own. */
export const person = async (browser: Browser, url: string, name: string): Promise<Tab> => {
  const context = await newContext(browser, url);
  context.setDefaultTimeout(PATIENCE_MS);
  const tab = await Tab.open(context, url);
  await tab.start(name);
  return tab;
};

/** The row of a chat in the list. */
export const chat = ({ page }: Tab, name: string): Locator =>
  page.getByTestId('conversation').filter({ has: page.getByText(name, { exact: true }) });

/** Opens a chat from the list. */
export const openChat = async (tab: Tab, name: string): Promise<void> => {
  await tab.show('#/chats');
  await chat(tab, name).click();
  await tab.page.getByTestId('log').waitFor();
};

/** The bubble with this text in the chat that is open. */
export const message = ({ page }: Tab, text: string): Locator =>
  page.getByTestId('message').filter({ has: page.getByText(text, { exact: true }) });

/** The bubble with what stands around it: who wrote it, its state, its actions. */
export const line = (tab: Tab, text: string): Locator =>
  tab.page.locator('.line').filter({ has: message(tab, text) });

export const write = async ({ page }: Tab, text: string): Promise<void> => {
  await page.getByTestId('composer').fill(text);
  await page.getByTestId('send').click();
};

/** One's own message came into this state. */
export const inState = (tab: Tab, text: string, state: string): Promise<void> =>
  message(tab, text)
    .and(tab.page.locator(`[data-mine=true][data-state=${state}]`))
    .waitFor();

/** Writes in the chat that is open at both; resolves once each sees that it came. */
export const passes = async (from: Tab, to: Tab, text: string): Promise<void> => {
  await write(from, text);
  await message(to, text).waitFor();
  await inState(from, text, 'delivered');
};

/** Chooses an action of a message. */
export const act = async (tab: Tab, text: string, what: string): Promise<void> => {
  await line(tab, text).hover();
  await line(tab, text).getByTestId('message-menu').click();
  await tab.page.getByTestId(what).first().click();
};

/** The times and states in the details of a message, which are then closed. */
export const timeline = async (tab: Tab, text: string): Promise<string[]> => {
  await act(tab, text, 'act-details');
  const steps = tab.page.getByTestId('timeline').locator('li');
  await steps.first().waitFor();
  const states = await steps.evaluateAll((all: HTMLElement[]) =>
    all.map((one) => one.dataset['state'] ?? ''),
  );
  await tab.page.getByTestId('dialog-close').click();
  return states;
};

/** Makes an invite as a person does; resolves with its link. */
export const inviteOf = async (tab: Tab, reusable = false): Promise<string> => {
  await tab.show('#/invite/new');
  const { page } = tab;
  await page.getByTestId('invite-link').waitFor();
  if (reusable) {
    const before = await page.getByTestId('invite-link').textContent();
    await page.getByTestId('invite-reusable').click();
    await page
      .getByTestId('invite-link')
      .filter({ hasNotText: before ?? '' })
      .waitFor();
  }
  const link = (await page.getByTestId('invite-link').textContent()) ?? '';
  await tab.show('#/chats');
  return link;
};

/** Takes an invite as a person does, whose chat is then open. */
export const takeInvite = async (tab: Tab, link: string): Promise<void> => {
  await tab.show('#/invite');
  await tab.page.getByTestId('invite-paste').fill(link);
  await tab.page.getByTestId('invite-accept').click();
  await tab.page.getByTestId('composer').waitFor();
};
