import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryStore } from '#web/core/store/memory.ts';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { delivered, hopsOf, meet, say, type Side } from '#tests/support/chat.ts';
import { pictureOf } from '#tests/support/picture.ts';
import { rekey } from '#tests/support/rekey.ts';
import { eventually, TestNetwork, type TestClient } from '#tests/support/test-network.ts';
import { PATIENCE_MS } from '#tests/support/thread.ts';
import { at, clicked, here, walk, type Screen } from '#tests/support/walker.ts';

/** So much later each relay does everything, where a path is to be slow. */
const LAG_MS = 80;

/** States that take a network in which something is wrong, or a person who does something unusual. */
describe('somebody who walks through what seldom happens', () => {
  let network: TestNetwork;
  let browser: Browser;
  let ada: Tab;
  let page: Page;
  let bea: TestClient;
  /** Bea's side of her conversation with Ada. */
  let side: Side;
  let conversation: string;
  let silent: Socket;

  beforeAll(async () => {
    silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    [network, browser] = await Promise.all([TestNetwork.start({ relays: 6, webDir }), launch()]);
    bea = await network.addClient();
    await bea.client.start({ name: 'Bea' });
    const context = await newContext(browser, network.url);
    context.setDefaultTimeout(PATIENCE_MS);
    ada = await Tab.open(context, network.url);
    page = ada.page;
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
    silent.close();
  });

  const of = (name: string, hash: string, shows: string): Screen => at(ada, name, hash, shows);

  it('sees the steps of a first start, and an invite before it is accepted', async () => {
    await page.getByTestId('name').fill('Ada');
    await walk(page, [
      clicked(page, 'first-check', 'start', 'steps-next'),
      clicked(page, 'first-invite', 'steps-next', 'invite-link'),
      clicked(page, 'chats-empty', 'steps-done', 'invite'),
    ]);
    const { link } = await bea.client.createInvite();
    await walk(page, [of('preview', new URL(link).hash, 'invite-accept')]);
    await page.getByTestId('invite-accept').click();
    const own = async (): Promise<string | undefined> => (await ada.client.state()).conversations[0]?.id;
    await eventually('a conversation', async () => (await own()) !== undefined);
    conversation = (await own()) ?? '';
    const theirs = async (): Promise<string | undefined> =>
      (await bea.client.state()).conversations.find(({ state }) => state === 'active')?.id;
    await eventually('Bea has it too', async () => (await theirs()) !== undefined);
    side = { client: bea.client, conversation: (await theirs()) ?? '' };
  });

  it('sees what a chat may hold, and numbers that are not the same', async () => {
    const { client } = bea;
    const own = { client: ada.client, conversation };
    await delivered(own, [await say(own, 'Shall we meet at the mill?')]);
    const heard = (await client.messages(side.conversation)).at(-1);
    await client.react(heard?.id ?? '', '👍');
    await client.send(side.conversation, 'At six, then.', { replyTo: heard?.id ?? '' });
    const gone = await client.send(side.conversation, 'Or rather at seven');
    const picture = await pictureOf(page);
    const about = { name: 'mill.jpg', type: 'image/jpeg', preview: picture, voice: null };
    await client.sendFile(side.conversation, new Blob([new Uint8Array(picture)]), about);
    await delivered(side, [gone.id]);
    await client.deleteMessage(gone.id, true);
    await client.setTimer(side.conversation, 86_400_000);
    await delivered(side, [await say(side, 'This one is gone tomorrow.')]);
    await walk(page, [of('thread-rich', `#/chats/${conversation}`, 'reaction')]);
    await ada.show(`#/chats/${conversation}/compare`);
    await walk(page, [clicked(page, 'mismatch', 'compare-differ', 'compare-mismatch')]);
    await page.keyboard.press('Escape');
  });

  it('sees the dialogs of settings', async () => {
    for (const [name, section, click, shows] of [
      ['passphrase', 'storage', 'lock-set', 'passphrase-new'],
      ['erase', 'storage', 'erase', 'erase-dialog'],
      ['phrase', 'backup', 'phrase-show', 'phrase'],
      ['backup-test', 'backup', 'backup-test', 'backup-test-dialog'],
    ] as const) {
      await ada.show(`#/settings/${section}`);
      await walk(page, [clicked(page, name, click, shows)]);
      await page.keyboard.press('Escape');
    }
    await ada.show('#/settings/backup');
    await page.getByTestId('phrase-show').click();
    await walk(page, [clicked(page, 'phrase-check', 'phrase-written', 'phrase-check')]);
    await page.keyboard.press('Escape');
    await ada.show(`#/chats/${conversation}/about`);
    await walk(page, [clicked(page, 'block', 'block', 'confirm-yes')]);
    await page.keyboard.press('Escape');
    await ada.show('#/chats');
    await walk(page, [{ name: 'keys', shows: '[open]', open: () => page.keyboard.press('?') }]);
    await page.keyboard.press('Escape');
  });

  it('sees a request that nobody has answered, and a key that changed', async () => {
    const { client: dana } = await network.addClient();
    await dana.start({ name: 'Dana' });
    await dana.setHandle('dana.mill');
    const waits = await ada.client.addByHandle('dana.mill');
    await ada.client.send(waits, 'Do you remember me?');
    await walk(page, [of('awaiting', `#/chats/${waits}`, 'banner')]);

    const store = memoryStore();
    const { client: before } = await network.addClient({ store });
    await before.start({ name: 'Finn' });
    await meet(ada.client, before);
    await before.stop();
    await rekey(store);
    await network.addClient({ store });
    const { conversations } = await ada.client.state();
    const id = conversations.find(({ name }) => name === 'Finn')?.id ?? '';
    await walk(page, [
      of('key-changed', `#/chats/${id}`, 'key-banner'),
      of('contact-key-changed', `#/chats/${id}/about`, '[data-verified=changed]'),
    ]);
  });

  it('sees a contact who left while a file was on its way', async () => {
    const { client: gene } = await network.addClient();
    await gene.start({ name: 'Gene' });
    const { guest, host } = await meet(gene, ada.client);
    const about = { name: 'chart.pdf', type: 'application/pdf', preview: null, voice: null };
    await gene.sendFile(guest.conversation, new Blob([new Uint8Array(30_000_000)]), about);
    await ada.show(`#/chats/${host.conversation}`);
    await page.getByTestId('file').getByTestId('file-take').click();
    await page.locator('[data-testid=file][data-state=moving]').waitFor();
    await gene.stop();
    await walk(page, [here('contact-away', '[data-testid=file][data-state=paused]')]);
  });

  it('sees a path that is slow', async () => {
    await ada.show(`#/chats/${conversation}/circuit`);
    await page.locator('[data-standing=open], [data-standing=slow]').waitFor();
    for (const relay of network.relays) relay.lag(LAG_MS);
    await ada.client.newCircuit(conversation);
    await walk(page, [here('slow', '[data-standing=slow]')]);
    for (const relay of network.relays) relay.lag(0);
  });

  it('sees that a day’s limit is reached', async () => {
    const { node } = await ada.client.state();
    const { client: cleo } = await network.addClient();
    await cleo.start({ name: 'Cleo' });
    const { guest } = await meet(cleo, bea.client);
    await ada.client.setRelayLimits({
      ...{ dayMegabytes: 1, kilobytesPerSecond: null, onlyVisible: false },
      ...{ pauseOnBattery: false, pauseOnMetered: false },
    });
    const about = { type: 'application/pdf', preview: null, voice: null, name: 'charts.pdf' };
    await cleo.sendFile(guest.conversation, new Blob([new Uint8Array(30_000_000)]), about);
    const offered = async (): Promise<string | undefined> => {
      for (const { id } of (await bea.client.state()).conversations)
        for (const file of await bea.client.files(id)) if (file.state === 'offered') return file.id;
      return undefined;
    };
    await eventually('the file is offered', async () => (await offered()) !== undefined);
    await bea.client.takeFile((await offered()) ?? '');
    const full = async (): Promise<boolean> => {
      if ((await ada.client.state()).relaying.paused === 'day') return true;
      if (!(await hopsOf(guest)).includes(node?.id ?? '')) await cleo.newCircuit(guest.conversation);
      return false;
    };
    await eventually('Ada has carried as much as she may', full, PATIENCE_MS);
    await walk(page, [of('helping-day', '#/helping', '[data-paused=day]')]);
    const { helping } = await ada.client.state();
    expect(helping.days.at(-1)?.bytes).toBeGreaterThanOrEqual(1_000_000);
  });

  it('sees that no help through routers comes, and no circuit', async () => {
    for (const relay of network.relays) relay.freeze(true);
    const context = await newContext(browser, network.url);
    const url = `127.0.0.1:${String(silent.address().port)}`;
    await context.route('**/client.json', async (route) => {
      const config = (await (await route.fetch()).json()) as object;
      const iceServers = [
        { urls: `stun:${url}` },
        { urls: `turn:${url}`, username: 'nobody', credential: 'nothing' },
      ];
      await route.fulfill({ json: { ...config, iceServers } });
    });
    const gus = await Tab.open(context, network.url);
    await gus.start('Gus');
    await gus.page.clock.install();
    await gus.show('#/check');
    await gus.page.locator('[data-name=ice][data-state=warning]').waitFor();
    await gus.page.clock.fastForward(30_000);
    await walk(gus.page, [here('check-alone', '[data-name=circuit][data-state=failed]')]);
    await gus.show('#/chats');
    await walk(gus.page, [here('building', '[data-kind=building-circuit]')]);
    expect(gus.problems).toEqual([]);
    await context.close();
  });

  it('meets no error, and nothing that the policy of the page forbids', () => {
    expect(ada.problems).toEqual([]);
  });
});
