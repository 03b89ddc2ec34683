import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { delivered, hopsOf, say } from '#tests/support/chat.ts';
import { Keyboard } from '#tests/support/keyboard.ts';
import { eventually, TestNetwork, type TestClient, type TestRelay } from '#tests/support/test-network.ts';
import { act, inState, PATIENCE_MS } from '#tests/support/thread.ts';
import { at, here, walk, type Screen } from '#tests/support/walker.ts';

/** What a page says when the server is away is no problem of the page's. */
const AWAY = /net::ERR_|Failed to load resource|WebSocket connection/;

/** So much later each relay does everything, where a path is to take its time. */
const LAG_MS = 300;

describe('somebody who walks through the whole app', () => {
  let network: TestNetwork;
  let browser: Browser;
  let context: BrowserContext;
  let ada: Tab;
  let page: Page;
  let hands: Keyboard;
  let bea: TestClient;
  let conversation: string;
  let group: string;

  beforeAll(async () => {
    network = await TestNetwork.start({ relays: 6, webDir });
    bea = await network.addClient();
    await bea.client.start({ name: 'Bea' });
    browser = await launch();
    context = await newContext(browser, network.url);
    context.setDefaultTimeout(PATIENCE_MS);
    ada = await Tab.open(context, network.url);
    page = ada.page;
    hands = new Keyboard(ada);
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  const of = (name: string, hash: string, shows: string): Screen => at(ada, name, hash, shows);
  const ids = async (): Promise<string[]> => (await ada.client.state()).conversations.map(({ id }) => id);

  it('sees the first screens', async () => {
    await walk(page, [
      of('restore', '#/welcome/restore', 'restore-back'),
      of('welcome', '#/welcome', 'name'),
    ]);
  });

  it('comes from the first start to a delivered message and a verified contact by the keyboard alone', async () => {
    const { link } = await bea.client.createInvite();
    await hands.reach('name');
    await hands.type('Ada');
    await hands.press('Enter');
    await hands.reachAndPress('steps-skip');
    await page.getByTestId('invite').first().waitFor();

    await hands.press('Control+i');
    await page.getByTestId('invite-link').waitFor();
    await hands.reachAndPress('invite-tab-have');
    await hands.reach('invite-paste');
    await page.keyboard.insertText(link);
    await hands.reachAndPress('invite-accept');

    await hands.reach('composer');
    await hands.type('By hand');
    await hands.press('Enter');
    await inState(ada, 'By hand', 'delivered');
    conversation = (await ada.client.state()).conversations[0]?.id ?? '';

    await hands.reachAndPress('thread-about');
    await hands.reachAndPress('compare');
    const groups = page.getByTestId('safety-number').locator('li');
    await groups.first().waitFor();
    const digits = (await groups.allTextContents()).map((each) => each.slice(-5));
    const [theirs] = (await bea.client.state()).conversations;
    expect(digits.join('')).toBe(
      (await bea.client.safetyNumber(theirs?.id ?? '')).digits.replaceAll(' ', ''),
    );
    await hands.reachAndPress('compare-match');
    const verified = async (): Promise<boolean> =>
      (await ada.client.state()).conversations[0]?.verified === 'yes';
    await eventually('the contact is verified', verified);
  });

  it('sees every screen without a fault', async () => {
    const { profile } = await ada.client.state();
    const [theirs] = (await bea.client.state()).conversations;
    const side = { client: bea.client, conversation: theirs?.id ?? '' };
    await delivered(side, [
      await say(side, `Good to see you, ${profile.name}. What is behind the lighthouse?`),
    ]);
    group = await ada.client.createGroup('Tide watch', [conversation]);
    await ada.client.createInvite();
    const { nodes } = await ada.client.state();
    const chat = `#/chats/${conversation}`;
    await walk(page, [
      of('chats', '#/chats', 'conversation'),
      of('thread', chat, 'composer'),
      of('circuit', `${chat}/circuit`, 'new-circuit'),
      of('contact', `${chat}/about`, 'contact-name'),
      of('compare', `${chat}/compare`, 'safety-number'),
      of('group', `#/chats/${group}/about`, 'member'),
      of('new-group', '#/new-group', 'group-name'),
      of('invite', '#/invite/new', 'invite-link'),
      of('have-invite', '#/invite', 'invite-paste'),
      of('open-invites', '#/invite/open', 'open-invite'),
      of('network', '#/network', 'link'),
      of('node', `#/network/${nodes[0]?.node ?? ''}`, 'link'),
      of('helping', '#/helping', 'carried-now'),
      of('settings', '#/settings', 'section-profile'),
      ...['profile', 'privacy', 'storage', 'backup', 'network', 'appearance', 'notifications', 'about'].map(
        (section) => of(`settings-${section}`, `#/settings/${section}`, 'section'),
      ),
    ]);
  });

  it('sees every dialog without a fault', async () => {
    const chat = `#/chats/${conversation}`;
    await ada.show(chat);
    await walk(page, [
      { name: 'search', shows: 'search-field', open: () => page.keyboard.press('Control+k') },
    ]);
    await page.keyboard.press('Escape');
    await ada.show(chat);
    await walk(page, [
      { name: 'details', shows: 'timeline', open: () => act(ada, 'By hand', 'act-details') },
    ]);
    await page.keyboard.press('Escape');
  });

  it('sees what becomes of chats', async () => {
    const [[theirs], { client: cleo }] = [
      (await bea.client.state()).conversations,
      await network.addClient(),
    ];
    await cleo.start({ name: 'Cleo' });
    await ada.client.setHandle('ada.walker');
    const known = await ids();
    const came = async (): Promise<string | undefined> => (await ids()).find((id) => !known.includes(id));
    await cleo.addByHandle('ada.walker');
    await eventually('somebody asks for contact', async () => (await came()) !== undefined);
    const asking = (await came()) ?? '';
    await walk(page, [of('request', `#/chats/${asking}`, 'request')]);
    await ada.client.answerRequest(asking, true);
    await ada.client.addMembers(group, [asking]);
    await ada.client.removeMember(group, asking);
    await ada.client.send(group, 'Only two of us again');

    const about = { type: 'application/pdf', preview: null, voice: null };
    const file = (name: string, bytes: number): Promise<unknown> =>
      bea.client.sendFile(theirs?.id ?? '', new Blob([new Uint8Array(bytes)]), { ...about, name });
    await file('tides.pdf', 20_000);
    await file('chart.pdf', 30_000_000);
    await ada.show(`#/chats/${conversation}`);
    const take = (name: string): Promise<void> =>
      page.getByTestId('file').filter({ hasText: name }).getByTestId('file-take').click();
    // A small one comes by itself.
    await page.getByTestId('file').filter({ hasText: 'tides.pdf' }).getByTestId('file-save').waitFor();
    await take('chart.pdf');
    await walk(page, [
      here('files', 'file-progress'),
      of('group-removed', `#/chats/${group}`, '[data-testid=event][data-type=removed]'),
    ]);
    await ada.client.leaveGroup(group);
    await walk(page, [of('group-left', `#/chats/${group}`, 'group-left')]);
    for (const each of await ada.client.files(conversation))
      if (each.state === 'moving') await ada.client.cancelFile(each.id);

    await ada.client.block(asking, true);
    await walk(page, [
      of('blocked', `#/chats/${asking}`, 'blocked'),
      of('blocked-contacts', '#/settings/privacy', 'blocked-contact'),
    ]);
  });

  it('sees a message that failed', async () => {
    const { client: dana } = await network.addClient();
    await dana.start({ name: 'Dana' });
    const { link, id } = await dana.createInvite();
    await dana.revokeInvite(id);
    const vain = await ada.client.acceptInvite(link);
    await ada.client.send(vain, 'Is this still open?');
    await walk(page, [of('failed', `#/chats/${vain}`, '[data-state=failed]')]);
  });

  it('sees a path that is renewed', async () => {
    await ada.show(`#/chats/${conversation}/circuit`);
    await page.locator('[data-standing=open], [data-standing=slow]').waitFor();
    // Whoever has not called before has to look the contact up.
    await ada.client.newCircuit(conversation);
    for (const relay of network.relays) relay.lag(LAG_MS);
    const renewals: Promise<unknown>[] = [];
    // One that is through meanwhile is followed by another.
    const open = (): Promise<unknown> => {
      renewals.push(ada.client.newCircuit(conversation).catch(() => undefined));
      return Promise.resolve();
    };
    await walk(page, [{ name: 'renewing', shows: '[data-standing=renewing]', open }]);
    for (const relay of network.relays) relay.lag(0);
    await Promise.all(renewals);
  });

  it('sees what keeps it from helping', async () => {
    await ada.client.setRelayLimits({
      ...{ dayMegabytes: 500, kilobytesPerSecond: 250, onlyVisible: true },
      ...{ pauseOnBattery: true, pauseOnMetered: true },
    });
    await walk(page, [of('helping-limits', '#/helping', 'limit-used')]);
    await page.evaluate(async () => {
      const { getBattery } = navigator as unknown as { getBattery(): Promise<EventTarget> };
      const battery = await getBattery.call(navigator);
      Object.defineProperty(battery, 'charging', { get: () => false });
      battery.dispatchEvent(new Event('chargingchange'));
    });
    await walk(page, [of('helping-paused', '#/helping', '[data-paused=battery]')]);
  });

  it('sees that it is open elsewhere, and what is wrong where links cannot be made', async () => {
    const second = await context.newPage();
    const open = (): Promise<unknown> => second.goto(network.url);
    await walk(second, [{ name: 'elsewhere', shows: 'use-here', open }]);
    await second.close();

    const bare = await newContext(browser, network.url);
    await bare.addInitScript(() => {
      Object.defineProperty(globalThis, 'RTCPeerConnection', { value: undefined });
      const { now } = Date;
      Date.now = () => now() + 95_000;
    });
    const eve = await Tab.open(bare, network.url);
    await eve.start('Eve');
    await walk(eve.page, [at(eve, 'check-blocked', '#/check', '[data-name=webrtc][data-state=failed]')]);
    expect(eve.problems).toEqual([]);
    await bare.close();
  });

  it('sees a lost path, and that nobody is there', async () => {
    const side = { client: ada.client, conversation };
    const relays = new Map<string, TestRelay>(network.relays.map((relay) => [relay.id, relay]));
    const middle = async (): Promise<string> => (await hopsOf(side))[1] ?? '';
    while (!relays.has(await middle())) await ada.client.newCircuit(conversation);
    const [guard] = await hopsOf(side);
    const lost = await middle();
    // Nobody but the guard does anything, so that no other path comes about.
    for (const [id, relay] of relays) if (id !== guard && id !== lost) relay.freeze(true);
    relays.get(lost)?.stop();
    await walk(page, [of('lost', `#/chats/${conversation}/circuit`, '[data-standing=lost]')]);
    for (const relay of relays.values()) relay.stop();
    await walk(page, [of('alone', '#/network', 'looking')]);
  });

  it('sees a server that is away', async () => {
    await network.stopServer();
    await walk(page, [
      of('check-failed', '#/check', '[data-name=server][data-state=failed]'),
      of('unreachable', '#/chats', '[data-kind=server-unreachable]'),
    ]);
    await network.startServer();
  });

  it('sees that there is no network, and a lock', async () => {
    await context.setOffline(true);
    await walk(page, [of('offline', '#/chats', '[data-kind=offline]')]);
    await context.setOffline(false);
    await ada.client.setPassphrase('violin harbor amber ladder tunnel');
    await walk(page, [{ name: 'lock', shows: 'unlock', open: () => page.reload() }]);
  });

  it('meets no error, and nothing that the policy of the page forbids', () => {
    expect(ada.problems.filter((problem) => !AWAY.test(problem))).toEqual([]);
  });
});
