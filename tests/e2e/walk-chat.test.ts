import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProofStage } from '#web/api-helping.ts';
import type { ClientApi } from '#web/api.ts';
import { backupOf, opened } from '#tests/support/backups.ts';
import { allowDevices, launch, newContext, Tab, webDir } from '#tests/support/browser.ts';
import { delivered, hopsOf, meet, say, type Side } from '#tests/support/chat.ts';
import { SecondHistory } from '#tests/support/second-history.ts';
import { eventually, TestNetwork } from '#tests/support/test-network.ts';
import { act, PATIENCE_MS } from '#tests/support/thread.ts';
import { at, clicked, here, walk, type Screen } from '#tests/support/walker.ts';

/** Two and a half seconds a slot, in which every node is tested. */
const EPOCH_MS = 30_000;
/** For a few epochs: a node may be tested in too few slots of one, and a proof begins when it will. */
const PROOF_MS = 6 * EPOCH_MS;
/** So much later each relay does everything, where a path is to take its time. */
const LAG_MS = 300;

/** What one does with messages and files, and what of a device or of neighbours is in the way. */
describe('somebody who walks through what one does in a chat', () => {
  let network: TestNetwork;
  let browser: Browser;
  let context: BrowserContext;
  let ada: Tab;
  let page: Page;
  let bea: ClientApi;
  let own: Side;
  let theirs: Side;

  beforeAll(async () => {
    const env = { HG_EPOCH_MS: String(EPOCH_MS) };
    [network, browser] = await Promise.all([
      TestNetwork.start({ relays: 6, webDir, auditor: true, env }),
      launch(['--use-fake-device-for-media-stream']),
    ]);
    ({ client: bea } = await network.addClient());
    await bea.start({ name: 'Bea' });
    context = await newContext(browser, network.url);
    context.setDefaultTimeout(PATIENCE_MS);
    ada = await Tab.open(context, network.url);
    page = ada.page;
    await ada.start('Ada');
    ({ guest: theirs, host: own } = await meet(bea, ada.client));
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
  });

  const of = (name: string, hash: string, shows: string): Screen => at(ada, name, hash, shows);
  const chat = (): string => `#/chats/${own.conversation}`;

  it('sees what is done with a message', async () => {
    await delivered(theirs, [await say(theirs, 'The ferry leaves at nine.')]);
    await ada.show(chat());
    const menu = async (): Promise<void> => {
      const line = page.locator('.line').filter({ hasText: 'The ferry' });
      await line.hover();
      await line.getByTestId('message-menu').click();
    };
    await walk(page, [{ name: 'message-menu', shows: 'act-reply', open: menu }]);
    await page.keyboard.press('Escape');
    const emoji = async (): Promise<void> => {
      await menu();
      await page.getByTestId('react-more').click();
    };
    await walk(page, [{ name: 'emoji', shows: 'emoji-field', open: emoji }]);
    await page.keyboard.press('Escape');
  });

  it('sees what is sent beside words', async () => {
    await act(ada, 'The ferry leaves at nine.', 'act-reply');
    await page.getByTestId('file-input').setInputFiles([
      { name: 'quay.png', mimeType: 'image/png', buffer: await page.screenshot() },
      { name: 'tides.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(20_000) },
    ]);
    await walk(page, [here('reply-and-files', '[data-testid=attached][data-state=cleaned]')]);
    await page.getByTestId('composer').fill('From the quay');
    await page.getByTestId('send').click();
    await walk(page, [clicked(page, 'recorder', 'record', '[data-recording=true]')]);
    await page.getByTestId('voice-send').click();
    await page.locator('[data-testid=file][data-kind=voice][data-state=done]').waitFor();
    const [latest] = (await ada.client.messages(own.conversation)).filter(({ mine }) => !mine).slice(-1);
    await ada.client.react(latest?.id ?? '', '\u{1F6A2}');
    await walk(page, [
      here('media', '[data-testid=picture]'),
      clicked(page, 'lightbox', 'picture', 'lightbox'),
    ]);
    await page.keyboard.press('Escape');
  });

  it('sees what a camera is for, and that there is none', async () => {
    await ada.show(`${chat()}/compare`);
    await walk(page, [clicked(page, 'compare-scan', 'compare-scan', '[data-phase=looking]')]);
    await page.getByTestId('scan-close').click();
    await context.clearPermissions();
    await walk(page, [clicked(page, 'compare-no-camera', 'compare-scan', '[data-phase=denied]')]);
    await allowDevices(context, network.url);
  });

  it('sees that data costs', async () => {
    await page.evaluate(() => {
      const { connection } = navigator as unknown as { connection: EventTarget };
      Object.defineProperty(connection, 'saveData', { get: () => true });
      connection.dispatchEvent(new Event('change'));
    });
    const { limits } = (await ada.client.state()).relaying;
    await ada.client.setRelayLimits({ ...limits, pauseOnMetered: true });
    await walk(page, [of('helping-metered', '#/helping', '[data-paused=metered]')]);
    await ada.client.setRelayLimits(limits);
  });

  it('sees a path that is being built, and links that do not come about', async () => {
    const [guard] = await hopsOf(own);
    for (const relay of network.relays) relay.lag(LAG_MS);
    await ada.show(`${chat()}/circuit`);
    // Each time from the start, should it be open meanwhile.
    const building = '[data-standing=building]';
    await walk(page, [{ name: 'path-building', shows: building, open: () => ada.reload() }]);
    for (const relay of network.relays) {
      relay.lag(0);
      relay.freeze(relay.id !== guard);
    }
    await ada.reload();
    await walk(page, [of('connecting', '#/network', '[data-testid=link][data-state=connecting]')]);
    for (const relay of network.relays) relay.freeze(false);
  });

  it(
    'sees a proof that is under way, and that too few could have made the same',
    { timeout: PROOF_MS },
    async () => {
      const comes = (kind: ProofStage['kind']): Promise<void> =>
        eventually(
          `a proof that is ${kind}`,
          async () => (await ada.client.state()).helping.proof.stage.kind === kind,
          PROOF_MS,
        );
      await comes('waiting');
      // The list of those who qualified comes through circuits.
      for (const relay of network.relays) relay.freeze(true);
      await comes('checking');
      await walk(page, [of('proof-checking', '#/helping', '[data-stage=checking]')]);
      for (const relay of network.relays) relay.freeze(false);
      await comes('crowd-too-small');
      await walk(page, [of('proof-crowd', '#/helping', '[data-stage=crowd-too-small]')]);
    },
  );

  it('sees that it goes on elsewhere, and a server that contradicts itself', async () => {
    const words = await ada.client.recoveryPhrase();
    const file = await backupOf(ada);
    const elsewhere = await Tab.open(await newContext(browser, network.url), network.url);
    await opened(elsewhere, 'restoreBackup', file, words);
    await elsewhere.reload();
    await elsewhere.show('#/chats');
    await elsewhere.page.getByTestId('conversation').first().waitFor();
    // Who reaches a contact has told that it is Ada now; here it is asked once, and not again for a while.
    const reaches = async (): Promise<boolean> =>
      (await elsewhere.client.state()).conversations.some(({ reachable }) => reachable);
    await eventually('somebody reached from elsewhere', reaches, PATIENCE_MS);
    await ada.reload();
    await walk(page, [of('moved', '#/chats', 'moved')]);

    // Those that follow, while a tab leaves and comes, may be gone before any relay asks.
    const body = Buffer.from(new SecondHistory(network.signing).of(await network.shared()));
    await elsewhere.page.context().route('**/consensus', (route) => route.fulfill({ body }));
    await elsewhere.reload();
    await walk(elsewhere.page, [
      at(elsewhere, 'distrusted', '#/chats', '[data-kind=distrusted]'),
      at(elsewhere, 'check-distrusted', '#/check', '[data-name=server][data-state=failed]'),
    ]);
    expect(elsewhere.problems).toEqual([]);
  });

  it('meets no error, and nothing that the policy of the page forbids', () => {
    expect(ada.problems).toEqual([]);
  });
});
