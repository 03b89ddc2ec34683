import { chromium, type Browser } from 'playwright-core';
import { buildApp, isBuilt } from '#server/build.ts';
import { launchArgs, webDir } from '#tests/support/browser.ts';
import { findChromium } from '#tests/support/programs.ts';
import { root } from './programs.ts';

export type Tabs = {
  pid: number;
  version: string;
  open(url: string, count: number): Promise<void>;
  stop(): Promise<void>;
};

/** A Chromium whose tabs relay. Its first process is known, so that the CPU time of all of them can be counted. */
export const startTabs = async (): Promise<Tabs> => {
  if (!isBuilt(root, webDir)) await buildApp(root);
  const server = await chromium.launchServer({ executablePath: findChromium(), args: launchArgs });
  const browser: Browser = await chromium.connect(server.wsEndpoint());
  return {
    pid: server.process().pid ?? 0,
    version: browser.version(),
    open: (url, count) => openTabs(browser, url, count),
    stop: async () => {
      await browser.close();
      await server.close();
    },
  };
};

const openTabs = async (browser: Browser, url: string, count: number): Promise<void> => {
  const context = await browser.newContext();
  // With these a page may see real addresses, so that no mDNS name is asked for on the network.
  await context.grantPermissions(['microphone', 'camera'], { origin: url });
  for (let i = 1; i <= count; i++) {
    const page = await context.newPage();
    await page.goto(`${url}/?profile=relay${String(i)}`);
    // A tab that relays is one that nobody looks at: what is drawn would cost more than the relaying.
    await page.evaluate(() => document.documentElement.style.setProperty('display', 'none', 'important'));
  }
};
