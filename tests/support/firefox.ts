import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer, { type Browser, type Locator, type Page } from 'puppeteer-core';
import type { ClientApi } from '#web/api.ts';
import { clientOf } from '#tests/support/browser.ts';
import { findFirefox } from '#tests/support/programs.ts';
import { eventually } from '#tests/support/test-network.ts';
import { PATIENCE_MS } from '#tests/support/thread.ts';

/**
 * Debian's own Firefox, driven over WebDriver BiDi; Playwright knows only builds of its own.
 *
 * `media.peerconnection.ice.loopback` alone gives no candidate of 127.0.0.1: of a page that may not use the microphone Firefox
 * offers only the address from which it would reach the Internet, and on a machine without a way there none at all. So the
 * page at `url` has that permission from the start, by a file of the form in which Firefox ships those of its own sites.
 */
export const launchFirefox = async (url: string): Promise<Browser> => {
  const dir = await mkdtemp(join(tmpdir(), 'hourglass-firefox-'));
  const permissions = join(dir, 'permissions');
  await writeFile(permissions, `origin\tmicrophone\t1\t${new URL(url).origin}\n`);
  const browser = await puppeteer.launch({
    ...{ browser: 'firefox', executablePath: findFirefox(), headless: true },
    extraPrefsFirefox: {
      'media.peerconnection.ice.loopback': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'permissions.manager.defaultsUrl': pathToFileURL(permissions).href,
      // What the browser would fetch for itself is looked for on this machine, where nobody answers.
      'network.dns.forceResolve': '127.0.0.1',
    },
  });
  browser.once('disconnected', () => rmSync(dir, { recursive: true, force: true }));
  return browser;
};

/** One page of it with the app. */
export class FirefoxTab {
  readonly page: Page;
  readonly problems: string[] = [];
  readonly client: ClientApi;

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
    this.client = clientOf((work, call) => page.evaluate(work, call));
  }

  static async open(browser: Browser, url: string): Promise<FirefoxTab> {
    const tab = new FirefoxTab(await browser.newPage());
    await tab.page.goto(`${url}/?trace`);
    await eventually('the app', () => tab.page.evaluate(() => 'hourglass' in globalThis));
    return tab;
  }

  /** What a test calls by `data-testid`; `which` narrows it down. */
  at(id: string, which = ''): Locator<Element> {
    return this.page.locator<string>(`[data-testid=${id}]${which}`);
  }

  async show(hash: string): Promise<void> {
    await this.page.evaluate((to) => void (location.hash = to), hash);
  }
}
