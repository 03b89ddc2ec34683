import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryStore } from '#web/core/store/memory.ts';
import { launch, webDir, type Tab } from '#tests/support/browser.ts';
import { meet } from '#tests/support/chat.ts';
import { pictureOf } from '#tests/support/picture.ts';
import { rekey } from '#tests/support/rekey.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';
import {
  chat,
  inState,
  inviteOf,
  line,
  message,
  openChat,
  PATIENCE_MS,
  passes,
  person,
  takeInvite,
  timeline,
  write,
} from '#tests/support/thread.ts';

const UNKNOWN = 'Not sent: the invite is not known any more; ask for a new one';

describe('people who come to know each other', () => {
  let network: TestNetwork;
  let browser: Browser;
  let ada: Tab;
  let bea: Tab;
  let cleo: Tab;
  /** The invite by which Bea came. */
  let used: string;

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 6, webDir });
    browser = await launch();
    const names = ['Ada', 'Bea', 'Cleo'];
    const tabs = await Promise.all(names.map((name) => person(browser, network.url, name)));
    [ada, bea, cleo] = tabs as [Tab, Tab, Tab];
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  /** Asks for contact by a name; the chat is then open. */
  const askFor = async (tab: Tab, name: string): Promise<void> => {
    await tab.show('#/invite');
    await tab.page.getByTestId('invite-paste').fill(name);
    await tab.page.getByTestId('handle-ask').click();
    await tab.page.getByTestId('composer').waitFor();
  };

  const openInvites = async (count: number): Promise<void> => {
    await ada.show('#/invite/open');
    await ada.page
      .getByTestId('invite-dialog')
      .getByText(count === 0 ? 'No invite of yours' : 'Whoever has')
      .waitFor();
    expect(await ada.page.getByTestId('open-invite').count()).toBe(count);
  };

  it('see whom an invite leads to before they take it', async () => {
    used = await inviteOf(ada);
    await openInvites(1);
    await bea.show('#/invite');
    await bea.page.getByTestId('invite-paste').fill(used);
    const preview = bea.page.getByTestId('invite-preview');
    await preview.waitFor();
    const { address } = (await ada.client.state()).profile;
    const text = (await preview.textContent()) ?? '';
    for (const part of ['Ada', `Server ${new URL(network.url).host}`, 'Not compared yet', 'Works until'])
      expect(text).toContain(part);
    expect(text.replaceAll(' ', '')).toContain(address);
    expect(await chat(ada, 'Bea').count()).toBe(0);
    await bea.page.getByTestId('invite-accept').click();
    await write(bea, 'Hello Ada');
    await openChat(ada, 'Bea');
    await message(ada, 'Hello Ada').waitFor();
    await inState(bea, 'Hello Ada', 'delivered');
    await passes(ada, bea, 'Hello Bea');
    expect(await timeline(ada, 'Hello Bea')).toEqual(['queued', 'sending', 'delivered']);
    expect(await timeline(bea, 'Hello Bea')).toEqual(['delivered']);
  });

  it('do not come by an invite that was used, or revoked', async () => {
    const triedAndFailed = async (times: number): Promise<void> => {
      const ends = async (): Promise<string[]> =>
        (await timeline(cleo, 'May I come too?')).filter((state) => state === 'queued' || state === 'failed');
      await expect
        .poll(ends, { timeout: PATIENCE_MS })
        .toEqual(Array.from({ length: times }, () => ['queued', 'failed']).flat());
    };
    await openInvites(0);
    await takeInvite(cleo, used);
    await write(cleo, 'May I come too?');
    await line(cleo, 'May I come too?').getByText(UNKNOWN).waitFor();
    const revoked = await inviteOf(ada);
    await openInvites(1);
    await ada.page.getByTestId('invite-revoke').click();
    await ada.page.getByTestId('open-invite').waitFor({ state: 'detached' });
    await takeInvite(cleo, revoked);
    // By that it was tried again; and it is once more where a person says so.
    await triedAndFailed(2);
    await line(cleo, 'May I come too?').getByTestId('retry').click();
    await triedAndFailed(3);
    await line(cleo, 'May I come too?').getByText(UNKNOWN).waitFor();
    expect((await ada.client.state()).conversations.map(({ name }) => name)).toEqual(['Bea']);
  });

  it('come after all by an invite that is open', async () => {
    await takeInvite(cleo, await inviteOf(ada));
    await inState(cleo, 'May I come too?', 'delivered');
    await openChat(ada, 'Cleo');
    await message(ada, 'May I come too?').waitFor();
    await passes(ada, cleo, 'Now you may');
  });

  it('ask whoever has a name, who lets them in', async () => {
    await ada.show('#/settings/profile');
    await ada.page.getByTestId('handle-field').fill('Ada.Lovelace');
    await ada.page.getByTestId('handle-take').click();
    await ada.page.getByTestId('handle').getByText('@ada.lovelace').waitFor();
    const dan = await person(browser, network.url, 'Dan');
    await askFor(dan, '@ada.lovelace');
    await dan.page.getByTestId('reachability').getByText('Waiting for @ada.lovelace to accept').waitFor();
    await write(dan, 'Are you the Ada?');
    await openChat(ada, 'Dan');
    await chat(ada, 'Dan').getByTestId('badge').getByText('Wants to talk').waitFor();
    await message(ada, 'Are you the Ada?').waitFor();
    expect(await ada.page.getByTestId('composer').count()).toBe(0);
    await ada.page.getByTestId('request-accept').click();
    await ada.page.getByTestId('composer').waitFor();
    // Now that they are let in they see who it is.
    await chat(dan, 'Ada').waitFor();
    await openChat(dan, 'Ada');
    await inState(dan, 'Are you the Ada?', 'delivered');
    await passes(ada, dan, 'I am');
    await passes(dan, ada, 'Good');
    expect(dan.problems).toEqual([]);
    await dan.close();
  });

  it('refuse who they do not want', async () => {
    const eve = await person(browser, network.url, 'Eve');
    await askFor(eve, '@ada.lovelace');
    await write(eve, 'Buy this');
    await openChat(ada, 'Eve');
    await message(ada, 'Buy this').waitFor();
    await ada.page.getByTestId('request-refuse').click();
    await chat(ada, 'Eve').waitFor({ state: 'detached' });
    // All that Eve's side gets of it: her path ends, if there is one and her words do not wait at the server.
    const ended = async (): Promise<boolean> =>
      !(await eve.client.state()).circuits.some((one) => one.conversation !== null && one.state === 'open');
    await eventually('a path that ended', ended, PATIENCE_MS);
    expect(await eve.page.getByTestId('reachability').textContent()).toBe(
      'Waiting for @ada.lovelace to accept',
    );
    expect(await message(eve, 'Buy this').getAttribute('data-state')).not.toBe('delivered');
    await eve.close();
  });

  it('compare the same numbers, and say so', async () => {
    const digits: string[] = [];
    for (const [tab, name] of [
      [ada, 'Bea'],
      [bea, 'Ada'],
    ] as const) {
      await openChat(tab, name);
      await tab.page.getByTestId('thread-about').click();
      await tab.page.getByTestId('verification').getByText('Not compared yet').waitFor();
      await tab.page.getByTestId('compare').click();
      const groups = tab.page.getByTestId('safety-number').locator('li span[aria-hidden]');
      await groups.first().waitFor();
      digits.push((await groups.allTextContents()).join(' '));
    }
    expect(digits[0]).toMatch(/^(\d{5} ){11}\d{5}$/);
    expect(digits[1]).toBe(digits[0]);
    await ada.page.getByTestId('compare-match').click();
    // What Ada's screen shows as a code is read on Bea's.
    const [known] = (await ada.client.state()).conversations.filter(({ name }) => name === 'Bea');
    const { code } = await ada.client.safetyNumber(known?.id ?? '');
    await bea.page.getByTestId('compare-scan').click();
    await bea.page.getByTestId('compare-code').fill(code);
    await bea.page.getByTestId('compare-check').click();
    await bea.page.getByTestId('compare-matched').waitFor();
    await bea.page.getByTestId('dialog-close').click();
    for (const tab of [ada, bea]) {
      await tab.page.locator('[data-testid=verification][data-verified=yes]').waitFor();
      await tab.page.getByTestId('thread-about').getByText('Verified').waitFor();
    }
  });

  it('see each other`s pictures', async () => {
    await ada.show('#/settings/profile');
    await ada.page
      .getByTestId('picture-file')
      .setInputFiles({ name: 'me.jpg', mimeType: 'image/jpeg', buffer: await pictureOf(ada.page) });
    await ada.page.getByTestId('picture-remove').waitFor();
    for (const tab of [bea, cleo]) {
      const shown = chat(tab, 'Ada').locator('.avatar img');
      await shown.waitFor();
      const width = (): Promise<number> => shown.evaluate((image: HTMLImageElement) => image.naturalWidth);
      await expect.poll(width).toBeGreaterThan(0);
    }
  });

  it('block, and go on', async () => {
    await openChat(ada, 'Cleo');
    await openChat(cleo, 'Ada');
    await ada.page.getByTestId('thread-about').click();
    await ada.page.getByTestId('block').click();
    await ada.page.getByTestId('confirm-yes').click();
    await ada.page.getByTestId('blocked').getByText('You blocked Cleo').waitFor();
    expect(await ada.page.getByTestId('composer').count()).toBe(0);
    await cleo.page.getByTestId('reachability').getByText('Waiting for Ada').waitFor();
    await write(cleo, 'Hello?');
    await line(cleo, 'Hello?').getByText('Waiting for Ada').waitFor();
    expect(await message(ada, 'Hello?').count()).toBe(0);
    await ada.page.getByTestId('thread-unblock').click();
    await message(ada, 'Hello?').waitFor();
    await inState(cleo, 'Hello?', 'delivered');
  });

  it('send nothing to another key before they say so', async () => {
    const store = memoryStore();
    const { client: before } = await network.addClient({ store });
    await before.start({ name: 'Finn' });
    const { host: finn } = await meet(ada.client, before);
    await before.stop();
    await rekey(store);
    const { client } = await network.addClient({ store });
    await openChat(ada, 'Finn');
    await ada.page.getByTestId('key-banner').getByText('Sending is paused').waitFor();
    await ada.page.locator('[data-testid=event][data-type=key-changed]').waitFor();
    await chat(ada, 'Finn').getByTestId('badge').getByText('Key changed').waitFor();
    expect(await ada.page.getByTestId('composer').count()).toBe(0);
    await client.send(finn.conversation, 'A new browser');
    await message(ada, 'A new browser').waitFor();
    await ada.page.getByTestId('key-continue').click();
    await write(ada, 'I thought so');
    await inState(ada, 'I thought so', 'delivered');
    expect((await client.messages(finn.conversation)).at(-1)?.text).toBe('I thought so');
  });

  it('meet no error', () => {
    expect([ada, bea, cleo].flatMap(({ problems }) => problems)).toEqual([]);
  });
});
