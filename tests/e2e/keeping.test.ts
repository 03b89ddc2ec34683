import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex, text } from '#shared/bytes/bytes.ts';
import { decodeAddress } from '#shared/rendezvous/address.ts';
import type { ClientApi } from '#web/api.ts';
import { backupOf, opened } from '#tests/support/backups.ts';
import { keptInBrowser } from '#tests/support/browser-store.ts';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { delivered, heard, meet, say, type Side } from '#tests/support/chat.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';
import { message, openChat, write } from '#tests/support/thread.ts';

type Exposed = typeof globalThis & { hourglass: { client: ClientApi } };

const PASSPHRASE = 'seven geese in a row';
const TIMER_MS = 1500;
/** Whoever is let into a group again waits for its members to come by. */
const GROUP_MS = 60_000;

describe('a profile that is kept', () => {
  let network: TestNetwork;
  let browser: Browser;
  let context: BrowserContext;
  let tab: Tab;
  let own: Side;
  let friend: Side;
  let secrets: string[];
  let joan: ClientApi;

  const unlock = async (page: Tab['page'], passphrase = PASSPHRASE): Promise<void> => {
    await page.getByTestId('passphrase').fill(passphrase);
    await page.getByTestId('unlock').click();
  };

  /** With Grace and a third; what is said there has come to both. */
  const makeGroup = async (): Promise<string> => {
    const made = await network.addClient();
    joan = made.client;
    await joan.start({ name: 'Joan Clarke' });
    const { host: third } = await meet(joan, tab.client);
    const group = await tab.client.createGroup('Analysts', [own.conversation, third.conversation]);
    await tab.client.send(group, 'To all of us');
    await arrives('To all of us', group);
    return group;
  };

  const arrives = (text: string, group: string): Promise<void> =>
    eventually(
      `both have “${text}”`,
      async () => {
        for (const client of [friend.client, joan]) {
          const inside = (await client.state()).conversations.some(({ id }) => id === group);
          if (!inside || !(await client.messages(group)).some((each) => each.text === text)) return false;
        }
        return true;
      },
      GROUP_MS,
    );

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 5, webDir });
    browser = await launch();
    context = await newContext(browser, network.url);
    tab = await Tab.open(context, network.url);
    await tab.start('Ada Lovelace');
    const { client } = await network.addClient();
    await client.start({ name: 'Grace Hopper' });
    ({ guest: friend, host: own } = await meet(client, tab.client));
    const addresses = [tab.client, client].map(async (each) => (await each.state()).profile.address ?? '');
    const texts = [
      'Is this you?',
      'It is.',
      'Lovelace',
      'Hopper',
      PASSPHRASE,
      ...(await Promise.all(addresses)),
    ];
    secrets = texts.map((each) => hex(text(each)));
    for (const address of await Promise.all(addresses)) {
      const bytes = hex(decodeAddress(address));
      secrets.push(bytes, hex(text(bytes)));
    }
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  it('shows whoever takes a copy of its database nothing, once it is locked', async () => {
    await tab.client.recoveryPhrase();
    await tab.client.setPassphrase(PASSPHRASE);
    expect((await tab.client.state()).keeping.locked).toBe(true);
    await delivered(own, [await say(own, 'under lock and key')]);
    await tab.page.reload();
    await tab.page.getByTestId('passphrase').waitFor();
    const kept = await keptInBrowser(tab);
    expect(kept.records).toBeGreaterThan(10);
    expect(kept.keys).toEqual([]);
    for (const secret of [...secrets, hex(text('under lock'))]) expect(kept.hex).not.toContain(secret);
    for (const word of ['Ada', 'Grace', 'Lovelace']) expect(await tab.page.content()).not.toContain(word);
  });

  it('opens by its passphrase only, and goes on', async () => {
    await unlock(tab.page, 'seven geese in a raw');
    await eventually('a refusal', async () =>
      ((await tab.page.textContent('main')) ?? '').includes('not the passphrase'),
    );
    await unlock(tab.page);
    await tab.page.getByTestId('conversation').filter({ hasText: 'Grace Hopper' }).waitFor();
    const texts = (await tab.client.messages(own.conversation)).map((each) => each.text);
    expect(texts).toEqual(['Is this you?', 'It is.', 'under lock and key']);
    await delivered(friend, [await say(friend, 'Still there?')]);
  });

  it('can be taken over by another tab, which asks for the passphrase too', async () => {
    const second = await context.newPage();
    await second.goto(`${network.url}/?trace`);
    await second.getByTestId('use-here').click();
    await unlock(second);
    await second.getByTestId('conversation').filter({ hasText: 'Grace Hopper' }).waitFor();
    await tab.page.getByTestId('use-here').click();
    await unlock(tab.page);
    await tab.page.getByTestId('conversation').filter({ hasText: 'Grace Hopper' }).waitFor();
    await second.getByTestId('use-here').waitFor();
    await second.close();
    await delivered(friend, [await say(friend, 'And now?')]);
    // What the policy forbids would stand here: Argon2id is WebAssembly.
    expect(tab.problems).toEqual([]);
  });

  it('is gone here and whole there: backup, erase everything, restore in another browser', async () => {
    const { client, conversation } = own;
    const group = await makeGroup();
    await client.setVerified(conversation, true);
    const taken = await say(own, 'never mind this');
    await client.deleteMessage(taken, true);
    await client.setTimer(conversation, TIMER_MS);
    const brief = await say(own, 'gone in a moment');
    const over = Date.now() + TIMER_MS;
    await client.setTimer(conversation, null);
    const words = await client.recoveryPhrase();
    await client.keepPhrase();
    const { address } = (await client.state()).profile;
    const file = await backupOf(tab);
    expect(file).not.toContain(hex(text('under lock')));
    await tab.page.evaluate(() => void (globalThis as Exposed).hourglass.client.eraseEverything());
    await tab.page.getByTestId('start').waitFor();
    await tab.client.state();
    const kept = await keptInBrowser(tab);
    for (const secret of secrets) expect(kept.hex).not.toContain(secret);
    expect((await tab.client.state()).profile.started).toBe(false);

    const other = await Tab.open(await newContext(browser, network.url), network.url);
    expect(await opened(other, 'readBackup', file, words)).toMatchObject({
      name: 'Ada Lovelace',
      contacts: 2,
      groups: 1,
    });
    await opened(other, 'restoreBackup', file, words);
    await eventually('the end of what was brief', () => Date.now() > over);
    await other.reload();
    const state = await other.client.state();
    expect(state.profile).toMatchObject({ name: 'Ada Lovelace', address, started: true });
    const grace = state.conversations.find(({ id }) => id === conversation);
    expect(grace).toMatchObject({ name: 'Grace Hopper', verified: 'yes' });
    expect(state.keeping).toMatchObject({ locked: false, phraseKept: true });
    const messages = await other.client.messages(conversation);
    expect(messages.map((each) => each.id)).not.toContain(brief);
    const texts = messages.map((each) => each.text).filter((each) => each !== '');
    expect(texts).toEqual(['Is this you?', 'It is.', 'under lock and key', 'Still there?', 'And now?']);
    const again = { client: other.client, conversation };
    await delivered(again, [await say(again, 'here from now on')]);
    await delivered(friend, [await say(friend, 'there you are')]);
    expect(await heard(friend, 'here')).toEqual(['here from now on']);

    // In the group they are let in again by whoever is there.
    await openChat(other, 'Analysts');
    await message(other, 'To all of us').waitFor();
    await other.page.getByTestId('composer').waitFor({ timeout: GROUP_MS });
    await write(other, 'The same from elsewhere');
    await arrives('The same from elsewhere', group);
    await friend.client.send(group, 'So it is');
    await message(other, 'So it is').waitFor({ timeout: GROUP_MS });
    await other.page.getByTestId('thread-about').click();
    await expect.poll(() => other.page.getByTestId('member').count(), { timeout: GROUP_MS }).toBe(3);
    expect(other.problems).toEqual([]);
    expect(await heard(again, 'there')).toEqual(['there you are']);
    expect(other.problems).toEqual([]);
  });
});
