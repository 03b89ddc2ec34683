import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientApi } from '#web/api.ts';
import { launch, webDir, type Tab } from '#tests/support/browser.ts';
import { meet } from '#tests/support/chat.ts';
import { eventually, TestNetwork, type TestClient } from '#tests/support/test-network.ts';
import { act, chat, line, message, openChat, PATIENCE_MS, person, write } from '#tests/support/thread.ts';

describe('a group of people', () => {
  let network: TestNetwork;
  let browser: Browser;
  /** Ada knows the others, who do not know each other. */
  let ada: Tab;
  let bea: Tab;
  let cleo: Tab;
  /** Who has no page. */
  const more = new Map<string, TestClient>();

  const panel = ({ page }: Tab): Locator => page.getByTestId('group-panel');
  const names = async (tab: Tab): Promise<string[]> => {
    const all = await tab.page.getByTestId('member').locator('.what > :first-child').allTextContents();
    return all.map((name) => name.trim()).sort();
  };
  const showsMembers = async (tabs: Tab[], members: string[]): Promise<void> => {
    for (const tab of tabs)
      await expect.poll(() => names(tab), { timeout: PATIENCE_MS }).toEqual([...members].sort());
  };
  const tells = async (tabs: Tab[], text: string): Promise<void> => {
    for (const tab of tabs) await tab.page.getByTestId('event').filter({ hasText: text }).waitFor();
  };
  const choose = async (tab: Tab, names: string[]): Promise<void> => {
    const people = tab.page.getByTestId('people');
    for (const name of names)
      await people.locator('label').filter({ hasText: name }).getByTestId('person').check();
  };
  const texts = async (client: ClientApi): Promise<string[]> => {
    const { conversations } = await client.state();
    const group = conversations.find(({ kind }) => kind === 'group');
    return group ? (await client.messages(group.id)).map(({ text }) => text) : [];
  };
  const hear = async (text: string, who: string[]): Promise<void> => {
    for (const name of who) {
      const { client } = more.get(name) ?? {};
      await eventually(
        `${name} has “${text}”`,
        async () => client !== undefined && (await texts(client)).includes(text),
        PATIENCE_MS,
      );
    }
  };

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 8, webDir });
    browser = await launch();
    const tabs = await Promise.all(['Ada', 'Bea', 'Cleo'].map((name) => person(browser, network.url, name)));
    [ada, bea, cleo] = tabs as [Tab, Tab, Tab];
    const others: ClientApi[] = [bea.client, cleo.client];
    for (const name of ['Dan', 'Eve', 'Finn']) {
      const made = await network.addClient();
      await made.client.start({ name });
      more.set(name, made);
      others.push(made.client);
    }
    await Promise.all(others.map((client) => meet(client, ada.client)));
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  it('is made of contacts, who see it', async () => {
    await ada.show('#/chats');
    await ada.page.getByTestId('new-group-open').click();
    await ada.page.getByTestId('group-name').fill('Trip');
    await choose(ada, ['Bea', 'Cleo']);
    await ada.page.getByTestId('group-create').click();
    for (const tab of [ada, bea, cleo]) {
      await openChat(tab, 'Trip');
      await tab.page.getByTestId('thread-about').click();
      await panel(tab).waitFor();
    }
    await showsMembers([ada, bea, cleo], ['Ada', 'Bea', 'Cleo']);
    await tells([ada], 'You created the group');
    await tells([bea], 'You were added');
  });

  it('hears what each of them says', async () => {
    for (const [from, name] of [
      [ada, 'Ada'],
      [bea, 'Bea'],
      [cleo, 'Cleo'],
    ] as const) {
      const text = `It is ${name}`;
      await write(from, text);
      for (const tab of [ada, bea, cleo].filter((one) => one !== from)) {
        await message(tab, text).waitFor();
        expect(await line(tab, text).getByTestId('author').textContent()).toBe(name);
      }
      await line(from, text).getByTestId('message-state').getByText('Delivered', { exact: true }).waitFor();
    }
  });

  it('is called something else', async () => {
    await panel(cleo).getByTestId('rename').click();
    await cleo.page.getByTestId('rename-field').fill('Tour');
    await cleo.page.getByTestId('rename-save').click();
    for (const tab of [ada, bea, cleo]) await chat(tab, 'Tour').waitFor();
    await tells([ada, bea, cleo], 'The group is named “Tour” now');
  });

  it('grows', async () => {
    await panel(ada).getByTestId('add-people').click();
    await choose(ada, ['Dan', 'Eve', 'Finn']);
    await ada.page.getByTestId('add-members-go').click();
    await showsMembers([ada, bea, cleo], ['Ada', 'Bea', 'Cleo', 'Dan', 'Eve', 'Finn']);
    await tells([bea, cleo], 'Finn was added');
    await write(bea, 'Welcome');
    await hear('Welcome', ['Dan', 'Eve', 'Finn']);
    // Whoever came since is not waited for.
    await line(bea, 'It is Bea').getByText('Delivered', { exact: true }).waitFor();
  });

  it('says who has a message and who has not', async () => {
    const finn = more.get('Finn');
    await finn?.client.stop();
    await write(ada, 'We leave at six');
    const state = line(ada, 'We leave at six').getByTestId('message-state');
    await state.getByText('Delivered to 4 of 5').waitFor();
    await act(ada, 'We leave at six', 'act-details');
    const people = ada.page.getByTestId('deliveries').locator('li');
    await ada.page.getByTestId('details').getByText('Delivered to 4 of 5').waitFor();
    expect(await people.filter({ hasText: 'Not yet' }).locator('.name').allTextContents()).toEqual(['Finn']);
    expect(await people.filter({ hasText: 'Has it' }).count()).toBe(4);
    await ada.page.getByTestId('dialog-close').click();
    more.set('Finn', await network.addClient(finn ? { store: finn.store } : {}));
    await hear('We leave at six', ['Finn']);
    await state.getByText('Delivered', { exact: true }).waitFor();
  });

  it('goes on without one who is removed', async () => {
    await panel(ada).getByTestId('member').filter({ hasText: 'Cleo' }).getByTestId('remove-member').click();
    await ada.page.getByTestId('confirm-yes').click();
    await cleo.page.getByTestId('group-left').getByText('You are no longer in this group').waitFor();
    expect(await cleo.page.getByTestId('composer').count()).toBe(0);
    await showsMembers([ada, bea], ['Ada', 'Bea', 'Dan', 'Eve', 'Finn']);
    await tells([bea], 'Cleo was removed');
    await write(bea, 'Cleo is gone');
    await message(ada, 'Cleo is gone').waitFor();
    await hear('Cleo is gone', ['Dan', 'Eve', 'Finn']);
    expect(await message(cleo, 'Cleo is gone').count()).toBe(0);
  });

  it('is left', async () => {
    await panel(bea).getByTestId('leave-group').click();
    await bea.page.getByTestId('confirm-yes').click();
    await bea.page.getByTestId('group-left').waitFor();
    await chat(bea, 'Tour').waitFor();
    await tells([ada], 'Bea left');
    await showsMembers([ada], ['Ada', 'Dan', 'Eve', 'Finn']);
    await write(ada, 'And then there were four');
    await hear('And then there were four', ['Dan', 'Eve', 'Finn']);
    await line(ada, 'And then there were four').getByText('Delivered', { exact: true }).waitFor();
    expect(await message(bea, 'And then there were four').count()).toBe(0);
  });

  it('meets no error', () => {
    expect([ada, bea, cleo].flatMap(({ problems }) => problems)).toEqual([]);
  });
});
