import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#server/clock.ts';
import { createHttp } from '#server/http.ts';
import { sha256 } from '#release/files.ts';
import { launch, type Tab, webDir } from '#tests/support/browser.ts';
import { heard, meet, type Side } from '#tests/support/chat.ts';
import { buildInto, releaseOf } from '#tests/support/releases.ts';
import { TestNetwork } from '#tests/support/test-network.ts';
import { inState, message, openChat, passes, person, write } from '#tests/support/thread.ts';
import { walk } from '#tests/support/walker.ts';

const texts = ['Mail: the first', 'Mail: the second'];

/** What a page says when the server is away is no problem of the page's. */
const AWAY = /net::ERR_|Failed to load resource|WebSocket connection/;

describe('the app in the browser that holds it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hourglass-releases-'));
  const [served, next] = [join(folder, 'served'), join(folder, 'next')];
  const complaints: string[] = [];
  /** Where pages and service workers asked for anything. */
  const asked = new Set<string>();
  let network: TestNetwork;
  let browser: Browser;
  let ada: Tab;
  let bea: Tab;
  let side: Side;
  let passing: Server;
  /** The next release, which is built while the first tests run. */
  let built: Promise<void>;

  const serve = (release: string): void => {
    rmSync(served, { recursive: true, force: true });
    cpSync(release, served, { recursive: true });
  };
  /** What the policy of its page forbids, a service worker says on its own console. */
  const listen = (context: BrowserContext): void => {
    const hear = (worker: ReturnType<BrowserContext['serviceWorkers']>[number]): void =>
      void worker.on('console', (said) => {
        if (said.type() === 'error') complaints.push(said.text());
      });
    context.on('serviceworker', hear);
    context.serviceWorkers().forEach(hear);
    context.on('request', (request) => asked.add(new URL(request.url()).origin));
  };
  const releaseAt = (tab: Tab): Promise<string | null> =>
    tab.page.evaluate(() => document.documentElement.dataset['release'] ?? null);
  const lookForRelease = (): Promise<void> =>
    ada.page.evaluate(async () => {
      await (await navigator.serviceWorker.getRegistration())?.update();
    });

  beforeAll(async () => {
    serve(webDir);
    network = await TestNetwork.start({ relays: 6, webDir: served });
    built = buildInto(next, 'tests/support/next-release.config.ts');
    browser = await launch();
    ada = await person(browser, network.url, 'Ada');
    // It counts from the next load on.
    await ada.page.context().grantPermissions(['notifications'], { origin: network.url });
    bea = await person(browser, network.url, 'Bea');
    for (const tab of [ada, bea]) listen(tab.page.context());
    ({ guest: side } = await meet(bea.client, ada.client));
    await openChat(ada, 'Bea');
    await openChat(bea, 'Ada');
  });
  afterAll(async () => {
    await browser.close();
    await network.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is kept as a whole, and each file as it was built', async () => {
    await ada.page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated');
    const kept = await ada.page.evaluate(async () => {
      const names = await caches.keys();
      const cache = await caches.open(names[0] ?? '');
      return { names, paths: (await cache.keys()).map(({ url }) => new URL(url).pathname) };
    });
    expect(kept.names).toHaveLength(1);
    const all = Object.keys(releaseOf(webDir).files);
    const fetchedLater = /prover|\.zkey$|\.wasm$|^\/pictures\/|^\/sw\.js$|\/(ar|de|es)-/;
    expect(kept.paths).toEqual(expect.arrayContaining(all.filter((path) => !fetchedLater.test(path))));
    expect(kept.paths).toEqual(expect.arrayContaining(['/release.json', '/release.sig']));
    expect(kept.paths.filter((path) => /zkey|\.wasm|^\/pictures\//.test(path))).toEqual([]);
  });

  it('opens without the server, with all that was said, and keeps what is written', async () => {
    await passes(ada, bea, 'Before it went');
    await network.stopServer();
    await ada.reload();
    await message(ada, 'Before it went').waitFor();
    await ada.page.getByTestId('status').and(ada.page.locator('[data-kind=server-unreachable]')).waitFor();
    for (const text of texts) await write(ada, text);
    for (const text of texts) await inState(ada, text, 'queued');
    await ada.page.getByTestId('composer').fill('Not sent yet');
  });

  it(
    'is told of a new release, and lets it wait for what is still leaving',
    { timeout: 240_000 },
    async () => {
      await built;
      const port = Number(new URL(network.url).port);
      // Files are served again, and no directory is there.
      passing = createHttp({
        ...{ webDir: next, iceServers: [], turn: undefined, clock: systemClock, candidates: 'loopback' },
        ...{ linkPath: '/link', consensus: () => undefined, releaseSignature: undefined },
        readiness: () => ({ draining: false, away: [] }),
      }).listen(port, '127.0.0.1');
      await once(passing, 'listening');
      await lookForRelease();
      const prompt = ada.page.getByTestId('update');
      await prompt.getByText('2 messages are still leaving.').waitFor();
      await walk(ada.page, [{ name: 'update', shows: 'update', open: () => Promise.resolve() }]);
      await prompt.getByTestId('update-done').click();
      expect(await releaseAt(ada)).toBeNull();
      passing.closeAllConnections();
      passing.close();
      await once(passing, 'close');
    },
  );

  it('changes to it once they have left, with nothing lost', async () => {
    serve(next);
    await network.startServer();
    await ada.page.locator('html[data-release=next]').waitFor({ state: 'attached' });
    for (const text of ['Before it went', ...texts]) await inState(ada, text, 'delivered');
    expect(await ada.page.getByTestId('composer').inputValue()).toBe('Not sent yet');
    for (const text of texts) await message(bea, text).waitFor();
    expect(await heard(side, 'Mail:')).toEqual(texts);
    expect(await ada.page.evaluate(() => caches.keys())).toHaveLength(1);
  });

  it('changes at once to one that nothing has to wait for', async () => {
    await network.stopServer();
    serve(webDir);
    await network.startServer();
    await lookForRelease();
    await ada.page.getByTestId('update-now').click();
    await ada.page.locator('html:not([data-release])').waitFor({ state: 'attached' });
    await message(ada, 'Before it went').waitFor();
    await passes(bea, ada, 'As before');
  });

  it('says that a message came, and neither from whom nor what, while nobody looks', async () => {
    const { page } = ada;
    const told = (): Promise<string[]> =>
      page.evaluate(async () => {
        const shown = await (await navigator.serviceWorker.getRegistration())?.getNotifications();
        return (shown ?? []).map(({ title, body }) => `${title}: ${body}`);
      });
    const look = (away: boolean): Promise<void> =>
      page.evaluate((gone) => {
        document.hasFocus = () => !gone;
        dispatchEvent(new Event(gone ? 'blur' : 'focus'));
      }, away);
    const unread = async (): Promise<number[]> =>
      (await ada.client.state()).conversations.map((each) => each.unread);
    await expect.poll(unread).toEqual([0]);
    await ada.show('#/settings/notifications');
    await page.getByTestId('notify').click();
    await page.getByTestId('notify').and(page.locator('[aria-checked=true]')).waitFor();
    await look(true);
    await write(bea, 'While you were away');
    await expect.poll(told).toEqual(['Hourglass: New message']);
    await page.getByTestId('notify-names').click();
    await write(bea, 'Still away');
    await expect.poll(told).toEqual(['Bea: 2 new messages']);
    // What was read counts no more.
    const [chat] = (await ada.client.state()).conversations;
    await ada.client.markRead(chat?.id ?? '');
    await expect.poll(() => page.title()).toBe('Hourglass');
    await write(bea, 'Away again');
    await expect.poll(told).toEqual(['Bea: New message']);
    await look(false);
    await expect.poll(told).toEqual([]);
  });

  it('puts what another app shares into a chat, past the server', async () => {
    const { page } = bea;
    // As the browser does for the manifest's share target: from no page of the app's.
    await page.goto('about:blank');
    await page.setContent(`<form method="post" action="${network.url}/share" enctype="multipart/form-data">
      <input name="title" value="Tides"><input name="url" value="https://example.org/tides">
      <input type="file" name="files"><button>Share</button></form>`);
    const file = { name: 'tides.txt', mimeType: 'text/plain', buffer: Buffer.from('Low water at six') };
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByText('Share').click();
    await page.getByTestId('share-to').filter({ hasText: 'Ada' }).click();
    await page.getByTestId('composer').waitFor();
    expect(await page.getByTestId('composer').inputValue()).toBe('Tides\nhttps://example.org/tides');
    await page.getByText('tides.txt').first().waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  it('says in About that what is here is what the server signed, and when it is not', async () => {
    await ada.show('#/settings/about');
    const { page } = ada;
    await page.getByTestId('release-right').waitFor();
    const list = readFileSync(join(webDir, 'release.json'));
    expect(await page.getByTestId('release-hash').innerText()).toBe(sha256(list));
    await page.evaluate(async () => {
      const [name = ''] = await caches.keys();
      const cache = await caches.open(name);
      const file = (await cache.keys()).find(({ url }) => /\/index-.*\.js$/.test(url));
      if (file) await cache.put(file, new Response('// something else'));
    });
    await ada.show('#/settings/profile');
    await ada.show('#/settings/about');
    await page.getByTestId('release-wrong').getByText('One file').waitFor();
  });

  it('breaks no rule of its policy meanwhile, neither in pages nor in the service worker', () => {
    const problems = [...ada.problems, ...bea.problems, ...complaints];
    expect(problems.filter((problem) => !AWAY.test(problem))).toEqual([]);
  });

  it('asks nobody but its server for anything', () => {
    asked.delete('null');
    expect([...asked]).toEqual([network.url]);
  });
});
